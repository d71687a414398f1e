"""What containers and networks of Homeport carry, so that those of one that was killed are known."""

import os
import socket
from collections.abc import Mapping

PREFIX = "homeport"


def describe_owner(pid: int | None = None) -> str:
    """A process, told from another that gets its number later: the number and when it was started (in the kernel's ticks)."""
    number = os.getpid() if pid is None else pid
    return f"{number}.{_find_start(number)}"


def is_owner_alive(owner: str) -> bool:
    """Whether this very process still runs."""
    number, _, started = owner.partition(".")
    if not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _find_start(int(number)) == started


def make_labels(home: str, run: str, job: str) -> Mapping[str, str]:
    """Labels of all that one job has."""
    return {**make_owner_labels(home), "homeport.run": run, "homeport.job": job}


def make_owner_labels(home: str) -> Mapping[str, str]:
    """Labels of all that this process has. The host's name and the home tell it from others that use the same engine."""
    return {
        PREFIX: "true",
        "homeport.owner": describe_owner(),
        "homeport.home": home,
        "homeport.host": socket.gethostname(),
    }


def is_abandoned(labels: Mapping[str, str], home: str) -> bool:
    """Whether this was made by a process of this home and machine that is gone."""
    return (
        labels.get("homeport.home") == home
        and labels.get("homeport.host") == socket.gethostname()
        and not is_owner_alive(labels.get("homeport.owner", ""))
    )


def _find_start(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - pathlib is slow to import
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""

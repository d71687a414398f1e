"""Ends the monitors that podman leaves for each command in a container: they stay for five minutes after it (its option
`exit_command_delay`), also where the container is gone.
"""

import os
import signal
import time

_MOST_ROUNDS = 100
_QUIET_ROUNDS = 2
_PAUSE_SECONDS = 0.01


def end_monitors(container: str) -> None:
    """End those of a removed container. Other users' cannot be, and end by themselves.

    A monitor whose command has just ended makes another process of itself, to wait in: it is looked for until none came any more.
    """
    mark = container.encode()
    quiet = 0
    for _ in range(_MOST_ROUNDS):
        found = [name for name in os.listdir("/proc") if name.isdigit() and _is_monitor(name, mark)]
        quiet = 0 if any([_kill(int(name)) for name in found]) else quiet + 1  # noqa: C419 - all of them
        if quiet == _QUIET_ROUNDS:
            return
        time.sleep(_PAUSE_SECONDS)


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _is_monitor(pid: str, container: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            if file.read() != b"conmon\n":
                return False
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            arguments = file.read().split(b"\0")
    except OSError:
        return False
    return container in arguments and b"--exec-attach" in arguments

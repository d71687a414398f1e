"""Ends the monitors that podman leaves for each command in a container: they stay for five minutes after it (its option
`exit_command_delay`), also where the container is gone.
"""

import os
import signal


def end_monitors(container: str) -> None:
    """End those of a removed container. Other users' cannot be, and end by themselves."""
    mark = container.encode()
    for name in os.listdir("/proc"):
        if name.isdigit() and _is_monitor(name, mark):
            try:
                os.kill(int(name), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


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

"""What Linux offers to an unprivileged program that has to look after other programs' children.

A child subreaper inherits the orphans of everything below it, even those that called `setsid` (prctl(2)). A thread may have a
working directory of its own (unshare(2), `CLONE_FS`), which `posix_spawn` passes on.
"""

import ctypes
import os

_PR_SET_CHILD_SUBREAPER = 36
_CLONE_FS = 0x200
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def become_subreaper() -> bool:
    """Make this process the parent of its orphaned descendants; whether the system agreed."""
    return _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def own_working_directory() -> bool:
    """Give the calling thread a working directory of its own; whether the system agreed."""
    return _call("unshare", _CLONE_FS)


def _call(name: str, *arguments: int) -> bool:
    function = getattr(ctypes.CDLL(None), name, None)
    return function is not None and function(*arguments) == 0


class ProcessStatus:
    """The line of `/proc/<pid>/stat`, as far as it matters here."""

    __slots__ = ("group", "is_zombie", "name", "parent", "started_at")

    def __init__(self, text: str) -> None:
        end = text.rindex(")")
        self.name = text[text.index("(") + 1 : end]
        fields = text[end + 2 :].split()
        self.is_zombie = fields[0] in {"Z", "X"}
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.started_at = int(fields[19]) / _TICKS_A_SECOND
        """seconds since the machine was started"""


def find_status(pid: int) -> ProcessStatus | None:
    """What a process is, or None if there is none by now."""
    content = _read(f"/proc/{pid}/stat")
    return ProcessStatus(content.decode("utf-8", "replace")) if content else None


def has_children() -> bool:
    """Whether this process has any child, or one that has ended and was not waited for: cheaper than to list them."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def list_children(pid: int) -> list[int]:
    """The children of a process, over all of its threads."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        return _scan_for_children(pid)
    return [int(child) for thread in threads for child in _read(f"/proc/{pid}/task/{thread}/children").split()]


def _scan_for_children(pid: int) -> list[int]:
    """For kernels without `CONFIG_PROC_CHILDREN`."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [child for child in pids if (status := find_status(child)) is not None and status.parent == pid]


def list_descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    found: list[int] = []
    pending = list_children(pid)
    while pending:
        child = pending.pop()
        found.append(child)
        pending.extend(list_children(child))
    return found


def has_variable(pid: int, assignment: bytes) -> bool:
    """Whether a process was started with this `NAME=value` in its environment."""
    return assignment in _read(f"/proc/{pid}/environ").split(b"\0")


def find_directory(pid: int) -> str | None:
    """The working directory of a process."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(descriptor)

"""The process that keeps the services of one job: it starts them, ends them, and removes their folder, also when Homeport is killed.

Started by path with nothing but the standard library (see `keeper.Keeper`). It lives as long as its stdin: when that ends, whoever
closed it, every process that it started is asked to end and then killed, those that left their session too, and the folder goes.
"""

import marshal
import os
import select
import signal
import sys
from collections.abc import Sequence
from typing import Any

_STOP_SECONDS = 5.0
"""What asks politely first; PostgreSQL gives its shared memory back only if it is asked."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_DEAF_TO = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
"""A ^C reaches the whole process group; services outlive it until cleanup steps have run."""


class Warden:
    """The children and how each is asked to end. `account` is whose processes they become: (uid, gid), or None for Homeport's own."""

    def __init__(self, folder: str, account: tuple[int, int] | None) -> None:
        self._folder = folder
        self._account = account
        self._stops: dict[int, int] = {}
        self._codes: dict[int, int] = {}

    def answer(self, request: tuple[Any, ...]) -> Any:
        """Carry out one request of Homeport's."""
        match request:
            case ("start", start):
                return self._start(start)
            case ("wait", pid, seconds):
                return self._wait(pid, seconds)
            case ("kill", pid):
                _signal_group(pid, signal.SIGKILL)
        return None

    def _start(self, start: dict[str, Any]) -> int | str:
        """Its process id, or why there is none."""
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(start)
            except OSError as error:
                os.write(write_end, f"{error.filename or start['arguments'][0]}: {error.strerror}".encode())
            finally:
                os._exit(127)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as errors:
            trouble = errors.read()
        if trouble:
            os.waitpid(pid, 0)
            return trouble.decode("utf-8", "replace")
        self._stops[pid] = start["stop"]
        return pid

    def _become(self, start: dict[str, Any]) -> None:
        """In the child: turn into the program."""
        os.setsid()
        for number in _DEAF_TO:
            signal.signal(number, signal.SIG_DFL)
        _open_as(0, start["input"] or os.devnull, os.O_RDONLY)
        _open_as(1, start["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(1, 2)
        os.chdir(start["folder"])
        if self._account is not None and start["drop"]:
            uid, gid = self._account
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        os.umask(0o077)
        _prctl(_PR_SET_PDEATHSIG, start["stop"])
        os.execve(start["arguments"][0], start["arguments"], start["environment"])  # noqa: S606 - no shell

    def _wait(self, pid: int, seconds: float) -> int | None:
        """The exit code, negative for a signal; None where it still runs after so many seconds."""
        if pid in self._codes or pid not in self._stops:
            return self._codes.get(pid)
        if not _has_ended(pid, seconds):
            return None
        _, status = os.waitpid(pid, 0)
        self._codes[pid] = os.waitstatus_to_exitcode(status)
        return self._codes[pid]

    def close(self) -> None:
        """End everything, then remove the folder."""
        running = [pid for pid in self._stops if self._wait(pid, 0) is None]
        for pid in running:
            _signal_group(pid, self._stops[pid])
        for pid in running:
            if self._wait(pid, _STOP_SECONDS) is None:
                _signal_group(pid, signal.SIGKILL)
        for pid in self._stops:
            _signal_group(pid, signal.SIGKILL)
        _kill_descendants()
        if os.path.isdir(self._folder):
            import shutil  # noqa: PLC0415 - slow to import, and needed only now

            shutil.rmtree(self._folder, ignore_errors=True)


def _open_as(descriptor: int, path: str, flags: int) -> None:
    opened = os.open(path, flags | os.O_CLOEXEC, 0o600)
    os.dup2(opened, descriptor)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _has_ended(pid: int, seconds: float) -> bool:
    if not hasattr(os, "pidfd_open"):
        return _has_ended_without_descriptor(pid, seconds)
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def _has_ended_without_descriptor(pid: int, seconds: float) -> bool:
    for _ in range(max(1, int(seconds / 0.02))):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
            return True
        select.select([], [], [], min(seconds, 0.02))
    return False


def _kill_descendants() -> None:
    """Orphans of services have become children of this process: it is a subreaper (Linux)."""
    for _ in range(100):
        children = _list_children()
        for child in children:
            _kill(child)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        select.select([], [], [], 0.01)


def _list_children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - Linux only

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def serve(folder: str, account: Sequence[str]) -> None:
    """Answer length-prefixed requests from stdin on stdout, until stdin ends."""
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    os.closerange(3, 65536)  # what Homeport may have been started with
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    warden = Warden(folder, (int(account[0]), int(account[1])) if account else None)
    source, target = os.dup(0), os.dup(1)
    try:
        while header := _read(source, 4):
            request = marshal.loads(_read(source, int.from_bytes(header, "big")))  # noqa: S302 - from the parent, nobody else
            body = marshal.dumps(warden.answer(request))
            os.write(target, len(body).to_bytes(4, "big") + body)
    except BrokenPipeError:
        pass  # Homeport has died in the midst of a question
    finally:
        warden.close()


def _read(descriptor: int, size: int) -> bytes:
    """So many bytes, or none at the end."""
    parts = b""
    while len(parts) < size:
        part = os.read(descriptor, size - len(parts))
        if not part:
            return b""
        parts += part
    return parts


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])

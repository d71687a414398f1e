"""Homeport's side of the process that keeps the services of one job (`warden.py`), and the folder that they live in.

The folder is in `/var/tmp`: a job's own folders may be closed to the user whose processes services are. Its name says whose it is, so
that `abandoned.py` finds what a machine that lost its power has left.
"""

import marshal
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.runner.folders import remove_tree, write_file
from homeport.runner.services.abandoned import PLACES, PREFIX
from homeport.runner.services.account import Account
from homeport.runner.services.wall import Wall

_PROGRAM = os.path.join(os.path.dirname(__file__), "warden.py")


class ServiceProgramError(Exception):
    """A program that a service needs cannot be started, or did not do its work. `log` is what it printed."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class Keeper:
    """The processes and the folder of one job's services. Thread-safe. They end with `close`, and with Homeport."""

    def __init__(self, account: Account | None, wall: Wall | None = None) -> None:
        self.account = account
        self._wall = wall
        self.folder = _make_folder(0o700 if account is None else 0o711)
        self._lock = threading.Lock()
        self._started: list[int] = []
        self._numbers = iter(range(1, sys.maxsize))
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        whose = [] if account is None else [str(account.uid), str(account.gid)]
        self._pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-W", "ignore", _PROGRAM, self.folder, *whose],
            {},
            file_actions=[(os.POSIX_SPAWN_DUP2, requests, 0), (os.POSIX_SPAWN_DUP2, answers, 1)],
            # it stays in Homeport's own process group: what does not is taken for a job's
            setsigmask=[],
        )
        os.close(requests)
        os.close(answers)

    def make_folder(self, name: str) -> str:
        """A folder that belongs to the services' user, with a path short enough for sockets in it."""
        path = f"{self.folder}/{name}"
        os.mkdir(path, 0o700)
        self.give(path)
        return path

    def give(self, path: str) -> None:
        """Let a file or folder belong to the services' user."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def bring(self, path: str) -> str:
        """A program that needs nothing beside it, where the services' user can reach it: its own path, or that of a copy."""
        if self.account is None or self.account.can_run(path):
            return path
        copy = f"{self.folder}/{os.path.basename(path)}"
        if not os.path.exists(copy):
            import shutil  # noqa: PLC0415 - only for root with programs that others cannot reach

            shutil.copyfile(path, copy)
            os.chmod(copy, 0o755)  # noqa: S103 - it is to be run by others
        return copy

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: str,
        *,
        output: str,
        text: str | None = None,
        source: str | None = None,
        stop: int = signal.SIGKILL,
        drop: bool = True,
        shown: Sequence[str] = (),
    ) -> int:
        """Start a program; gives its process id. Raises `ServiceProgramError`.

        `arguments` begin with its absolute path; `output` is the file for what it prints, `text` or the file `source` its stdin,
        `stop` the signal that ends it. With `drop` it becomes the services' user's. `shown` is what it must read besides its own
        installation, where there is a wall.
        """
        path = self._write_text(text)
        request = {
            "arguments": self._enclose(arguments, folder, shown, drop=drop),
            "environment": dict(environment),
            "folder": folder,
            "output": output,
            "input": path or source,
            # what is behind a wall has its own shared memory, which goes with it
            "stop": int(stop if self._wall is None else signal.SIGKILL),
            "drop": drop,
        }
        try:
            answer = self._ask(("start", request))
        finally:
            if path is not None:
                os.unlink(path)
        if isinstance(answer, int):
            self._started.append(answer)
            return answer
        raise ServiceProgramError(f"'{arguments[0]}' could not be started: {answer}")

    def poll(self, pid: int, seconds: float = 0.0) -> int | None:
        """The exit code of a started program, negative for a signal, or None while it runs; waits for it so long at most."""
        code = self._ask(("wait", pid, seconds))
        return code if isinstance(code, int) else None

    def kill(self, pid: int) -> None:
        """End a started program and its group at once."""
        self._ask(("kill", pid))

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: str,
        *,
        text: str | None = None,
        source: str | None = None,
        output: str | None = None,
        seconds: float = 120.0,
        drop: bool = True,
    ) -> str:
        """Run a program to its end; gives what it printed, where that does not go to the file `output`. Raises `ServiceProgramError` where it fails or takes longer."""
        place = output or f"{self.folder}/output-{next(self._numbers)}"
        pid = self.start(arguments, environment, folder, output=place, text=text, source=source, drop=drop)
        code = self.poll(pid, seconds)
        printed = ""
        if output is None:
            printed = read_log(place)
            os.unlink(place)
        name = os.path.basename(arguments[0])
        if code is None:
            self.kill(pid)
            raise ServiceProgramError(f"{name} did not end within {seconds:g} seconds", printed)
        if code != 0:
            raise ServiceProgramError(f"{name} ended with exit code {code}", printed)
        return printed

    def close(self) -> None:
        """End all processes and remove the folder. Safe to call twice."""
        with self._lock:
            if self._pid == 0:
                return
            os.close(self._requests)
            _, status = os.waitpid(self._pid, 0)
            os.close(self._answers)
            self._pid = 0
        if status != 0:  # somebody has killed it: what it would have done is left to do
            for pid in self._started:
                _kill_group(pid)
        remove_tree(self.folder)

    def _enclose(self, arguments: Sequence[str], folder: str, shown: Sequence[str], *, drop: bool) -> list[str]:
        if self._wall is None:
            return list(arguments)
        account = self.account if drop else None
        return self._wall.enclose(arguments, folder, shown, account.can_pass if account is not None else os.path.isdir)

    def _write_text(self, text: str | None) -> str | None:
        if text is None:
            return None
        path = f"{self.folder}/input-{next(self._numbers)}"
        write_file(path, text.encode("utf-8", "surrogateescape"))
        return path

    def _ask(self, request: tuple[Any, ...]) -> Any:
        body = marshal.dumps(request)
        with self._lock:
            if self._pid == 0:
                raise ServiceProgramError("the services of this job have ended")
            try:
                _write(self._requests, len(body).to_bytes(4, "big") + body)
                return marshal.loads(_read(self._answers, int.from_bytes(_read(self._answers, 4), "big")))  # noqa: S302 - our own child
            except (OSError, EOFError) as error:
                raise ServiceProgramError("the process that keeps the services of this job has ended") from error


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def read_log(path: str, most: int = 1 << 20) -> str:
    """What a program has printed so far: the end of it, where it is long."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        size = os.fstat(descriptor).st_size
        data = os.pread(descriptor, most, max(0, size - most))
    finally:
        os.close(descriptor)
    text = data.decode("utf-8", "replace")
    return text if size <= most else "…" + text.partition("\n")[2]


def _make_folder(mode: int) -> str:
    trouble: OSError | None = None
    for place in PLACES:
        path = f"{place}/{PREFIX}{os.getpid()}-{os.urandom(6).hex()}"
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            trouble = error
            continue
        os.chmod(path, mode)
        return path
    raise ServiceProgramError(f"there is no place for the data of services: {trouble}")


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, size)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)

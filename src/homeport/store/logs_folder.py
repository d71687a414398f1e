"""Keeps the output of steps in the folder store: one text file a job, every line with its time."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from homeport.ports.logs import LogLine
from homeport.store.folder import file_name, make_folder, unusable, write_all

_STEP = b"\x1e"
"""Begins a line that names the step of the lines after it. Every other line begins with a digit of its time."""
_STAMP_SIZE = len("2026-08-17T12:00:00.000000Z ")
_BLOCK = 1 << 18
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


class FolderLogs:
    """A `LogStore` in a folder: `runs/<run>/<attempt>/logs/<job>`. A chunk of lines is one `replace` and one `write`."""

    def __init__(self, home: str) -> None:
        self._runs = os.path.join(home, "runs")
        self._writers: dict[tuple[str, int, str], _Writer] = {}

    def append(self, run: str, attempt: int, job: str, step: str, at: datetime, text: str) -> None:
        """All lines of a chunk get the time at which it arrived."""
        writer = self._writers.get((run, attempt, job))
        if writer is None:
            writer = self._writers[run, attempt, job] = _Writer(self._path(run, attempt, job))
        writer.write(step, at, text)

    def close(self, run: str, attempt: int, job: str) -> None:
        """Give back the descriptor."""
        writer = self._writers.pop((run, attempt, job), None)
        if writer is not None:
            writer.close()

    def sync(self) -> None:
        """Nothing: what a local run has not acknowledged when the machine stops is lost with the run."""

    def size(self, run: str, attempt: int, job: str) -> int:
        """The file's."""
        try:
            return os.stat(self._path(run, attempt, job)).st_size
        except FileNotFoundError:
            return 0

    def cut(self, run: str, attempt: int, job: str, size: int) -> None:
        """The next chunk names its step again."""
        self.close(run, attempt, job)
        path = self._path(run, attempt, job)
        try:
            os.truncate(path, size)
        except FileNotFoundError:
            return
        except OSError as error:
            raise unusable(path, error) from error

    def read(self, run: str, attempt: int, job: str, *, step: str | None = None, start: int = 0) -> Iterator[LogLine]:
        """Read in blocks: a log may be larger than the memory."""
        tail = FolderLogTail(self._path(run, attempt, job))
        number = 0
        while lines := tail.read():
            for line in lines:
                if step is None or line.step == step:
                    if number >= start:
                        yield line
                    number += 1

    def tail(self, run: str, attempt: int, job: str) -> "FolderLogTail":
        """Begins at the first line, also of a log that does not exist yet."""
        return FolderLogTail(self._path(run, attempt, job))

    def _path(self, run: str, attempt: int, job: str) -> str:
        return os.path.join(self._runs, run, str(attempt), "logs", file_name(job))


class FolderLogTail:
    """A `LogTail`: remembers how far it has read, and holds no file open meanwhile."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._offset = 0
        self._step = ""
        self._at = _UNKNOWN

    def read(self) -> Sequence[LogLine]:
        """The next whole lines; a last line without its end is left for later."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise unusable(self._path, error) from error
        try:
            return self._read(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> Sequence[LogLine]:
        size = _BLOCK
        lines: list[LogLine] = []
        while not lines:
            data = os.pread(descriptor, size, self._offset)
            end = data.rfind(b"\n") + 1
            if end:
                self._offset += end
                lines = list(self._parse(data[: end - 1]))
            elif len(data) < size:
                break
            else:
                size *= 4  # one line longer than the block
        return lines

    def _parse(self, data: bytes) -> Iterator[LogLine]:
        for line in data.split(b"\n"):
            if line.startswith(_STEP):
                self._step = line[1:].decode("utf-8", "replace")
            else:
                self._at = _read_stamp(line) or self._at
                yield LogLine(self._at, self._step, line[_STAMP_SIZE:].decode("utf-8", "replace"))


def _read_stamp(line: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(line[: _STAMP_SIZE - 1].decode("ascii", "replace"))
    except ValueError:
        return None  # torn: the disk was full


def _open_log(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        return os.open(path, flags, 0o600)


class _Writer:
    """The open log of one job."""

    __slots__ = ("_descriptor", "_path", "_step")

    def __init__(self, path: str) -> None:
        self._path = path
        self._step: str | None = None
        try:
            self._descriptor = _open_log(path)
        except OSError as error:
            raise unusable(path, error) from error

    def write(self, step: str, at: datetime, text: str) -> None:
        stamp = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z ".encode()
        data = text.encode("utf-8", "backslashreplace").replace(b"\n", b"\n" + stamp)
        head = b""
        if step != self._step:
            head = _STEP + step.encode("utf-8", "backslashreplace").replace(b"\n", b" ") + b"\n"
            self._step = step
        try:
            write_all(self._descriptor, b"".join((head, stamp, data, b"\n")))
        except OSError as error:
            raise unusable(self._path, error) from error

    def close(self) -> None:
        os.close(self._descriptor)

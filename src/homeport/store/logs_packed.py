"""The log store of a server: `logs/<run>/<attempt>/<job>`, with an index by line and time, packed when a job has ended."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from homeport.ports.logs import FoundLines, LogLine, LogOutline, LogPart
from homeport.ports.repositories import StoreError
from homeport.store.folder import file_name, listed, remove_tree
from homeport.store.job_log import LIVE, JobLog
from homeport.store.log_records import Record, lines_of

LARGEST_LOG = 1 << 30
_RETRY_SECONDS = 60.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_READ = 128
"""How many logs that nobody writes are remembered"""
_MICROSECOND = timedelta(microseconds=1)

_Key = tuple[str, int, str]


class PackedLogs:
    """An `IndexedLogs` in a folder. One thread appends, any thread reads; `pack` may be called in a thread of its own."""

    def __init__(self, folder: str, *, largest: int = LARGEST_LOG, retry_seconds: float = _RETRY_SECONDS) -> None:
        self._folder = folder
        self._largest = largest
        self._lock = threading.Lock()
        self._written: dict[_Key, JobLog] = {}
        """logs of jobs that go on"""
        self._dirty: dict[_Key, JobLog] = {}
        self._read: OrderedDict[_Key, JobLog] = OrderedDict()
        self._ended: list[_Key] = []
        self._failed: list[_Key] = []
        """closed, and could not be packed"""
        self._retry_seconds = retry_seconds
        self._again_at = 0.0

    # --- one writer ---------------------------------------------------------------------------------------------------------

    def append(self, run: str, attempt: int, job: str, step: str, at: datetime, text: str) -> None:
        """All lines of a chunk get the time at which it arrived."""
        key = run, attempt, job
        log = self._written.get(key)
        if log is None:
            log = self._find(key)
            with self._lock:
                self._written[key] = log
                self._read.pop(key, None)
        log.append(Record(step, (at - _EPOCH) // _MICROSECOND, text.count("\n") + 1, text))
        self._dirty[key] = log

    def sync(self) -> None:
        """One flush for each log that was appended to."""
        dirty, self._dirty = self._dirty, {}
        for log in dirty.values():
            log.sync()

    def size(self, run: str, attempt: int, job: str) -> int:
        """In bytes as it was written."""
        return self._find((run, attempt, job)).size

    def cut(self, run: str, attempt: int, job: str, size: int) -> None:
        """Before anything is appended."""
        self._find((run, attempt, job)).cut(size)

    def close(self, run: str, attempt: int, job: str) -> None:
        """It is packed by the next `pack`; also one that only an earlier process has written."""
        key = run, attempt, job
        log = self._written.get(key)
        if log is None and os.path.exists(self._path(key) + LIVE):
            log = self._find(key)
        if log is not None:
            with self._lock:
                self._written[key] = log
                self._ended.append(key)

    # --- after the end --------------------------------------------------------------------------------------------------------

    def pack(self) -> int:
        """Compress the logs that were closed; gives how many. They may be read meanwhile. What cannot be compressed now is tried again after
        a while, and the first reason raised.
        """
        trouble: StoreError | None = None
        with self._lock:
            ended, self._ended = self._ended, []
            if time.monotonic() >= self._again_at:
                ended, self._failed = [*self._failed, *ended], []
        for key in ended:
            log = self._written.get(key)
            if log is None:
                continue  # it was deleted meanwhile
            try:
                log.pack()
            except StoreError as error:
                trouble = trouble or error
                with self._lock:
                    self._failed.append(key)
                    self._again_at = time.monotonic() + self._retry_seconds
                continue
            with self._lock:
                self._dirty.pop(key, None)
                self._written.pop(key, None)
                self._keep_in_mind(key, log)
        if trouble is not None:
            raise trouble
        return len(ended)

    def pack_left(self, run: str, attempt: int, jobs: Collection[str]) -> None:
        """Compress what an earlier process left of these jobs, all of which have ended."""
        for job in jobs:
            path = self._path((run, attempt, job))
            if os.path.exists(path + LIVE) and (run, attempt, job) not in self._written:
                self._find((run, attempt, job)).pack()

    def delete(self, run: str) -> None:
        """All that any attempt of a run said."""
        with self._lock:
            for logs in (self._written, self._read, self._dirty):
                for key in [key for key in logs if key[0] == run]:
                    logs.pop(key).close()
            self._ended = [key for key in self._ended if key[0] != run]
            self._failed = [key for key in self._failed if key[0] != run]
        remove_tree(os.path.join(self._folder, file_name(run)))

    def list_runs(self) -> Sequence[str]:
        """The runs that have a folder here."""
        return listed(self._folder)

    def list_unpacked(self) -> Sequence[tuple[str, int]]:
        """By the files."""
        found = []
        for run in listed(self._folder):
            for attempt in listed(os.path.join(self._folder, run)):
                names = listed(os.path.join(self._folder, run, attempt))
                if attempt.isdecimal() and any(name.endswith(LIVE) for name in names):
                    found.append((run, int(attempt)))
        return found

    # --- readers ----------------------------------------------------------------------------------------------------------------

    def read(self, run: str, attempt: int, job: str, *, step: str | None = None, start: int = 0) -> Iterator[LogLine]:
        """Block by block; those without lines of the step are not read."""
        if step is None:
            for part in self._read_from((run, attempt, job), start):
                yield from part
            return
        log = self._find((run, attempt, job))
        for segment in log.snapshot().segments:
            if segment.step != step:
                continue
            skipped = min(start, segment.lines)
            start -= skipped
            yield from self._lines(log, segment.first + skipped, segment.lines - skipped)

    def tail(self, run: str, attempt: int, job: str) -> "PackedLogTail":
        """Begins at the first line, also of a log that does not exist yet."""
        return PackedLogTail(self, run, attempt, job)

    def part(self, run: str, attempt: int, job: str, first: int, count: int, *, most_bytes: int = 1 << 20) -> LogPart:
        """Reads the blocks that the lines are in, and no others."""
        log = self._find((run, attempt, job))
        lines: list[LogLine] = []
        size = 0
        for line in self._lines(log, first, count):
            size += len(line.text)
            if lines and size > most_bytes:
                break
            lines.append(line)
        return LogPart(first, tuple(lines), log.lines)

    def count(self, run: str, attempt: int, job: str) -> int:
        """From the index."""
        return self._find((run, attempt, job)).lines

    def outline(self, run: str, attempt: int, job: str) -> LogOutline:
        """From the index."""
        index = self._find((run, attempt, job)).snapshot()
        return LogOutline(
            lines=index.lines,
            size=index.size,
            is_cut=index.is_cut,
            segments=tuple((segment.step, segment.first, segment.lines) for segment in index.segments),
            groups=tuple(index.groups),
        )

    def find_moment(self, run: str, attempt: int, job: str, at: datetime) -> int:
        """From the index, then within one block."""
        log = self._find((run, attempt, job))
        begin = log.snapshot().line_at((at - _EPOCH) // _MICROSECOND)
        number = begin
        for line in self._lines(log, begin, log.lines - begin):
            if line.at >= at:
                break
            number += 1
        return number

    def search(
        self, run: str, attempt: int, job: str, text: str, *, first: int = 0, most: int = 5000, seconds: float = 2.0
    ) -> FoundLines:
        """A block that does not hold the text anywhere is not looked at line by line."""
        wanted = text.lower()
        deadline = time.monotonic() + seconds
        found: list[int] = []
        for block, records in self._find((run, attempt, job)).read_blocks(first):
            if time.monotonic() > deadline:
                return FoundLines(tuple(found), block.first)
            number = block.first
            for record in records:
                if wanted in record.text.lower():
                    for position, line in enumerate(record.text.split("\n"), number):
                        if position >= first and wanted in line.lower():
                            if len(found) == most:
                                return FoundLines(tuple(found), position)
                            found.append(position)
                number += record.lines
        return FoundLines(tuple(found), None)

    def _read_from(self, key: _Key, start: int) -> Iterator[Sequence[LogLine]]:
        log = self._find(key)
        for block, records in log.read_blocks(start):
            yield [_line(record, text) for record, text in lines_of(records, max(start - block.first, 0))]

    def _lines(self, log: JobLog, first: int, count: int) -> Iterator[LogLine]:
        if count <= 0:
            return
        for block, records in log.read_blocks(first):
            for record, text in lines_of(records, max(first - block.first, 0)):
                yield _line(record, text)
                count -= 1
                if not count:
                    return

    def _find(self, key: _Key) -> JobLog:
        with self._lock:
            log = self._written.get(key) or self._read.get(key)
            if log is None:
                log = JobLog(self._path(key), self._largest)
                self._keep_in_mind(key, log)
            elif key in self._read:
                self._read.move_to_end(key)
            return log

    def _keep_in_mind(self, key: _Key, log: JobLog) -> None:
        self._read[key] = log
        while len(self._read) > _MOST_READ:
            self._read.popitem(last=False)

    def _path(self, key: _Key) -> str:
        run, attempt, job = key
        return os.path.join(self._folder, file_name(run), str(attempt), file_name(job))


class PackedLogTail:
    """A `LogTail`: remembers how many lines it has read."""

    def __init__(self, logs: PackedLogs, run: str, attempt: int, job: str) -> None:
        self._logs = logs
        self._key = run, attempt, job
        self._next = 0

    def read(self) -> Sequence[LogLine]:
        """Some thousands at once."""
        part = self._logs.part(*self._key, self._next, 5000)
        self._next += len(part.lines)
        return part.lines


def _line(record: Record, text: str) -> LogLine:
    return LogLine(_EPOCH + record.at * _MICROSECOND, record.step, text)

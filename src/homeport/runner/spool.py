"""What a runner has to say and the server has not taken in yet: kept on disk, one file a lease, until it is acknowledged.

A file begins with the lease's token; then come reports as they are sent, each after its length and number. It is bounded: a job that
says more than the server takes in, or than the disk has room for, is slowed down.
"""

import errno
import os
import struct
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from homeport.runner.folders import make_folder, read_file

LARGEST = 256 * 1024 * 1024
"""How many bytes of one job may wait"""
_HEAD = struct.Struct(">II")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_SECONDS_FOR_ROOM = 0.5
"""How often a full disk is tried again"""


class Spool:
    """The reports of one lease. `add` is for the job's threads, the rest for the one thread that sends."""

    def __init__(self, path: str, token: str, largest: int = LARGEST) -> None:
        self._largest = largest
        make_folder(os.path.dirname(path))
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._path = path
        self._file = os.open(path, flags, 0o600)
        head = token.encode()
        try:
            _write_all(self._file, _HEAD.pack(len(head), 0) + head)
        except OSError:
            os.close(self._file)
            os.unlink(path)
            raise
        self._begin = self._end = _HEAD.size + len(head)
        self._changed = threading.Condition()
        self._waiting: deque[tuple[int, int, int]] = deque()
        """number, offset, size of each report that is not acknowledged"""
        self._is_over = False

    def add(self, sequence: int, report: bytes) -> None:
        """Keep a report; waits while too much of the job is waiting, or the disk is full. Nothing is kept after `drop`. Raises `OSError`."""
        with self._changed:
            while self._is_full() and not self._is_over:
                self._changed.wait()
            while not self._is_over and not self._has_written(_HEAD.pack(len(report), sequence) + report):
                self._changed.wait(_SECONDS_FOR_ROOM)
            if self._is_over:
                return
            self._waiting.append((sequence, self._end + _HEAD.size, len(report)))
            self._end += _HEAD.size + len(report)
            self._changed.notify_all()

    def await_reports(self, most_bytes: int, timeout: float | None) -> Sequence[tuple[int, bytes]]:
        """The oldest reports that are not acknowledged, at least one and about so many bytes; none after `timeout` seconds or `drop`."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_over, timeout)
            chosen: list[tuple[int, int, int]] = []
            for report in () if self._is_over else self._waiting:
                if chosen and sum(size for _, _, size in chosen) + report[2] > most_bytes:
                    break
                chosen.append(report)
        return [(sequence, os.pread(self._file, size, offset)) for sequence, offset, size in chosen]

    def acknowledge(self, sequence: int) -> None:
        """The server has this report and all before it."""
        with self._changed:
            while self._waiting and self._waiting[0][0] <= sequence:
                _, offset, size = self._waiting.popleft()
                self._begin = offset + size
            if not self._waiting and self._end > self._largest // 16:
                self._begin = self._end = len(self._head())
                os.ftruncate(self._file, self._end)
            self._changed.notify_all()

    def drop(self) -> None:
        """Nothing more is to be sent; the file goes. Dropping twice is no error."""
        with self._changed:
            if not self._is_over:
                self._is_over = True
                os.close(self._file)
                with suppress(FileNotFoundError):
                    os.unlink(self._path)
            self._changed.notify_all()

    @property
    def is_empty(self) -> bool:
        """Whether everything was acknowledged."""
        with self._changed:
            return not self._waiting

    def _is_full(self) -> bool:
        """Too much is waiting; or so much was acknowledged that the file has to begin anew, which it does when nothing is."""
        return self._end - self._begin > self._largest or (self._end > 2 * self._largest and bool(self._waiting))

    def _has_written(self, data: bytes) -> bool:
        """All of it; or nothing, where there is no room."""
        try:
            _write_all(self._file, data)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            if error.errno not in _NO_ROOM:
                raise
            return False
        return True

    def _head(self) -> bytes:
        size, _ = _HEAD.unpack(os.pread(self._file, _HEAD.size, 0))
        return os.pread(self._file, _HEAD.size + size, 0)


def read_left(path: str) -> tuple[str, Sequence[tuple[int, bytes]]]:
    """The token and the reports in the file of a process that died; a torn last one is left out. Raises `OSError`."""
    data = read_file(path)
    parts: list[tuple[int, bytes]] = []
    offset = 0
    while offset + _HEAD.size <= len(data):
        size, sequence = _HEAD.unpack_from(data, offset)
        offset += _HEAD.size
        if offset + size > len(data):
            break
        parts.append((sequence, data[offset : offset + size]))
        offset += size
    return (parts[0][1].decode(), parts[1:]) if parts else ("", ())


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

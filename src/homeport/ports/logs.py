"""Where the output of steps is kept."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class LogLine(msgspec.Struct, frozen=True):
    """One stored line; `at` is when its chunk arrived."""

    at: datetime
    step: str
    text: str


class LogTail(Protocol):
    """A place in a job's log that moves on as it is read."""

    def read(self) -> Sequence[LogLine]:
        """The whole lines that came since the last call, at most some thousands at once; empty where there are none yet."""
        ...


class LogStore(Protocol):
    """Masked lines in, masked lines out. One writer a job; readers at any time."""

    def append(self, run: str, attempt: int, job: str, step: str, at: datetime, text: str) -> None:
        """Store whole lines (joined by newlines, without a last one). Readable by others when it returns."""
        ...

    def read(self, run: str, attempt: int, job: str, *, step: str | None = None, start: int = 0) -> Iterator[LogLine]:
        """A job's lines from the `start`-th (0-based) on, or those of one step."""
        ...

    def tail(self, run: str, attempt: int, job: str) -> LogTail:
        """A reader that begins at the first line and can be asked again for what comes later."""
        ...

    def close(self, run: str, attempt: int, job: str) -> None:
        """No more lines will come for this job."""
        ...

    def sync(self) -> None:
        """What was appended survives the machine when it returns. Called by the writer before it acknowledges. Raises `StoreError`."""
        ...

    def size(self, run: str, attempt: int, job: str) -> int:
        """How much of a job's log there is, in bytes of the store's own: a place that `cut` can return to."""
        ...

    def cut(self, run: str, attempt: int, job: str, size: int) -> None:
        """Forget what was appended after the log had this size: its writer died before it was acknowledged, and it will come again.
        Raises `StoreError`.
        """
        ...


class LogPart(msgspec.Struct, frozen=True):
    """Some lines of a job's log: the first of them is the `first`-th (0-based); `total` is how many there were in all just then."""

    first: int
    lines: tuple[LogLine, ...]
    total: int


class LogOutline(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a log without reading it. Lines are 0-based."""

    lines: int
    size: int
    is_cut: bool
    """it was longer than what is kept"""
    segments: tuple[tuple[str, int, int], ...]
    """step, first line, number of lines: in order, without gaps"""
    groups: tuple[tuple[int, int], ...]
    """first and last line of each group of the first level"""


class FoundLines(msgspec.Struct, frozen=True):
    """Lines (0-based) that hold a text; `next` is where to go on, None: everything was looked at."""

    lines: tuple[int, ...]
    next: int | None


class IndexedLogs(LogStore, Protocol):
    """A log store that finds lines without reading what is before them. All may raise `StoreError`; what is not there reads as empty."""

    def part(self, run: str, attempt: int, job: str, first: int, count: int, *, most_bytes: int = 1 << 20) -> LogPart:
        """At most so many lines and (but for one line) characters."""
        ...

    def count(self, run: str, attempt: int, job: str) -> int:
        """How many lines there are."""
        ...

    def outline(self, run: str, attempt: int, job: str) -> LogOutline:
        """Steps and groups, by line."""
        ...

    def find_moment(self, run: str, attempt: int, job: str, at: datetime) -> int:
        """The first line that is not older (0-based)."""
        ...

    def search(
        self, run: str, attempt: int, job: str, text: str, *, first: int = 0, most: int = 5000, seconds: float = 2.0
    ) -> FoundLines:
        """Lines that hold a text, without regard to case. Ends after so many lines, or about so many seconds."""
        ...

    def delete(self, run: str) -> None:
        """All that any attempt of a run said."""
        ...

    def list_runs(self) -> Sequence[str]:
        """The runs that anything is kept of."""
        ...

    def list_unpacked(self) -> Sequence[tuple[str, int]]:
        """The attempts of which a job's log is as it was written."""
        ...

    def pack(self) -> int:
        """Compress the logs of jobs that have ended; gives how many. Called by one thread. They may be read meanwhile."""
        ...

    def pack_left(self, run: str, attempt: int, jobs: Collection[str]) -> None:
        """Compress what an earlier process left of these jobs, all of which have ended. Called by the same thread."""
        ...

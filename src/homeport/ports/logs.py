"""Where the output of steps is kept."""

from collections.abc import Iterator, Sequence
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

"""Where the output of steps is kept."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import msgspec


class LogLine(msgspec.Struct, frozen=True):
    """One stored line; `at` is when its chunk arrived."""

    at: datetime
    step: str
    text: str


class LogStore(Protocol):
    """Masked lines in, masked lines out. One writer a job; readers at any time."""

    def append(self, run: str, attempt: int, job: str, step: str, at: datetime, text: str) -> None:
        """Store whole lines (joined by newlines, without a last one). Readable by others when it returns."""
        ...

    def read(self, run: str, attempt: int, job: str, *, step: str | None = None, start: int = 0) -> Iterator[LogLine]:
        """A job's lines from the `start`-th (0-based) on, or those of one step."""
        ...

    def close(self, run: str, attempt: int, job: str) -> None:
        """No more lines will come for this job."""
        ...

"""The time of day and the passing of time, as things that are given."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that people read, one that only moves forward. Safe to call from any thread."""

    def now(self) -> datetime:
        """The aware UTC time of day."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back. Deadlines are kept in it."""
        ...

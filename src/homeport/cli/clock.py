"""The machine's own clocks."""

import time
from datetime import UTC, datetime


class SystemClock:
    """A `Clock`."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

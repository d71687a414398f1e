"""Counts the requests of each caller over an hour, and says so as GitHub does (docs: "Rate limits for the REST API")."""

import threading
from collections import OrderedDict

import msgspec

from homeport.ports.clock import Clock

HOURLY_LIMIT = 15_000
"""what GitHub gives an enterprise's users; abuse is stopped elsewhere, and sooner"""
_WINDOW_SECONDS = 3600.0
_MOST_CALLERS = 10_000


class Rate(msgspec.Struct, frozen=True):
    """Where a caller stands. `reset` is in seconds since 1970."""

    limit: int
    used: int
    reset: int

    @property
    def is_over(self) -> bool:
        """Whether it was one too many."""
        return self.used > self.limit

    @property
    def remaining(self) -> int:
        """How many more."""
        return max(0, self.limit - self.used)

    @property
    def headers(self) -> dict[str, str]:
        """As GitHub sends them."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(min(self.used, self.limit)),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": "core",
        }


class Rates:
    """The counts, in memory: after a restart they begin anew, and so does who has not asked for longest, where there are too many. The time
    of the day may be set meanwhile. Safe from any thread.
    """

    def __init__(self, clock: Clock, limit: int = HOURLY_LIMIT) -> None:
        self._clock = clock
        self._limit = limit
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """when the hour of each is over, by the monotonic clock, and how much was asked in it"""

    def count(self, who: str) -> Rate:
        """One more request."""
        return self._look(who, 1)

    def show(self, who: str) -> Rate:
        """Without counting."""
        return self._look(who, 0)

    def _look(self, who: str, more: int) -> Rate:
        now = self._clock.monotonic()
        with self._lock:
            ends, used = self._known.pop(who, (0.0, 0))
            if ends <= now:
                ends, used = now + _WINDOW_SECONDS, 0
            used += more
            self._known[who] = (ends, used)
            if len(self._known) > _MOST_CALLERS:
                self._known.popitem(last=False)
        return Rate(self._limit, used, int(self._clock.now().timestamp() + ends - now))

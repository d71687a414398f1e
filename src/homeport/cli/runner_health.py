"""What is wrong with the built-in runner, where something is: for `/readyz`, metrics and the server's own log."""

import logging
import re
from collections.abc import Iterable

from homeport.ports.clock import Clock
from homeport.ports.repositories import StoreError

_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 60.0
"""A process that dies again and again is started less and less often"""
_SETTLED_SECONDS = 10.0
"""A process that has lived for so long has not died at its start"""
_MANY_DEATHS = 3
"""So many in a row are no accident"""
_PATH = re.compile(r"\S*/\S*")
_LOG = logging.getLogger("homeport.runner")


class RunnerHealth:
    """Tells an accident from a runner that does not come up. Written by one thread, read by any."""

    def __init__(self, clock: Clock) -> None:
        self.problem: str | None = None
        self.deaths = 0
        self._clock = clock
        self._in_a_row = 0
        self._started: dict[str, float] = {}

    @property
    def pause_seconds(self) -> float:
        """How long to wait after a death until another start is tried: not at all after an accident."""
        further = self._in_a_row - 2
        return 0.0 if further < 0 else min(_PAUSE_SECONDS * float(2 ** min(further, 10)), _LONGEST_PAUSE_SECONDS)

    def note_start(self, runner: str) -> None:
        """A process was started."""
        self._started[runner] = self._clock.monotonic()

    def note_look(self, living: Iterable[str]) -> None:
        """All has been looked at, and nothing was in the way of that."""
        settled = self._clock.monotonic() - _SETTLED_SECONDS
        if any(self._started.get(runner, settled) < settled for runner in living):
            self._in_a_row = 0
        if self._in_a_row < _MANY_DEATHS and self.problem is not None:
            self.problem = None
            _LOG.warning("the built-in runner is there again")

    def note_death(self, runner: str, code: int, words: str) -> None:
        """A process has ended by a fault, or was killed; `words` are the last that it said."""
        self.deaths += 1
        lived = self._clock.monotonic() - self._started.pop(runner, 0.0)
        self._in_a_row = self._in_a_row + 1 if lived < _SETTLED_SECONDS else 1
        how = f"by signal {-code}" if code < 0 else f"with {code}"
        about = {"runner": runner, "in_a_row": self._in_a_row}
        _LOG.error("the built-in runner has ended %s after %.1f seconds: %s", how, lived, words, extra=about)
        if self._in_a_row >= _MANY_DEATHS:
            last = _PATH.sub("…", words.rpartition("\n")[2])[:200]
            self.problem = f"ends {how} whenever it is started ({self._in_a_row} times so far): {last}"

    def note_failure(self, error: Exception) -> None:
        """No process can be started, or looked after."""
        is_trouble = True
        match error:
            case OSError():
                reason = error.strerror or "a fault of the system"
            case StoreError():
                reason = "its folder cannot be used"
            case _:
                reason, is_trouble = "a fault of Homeport's own", False
        problem = f"cannot be started: {reason}"
        if problem != self.problem:
            trace = None if is_trouble else error
            _LOG.error("the built-in runner cannot be started: %s", error, exc_info=trace)
        self.problem = problem

"""The end of a job's log, for the page that shows it without JavaScript."""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from homeport.ports.logs import LogLine, LogStore


class TailReader(Protocol):
    """Reads the last lines of a log. Safe from any thread."""

    def read(self, run: str, attempt: int, job: str, count: int) -> tuple[int, Sequence[LogLine]]:
        """The number of the first of them (from 1), and the lines."""
        ...


class WholeLogTails:
    """By reading the whole log: for stores that have no index."""

    def __init__(self, logs: LogStore) -> None:
        self._logs = logs

    def read(self, run: str, attempt: int, job: str, count: int) -> tuple[int, Sequence[LogLine]]:
        """It takes as long as the log is."""
        last: deque[LogLine] = deque(maxlen=count)
        total = 0
        for line in self._logs.read(run, attempt, job):
            last.append(line)
            total += 1
        return total - len(last) + 1, tuple(last)

"""Reads lines of jobs' logs as the log viewer wants them: with the moment, the number of the step, and the text."""

from collections.abc import Mapping

import msgspec

from homeport.ports.history import HistoryJob, RunHistory
from homeport.ports.logs import IndexedLogs
from homeport.server.event_streams import encode_event

MOST_LINES = 5000
_MOST_BYTES = 1 << 20


class LinesAnswer(msgspec.Struct, frozen=True, kw_only=True, rename={"first": "from"}):
    """Some lines. `first` is the number of the first of them, from 1; each is milliseconds since 1970, its step's number, its text."""

    total: int
    is_complete: bool
    first: int
    lines: tuple[tuple[int, int, str], ...]


class OutlineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a log without its lines; lines are counted from 1."""

    total: int
    is_complete: bool
    is_cut: bool
    steps: tuple[tuple[int, int, int], ...]
    """number, first line, number of lines"""
    groups: tuple[tuple[int, int], ...]


class ShownLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines as an event of the stream; `first` is 0-based."""

    first: int
    count: int
    total: int
    event: bytes


class LogReader:
    """Any thread may use it."""

    def __init__(self, logs: IndexedLogs, history: RunHistory) -> None:
        self._logs = logs
        self._history = history

    def read(self, job: HistoryJob, first: int, count: int) -> LinesAnswer:
        """From the `first`-th line (0-based) on; at most 5000, and about a megabyte."""
        entry = job.entry
        numbers = _number_steps(job)
        part = self._logs.part(job.run, entry.attempt, entry.key, first, min(count, MOST_LINES), most_bytes=_MOST_BYTES)
        if any(line.step not in numbers for line in part.lines):
            numbers = _number_steps(self._history.job(entry.id) or job)  # steps have begun since
        lines = tuple((int(line.at.timestamp() * 1000), numbers.get(line.step, 0), line.text) for line in part.lines)
        return LinesAnswer(total=part.total, is_complete=entry.status == "completed", first=part.first + 1, lines=lines)

    def show(self, job: HistoryJob, first: int) -> ShownLines:
        """The same as an event; `id` is the last line's number."""
        answer = self.read(job, first, MOST_LINES)
        last = first + len(answer.lines)
        event = encode_event("lines", msgspec.json.encode(answer), last)
        return ShownLines(first=first, count=len(answer.lines), total=answer.total, event=event)

    def outline(self, job: HistoryJob) -> OutlineAnswer:
        """Steps and groups."""
        entry = job.entry
        outline = self._logs.outline(job.run, entry.attempt, entry.key)
        numbers = _number_steps(job)
        return OutlineAnswer(
            total=outline.lines,
            is_complete=entry.status == "completed",
            is_cut=outline.is_cut,
            steps=tuple((numbers.get(step, 0), first + 1, count) for step, first, count in outline.segments),
            groups=tuple((first + 1, last + 1) for first, last in outline.groups),
        )


def _number_steps(job: HistoryJob) -> Mapping[str, int]:
    return {step.id: step.number for step in job.entry.steps}

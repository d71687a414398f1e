"""Looks for a text in the logs of many jobs, newest runs first: for a while, and then says where to go on."""

import time
from collections.abc import Iterator

import msgspec

from homeport.ports.history import HistoryJob, RunFilter, RunHistory
from homeport.ports.logs import IndexedLogs

_SECONDS = 2.0
_MOST = 200
_MOST_OF_JOB = 20
"""One job that says it all the time is not to hide the others"""
_RUNS = 50
_LONGEST_LINE = 1000


class FoundLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that holds the text, with the job that said it."""

    run: int
    attempt: int
    job: int
    job_name: str
    line: int
    text: str


class FoundInJobs(msgspec.Struct, frozen=True, kw_only=True):
    """Some of them; `cursor` None: everything was looked at."""

    found: tuple[FoundLine, ...]
    cursor: str | None


class LogSearch:
    """Any thread may use it."""

    def __init__(self, logs: IndexedLogs, history: RunHistory) -> None:
        self._logs = logs
        self._history = history

    def in_run(self, run: str, attempt: int, text: str, cursor: str) -> FoundInJobs:
        """All jobs of an attempt."""
        jobs = iter(self._history.jobs(run, attempt))
        return self._look(jobs, text, cursor)

    def in_repository(
        self, repository: int, text: str, cursor: str, *, workflow: str = "", branch: str = ""
    ) -> FoundInJobs:
        """The latest attempts of its runs."""
        wanted = RunFilter(repositories=(repository,), workflow=workflow, branch=branch)
        run, _ = _read_cursor(cursor)
        return self._look(self._jobs(wanted, run), text, cursor)

    def _jobs(self, wanted: RunFilter, run: int | None) -> Iterator[HistoryJob]:
        before = None if run is None else run + 1
        while True:
            page = self._history.find(wanted, before=before, limit=_RUNS)
            for each in page.runs:
                if each.has_logs:
                    yield from self._history.jobs(each.id, each.entry.attempt)
            if page.before is None:
                return
            before = page.before

    def _look(self, jobs: Iterator[HistoryJob], text: str, cursor: str) -> FoundInJobs:
        deadline = time.monotonic() + _SECONDS
        run, skipped = _read_cursor(cursor)
        found: list[FoundLine] = []
        for job in jobs:
            if int(job.run) == run and job.entry.id < skipped:
                continue  # before the place to go on from
            if found and (time.monotonic() > deadline or len(found) >= _MOST):
                return FoundInJobs(found=tuple(found), cursor=f"{job.run}.{job.entry.id}")
            found += self._look_into(job, text)
            if time.monotonic() > deadline:
                return FoundInJobs(found=tuple(found), cursor=f"{job.run}.{job.entry.id + 1}")
        return FoundInJobs(found=tuple(found), cursor=None)

    def _look_into(self, job: HistoryJob, text: str) -> Iterator[FoundLine]:
        entry = job.entry
        place = job.run, entry.attempt, entry.key
        for line in self._logs.search(*place, text, most=_MOST_OF_JOB, seconds=_SECONDS).lines:
            for read in self._logs.part(*place, line, 1).lines:
                yield FoundLine(
                    run=int(job.run),
                    attempt=job.attempt,
                    job=entry.id,
                    job_name=entry.name,
                    line=line + 1,
                    text=read.text[:_LONGEST_LINE],
                )


def _read_cursor(cursor: str) -> tuple[int | None, int]:
    """The run and the job to go on with."""
    run, _, job = cursor.partition(".")
    if all(part.isascii() and part.isdigit() and len(part) < 19 for part in (run, job)):
        return int(run), int(job)
    return None, 0

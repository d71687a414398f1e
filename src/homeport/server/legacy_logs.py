"""Every build as JSON: `/logs` and `/logs/{id}`, where the server that Homeport follows had them. A build is a run; its id is the run's.

A build that goes on has the same fields as one that has ended: what is not there yet is null, or empty.
"""

from collections import deque
from datetime import UTC, datetime, timedelta

import msgspec

from homeport.ports.directory import HostedRepository
from homeport.ports.history import HistoryJob, HistoryRun, RunFilter, RunHistory
from homeport.ports.logs import IndexedLogs
from homeport.ports.run_entries import JobEntry, JobStatus, RunConclusion, RunStatus
from homeport.server.api.answers import Answer, ApiRefusalError, Page
from homeport.server.api.call import Call, Permission, check_allowed
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint

_MOST_LINES = 5_000
_MOST_BYTES = 4 << 20
_MOST_BYTES_OF_ALL = 32 << 20
"""What the jobs of a build have said is put together in memory"""
_MOST_COUNTED = 100_000
_READ = Permission("reader", "actions")


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """A run, in short."""

    id: int
    repository: str
    workflow: str
    title: str
    number: int
    attempt: int
    event: str
    branch: str | None
    commit: str
    actor: str
    status: RunStatus
    conclusion: RunConclusion | None
    started_at: datetime
    finished_at: datetime | None
    url: str
    html_url: str


class Builds(msgspec.Struct, frozen=True):
    """A page of builds, the newest first."""

    total_count: int
    builds: tuple[Build, ...]


class StepLog(msgspec.Struct, frozen=True, kw_only=True):
    """How a step stands."""

    number: int
    name: str
    status: str
    conclusion: str | None


class JobLog(msgspec.Struct, frozen=True, kw_only=True):
    """A job with what it said. `reason` is why it was skipped, or failed before a step ran."""

    id: int
    name: str
    status: JobStatus
    conclusion: RunConclusion | None
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    steps: tuple[StepLog, ...]
    lines: tuple[str, ...]
    """at most the last 5,000, and fewer where they are long, or those of many jobs"""
    total_lines: int
    log_url: str
    """the whole of it, as text"""


class BuildLog(Build, frozen=True, kw_only=True):
    """A run with its jobs and what they said."""

    jobs: tuple[JobLog, ...]


class BuildLogs:
    """The two addresses."""

    def __init__(self, history: RunHistory, logs: IndexedLogs) -> None:
        self._history = history
        self._logs = logs

    def list_builds(self, call: Call, query: Page) -> Answer:
        """Of all repositories that the caller may see."""
        seen = {each.id: each for each in call.parts.directory.list() if _may_read(call, each)}
        wanted = RunFilter(repositories=tuple(seen))
        total = self._history.count(wanted, most=_MOST_COUNTED).number if seen else 0
        found = self._history.page(wanted, offset=query.offset, limit=query.size) if query.offset < total else ()
        shown = tuple(_build(call, run, seen[run.repository_id]) for run in found)
        return call.page(Builds(total, shown), query, total)

    def get_build(self, call: Call, _: Nothing) -> Answer:
        """One build, whatever its state."""
        run = self._history.get(str(call.number("id")))
        repository = None if run is None else call.parts.directory.get(run.repository_id)
        if run is None or repository is None:
            call.refuse_unknown()
        check_allowed(call.caller, _READ, repository)
        told = msgspec.structs.asdict(_build(call, run, repository))
        jobs: list[JobLog] = []
        room = _MOST_BYTES_OF_ALL
        for job in self._history.jobs(run.id, run.entry.attempt):
            lines, total = self._last_lines(run.id, job.entry, min(room, _MOST_BYTES))
            room -= sum(map(len, lines))
            jobs.append(self._job(call, run, job, repository, lines, total))
        return Answer(body=BuildLog(**told, jobs=tuple(jobs)))

    def _job(
        self,
        call: Call,
        run: HistoryRun,
        job: HistoryJob,
        repository: HostedRepository,
        lines: tuple[str, ...],
        total: int,
    ) -> JobLog:
        entry = job.entry
        page = f"{call.links.page(repository.full_name)}/actions/runs/{run.id}/job/{entry.id}"
        return JobLog(
            id=entry.id,
            name=entry.name,
            status=entry.status,
            conclusion=entry.conclusion,
            reason=entry.reason or None,
            started_at=entry.started_at,
            finished_at=entry.completed_at,
            steps=tuple(
                StepLog(number=step.number, name=step.name, status=step.status, conclusion=step.conclusion)
                for step in entry.steps
            ),
            lines=lines,
            total_lines=total,
            log_url=f"{page}/log.txt",
        )

    def _last_lines(self, run: str, job: JobEntry, most_bytes: int) -> tuple[tuple[str, ...], int]:
        """The end of a job's log, as far as there is room for it, and how many lines there are: all are behind the link."""
        place = run, job.attempt, job.key
        total = self._logs.count(*place)
        found: deque[str] = deque()
        size, first = 0, max(0, total - _MOST_LINES)
        while part := self._logs.part(*place, first, _MOST_LINES).lines:
            first += len(part)
            for line in part:
                found.append(line.text)
                size += len(line.text)
                while size > most_bytes:  # lines of a megabyte
                    size -= len(found.popleft())
        return tuple(found), total


def endpoints_of(logs: BuildLogs) -> tuple[Endpoint, ...]:
    """The two lines of the route table."""
    return (
        endpoint("GET", "/logs", "logs/list", "List every build", logs.list_builds, Page, answer=Builds),
        endpoint("GET", "/logs/{id}", "logs/get", "Get a build with its log", logs.get_build, Nothing, answer=BuildLog),
    )


def _may_read(call: Call, repository: HostedRepository) -> bool:
    try:
        check_allowed(call.caller, _READ, repository)
    except ApiRefusalError:
        return False
    return True


def _build(call: Call, run: HistoryRun, repository: HostedRepository) -> Build:
    entry = run.entry
    return Build(
        id=entry.id,
        repository=repository.full_name,
        workflow=entry.workflow_name,
        title=entry.title,
        number=entry.number,
        attempt=entry.attempt,
        event=entry.event,
        branch=entry.head_branch,
        commit=entry.head_sha,
        actor=entry.actor.login,
        status=entry.status,
        conclusion=entry.conclusion,
        started_at=entry.started_at,
        finished_at=entry.updated_at if entry.status == "completed" else None,
        url=f"{call.links.site}/logs/{entry.id}",
        html_url=f"{call.links.page(repository.full_name)}/actions/runs/{entry.id}",
    )


def _examples() -> tuple[Builds, BuildLog]:
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    site = "https://ci.example.com"
    build = Build(
        id=42,
        repository="acme/shop",
        workflow="CI",
        title="Sell tea",
        number=17,
        attempt=1,
        event="push",
        branch="main",
        commit="5f2c7a9e" * 5,
        actor="ada",
        status="completed",
        conclusion="success",
        started_at=at,
        finished_at=at + timedelta(seconds=9),
        url=f"{site}/logs/42",
        html_url=f"{site}/acme/shop/actions/runs/42",
    )
    job = JobLog(
        id=420100001,
        name="build",
        status="completed",
        conclusion="success",
        reason=None,
        started_at=at,
        finished_at=at + timedelta(seconds=9),
        steps=(StepLog(number=1, name="Run make", status="completed", conclusion="success"),),
        lines=("##[group]Run make", "make", "##[endgroup]", "tea"),
        total_lines=4,
        log_url=f"{site}/acme/shop/actions/runs/42/job/420100001/log.txt",
    )
    return Builds(1, (build,)), BuildLog(**msgspec.structs.asdict(build), jobs=(job,))


EXAMPLES: dict[type, object] = {type(each): each for each in _examples()}
"""By the type of what is answered."""

"""The page of a job: its steps and its log. The end of the log is in the page itself; the viewer (`static/log.js`) takes it from there."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.history import RunHistory
from homeport.ports.logs import IndexedLogs, LogLine
from homeport.present.html_ansi import split_marker
from homeport.present.html_jobs import gather_jobs, state_of_job
from homeport.present.html_words import show_moment, state_of
from homeport.present.run_view import JobView, StepView
from homeport.present.words import is_exit_notice, seconds_between, show_duration
from homeport.run.job_numbers import place_job
from homeport.server.operations import Operations
from homeport.server.pages.rendering import Pages
from homeport.server.pages.run_paths import RUN_PATH, find_repository, run_link
from homeport.server.pages.run_reader import FoldedRun, RunReader
from homeport.server.pages.run_values import describe_annotation, describe_heading, job_links

_TAIL_LINES = 300


class JobHeading(msgspec.Struct, frozen=True, kw_only=True):
    """The top of the page."""

    key: str
    name: str
    state: str
    is_completed: bool
    duration: str
    since: str
    started_at: datetime | None
    runner: str
    waits_for: str
    reason: str
    environment_url: str


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step; `since` is when it began, while it goes on."""

    number: int
    name: str
    state: str
    time: str
    since: str
    reason: str


class TailRow(msgspec.Struct, frozen=True):
    """A line of the log's end; `heading` is the name of the step that begins with it, `number` counts within the step."""

    heading: str
    number: int | str
    kind: str
    text: str


class Tail(msgspec.Struct, frozen=True):
    """The end of the log, and how much came before."""

    rows: Sequence[TailRow]
    skipped: int


class JobPages:
    """The routes."""

    def __init__(
        self,
        pages: Pages,
        reader: RunReader,
        directory: RepositoryDirectory,
        history: RunHistory,
        logs: IndexedLogs,
        clock: Clock,
        operations: Operations,
    ) -> None:
        self._pages = pages
        self._reader = reader
        self._directory = directory
        self._history = history
        self._logs = logs
        self._clock = clock
        self._operations = operations

    @property
    def routes(self) -> list[BaseRoute]:
        """One job; its number says the attempt too."""
        return [Route(f"{RUN_PATH}/job/{{job:int}}", self._show, methods=["GET"])]

    def _show(self, request: Request) -> Response:
        repository = find_repository(request, self._directory)
        number = request.path_params["job"]
        run = str(request.path_params["run"])
        place = place_job(number)
        known = self._history.get(run)
        if known is None or known.repository_id != repository.id or place.run != int(run):
            raise HTTPException(404, "Not Found")
        with self._reader.open(run, place.attempt) as folded:
            job = folded.find_job(number) if folded is not None else None
            if folded is None or job is None:
                raise HTTPException(404, "Not Found")
            if job.kept_from is not None:
                return RedirectResponse(self._find_origin(repository, run, job), 303)
            return self._render(request, repository, folded, job)

    def _find_origin(self, repository: HostedRepository, run: str, job: JobView) -> str:
        """A job that a re-run kept has its log where it ran."""
        with self._reader.open(run, job.kept_from) as former:
            number = former.numbers.get(job.key) if former is not None else None
        if number is None:
            raise HTTPException(404, "Not Found")
        return f"{run_link(repository, run)}/job/{number}"

    def _render(self, request: Request, repository: HostedRepository, folded: FoldedRun, job: JobView) -> Response:
        now = self._clock.now()
        links = job_links(repository, folded)
        heading = describe_heading(repository, folded, now)
        kept = self._operations.find_kept(int(folded.record.id), folded.record.attempt, job.key)
        steps = [_describe_step(step, now) for step in sorted(job.steps, key=lambda step: step.number)]
        tail = self._read_tail(folded, job)
        return self._pages.show(
            request,
            "job.html",
            title=f"{job.name} · {heading.title} #{heading.number}",
            repository=repository,
            section="runs",
            run=heading,
            job=_describe_job(job, now),
            kept=kept,
            kept_until="" if kept is None else show_moment(kept.until),
            link=links[job.key],
            jobs=gather_jobs(folded.plan, folded.view, links),
            steps=steps,
            annotations=[
                describe_annotation(fact, None, {}) for fact in job.annotations if not is_exit_notice(fact.message)
            ],
            versions=job.versions,
            tail=tail,
            has_log=bool(steps or tail.rows or job.status != "completed"),
        )

    def _read_tail(self, folded: FoldedRun, job: JobView) -> Tail:
        place = folded.record.id, folded.record.attempt, job.key
        first = max(self._logs.count(*place) - _TAIL_LINES, 0)
        part = self._logs.part(*place, first, _TAIL_LINES)
        names = {step.id: step.name for step in job.steps}
        return Tail(_describe_lines(part.first + 1, part.lines, names), part.first)


def _describe_job(job: JobView, now: datetime) -> JobHeading:
    is_completed = job.status == "completed"
    seconds = seconds_between(job.started_at, job.finished_at or now)
    return JobHeading(
        key=job.key,
        name=job.name,
        state=state_of_job(job),
        is_completed=is_completed,
        duration="" if seconds is None else show_duration(seconds),
        since=job.started_at.isoformat() if job.started_at and not is_completed else "",
        started_at=job.started_at,
        runner=job.runner,
        waits_for=job.waits_for,
        reason=job.reason or "",
        environment_url=job.environment_url if job.environment_url.startswith(("https://", "http://")) else "",
    )


def _describe_step(step: StepView, now: datetime) -> StepRow:
    is_completed = step.conclusion is not None
    seconds = seconds_between(step.started_at, step.finished_at or now) or 0
    return StepRow(
        number=step.number,
        name=step.name,
        state=state_of("completed" if is_completed else "running", step.conclusion, outcome=step.outcome),
        time="" if step.conclusion == "skipped" else show_duration(seconds),
        since="" if is_completed else step.started_at.isoformat(),
        reason="" if step.reason is None or is_exit_notice(step.reason) else step.reason,
    )


def _describe_lines(first: int, lines: Sequence[LogLine], names: dict[str, str]) -> list[TailRow]:
    rows: list[TailRow] = []
    former = None
    for offset, line in enumerate(lines):
        kind, text = split_marker(line.text)
        heading = names.get(line.step, line.step) if line.step != former else ""
        former = line.step
        if kind != "endgroup":
            rows.append(TailRow(heading, first + offset, kind, text))
    return rows

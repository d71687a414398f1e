"""Lists of runs: what needs attention, what was run lately, and a repository's runs by what people ask for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.events import KnownWorkflow, WorkflowRegistry
from homeport.ports.history import HistoryRun, RunFilter, RunHistory
from homeport.present.words import show_duration
from homeport.server.auth import find_identity
from homeport.server.pages.rendering import Pages, repository_path, with_query
from homeport.server.pages.run_paths import find_repository
from homeport.store.tables.refused_workflows import TableRefusedWorkflows

_PAGE = 30
_STATES = {
    "success": ("success",),
    "failure": ("failure", "startup_failure", "timed_out"),
    "cancelled": ("cancelled",),
    "running": ("in_progress",),
    "queued": ("queued", "pending"),
    "waiting": ("waiting", "action_required"),
    "skipped": ("skipped",),
}
STATE_CHOICES = (
    ("", "Any state"),
    ("success", "Succeeded"),
    ("failure", "Failed"),
    ("running", "Running"),
    ("queued", "Queued"),
    ("waiting", "Waiting"),
    ("cancelled", "Cancelled"),
    ("skipped", "Skipped"),
)
_SPANS = {"day": 1, "week": 7, "month": 30, "year": 365}
SPAN_CHOICES = (
    ("", "Any time"),
    ("day", "Last day"),
    ("week", "Last week"),
    ("month", "Last month"),
    ("year", "Last year"),
)


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run in a list."""

    id: str
    title: str
    state: str
    link: str
    repository: str
    workflow_name: str
    number: int
    attempt: int
    event: str
    actor: str
    ref: str
    created_at: datetime
    duration: str
    is_pinned: bool


def describe_run(run: HistoryRun, repository: HostedRepository | None) -> RunRow:
    """As a list shows it. The repository may be gone: then by the name that it had."""
    entry = run.entry
    base = repository_path(repository) if repository is not None else f"/{run.repository}"
    is_tag = entry.event == "release"
    return RunRow(
        id=run.id,
        title=entry.title,
        state=state_of_entry(entry.status, entry.conclusion),
        link=f"{base}/actions/runs/{run.id}",
        repository=repository.full_name if repository is not None else run.repository,
        workflow_name=entry.workflow_name,
        number=entry.number,
        attempt=entry.attempt,
        event=entry.event,
        actor=entry.triggering_actor.login,
        ref=f"refs/{'tags' if is_tag else 'heads'}/{entry.head_branch}" if entry.head_branch else "",
        created_at=entry.started_at,
        duration=show_duration((entry.updated_at - entry.started_at).total_seconds())
        if entry.status == "completed"
        else "",
        is_pinned=run.is_pinned,
    )


def state_of_entry(status: str, conclusion: str | None) -> str:
    """GitHub's words of a run or job, as the word that glyphs and colours go by."""
    if status == "completed":
        return {"timed_out": "failure", "neutral": "skipped", "stale": "cancelled"}.get(
            conclusion or "", conclusion or "completed"
        )
    return {"in_progress": "running", "pending": "waiting"}.get(status, status)


class RunLists:
    """The routes of `/`, `/runs` and `/{owner}/{repo}/actions`."""

    def __init__(
        self,
        pages: Pages,
        directory: RepositoryDirectory,
        history: RunHistory,
        workflows: WorkflowRegistry,
        refused: TableRefusedWorkflows,
        clock: Clock,
    ) -> None:
        self._pages = pages
        self._directory = directory
        self._history = history
        self._workflows = workflows
        self._refused = refused
        self._clock = clock

    @property
    def routes(self) -> list[BaseRoute]:
        """GitHub's own addresses, where it has them."""
        repository = "/{owner}/{repo}"
        return [
            Route("/runs", self._show_all, methods=["GET"]),
            Route(repository, self._show_repository, methods=["GET"]),
            Route(f"{repository}/actions", self._show_repository, methods=["GET"]),
            Route(f"{repository}/actions/workflows/{{workflow}}", self._show_repository, methods=["GET"]),
        ]

    def _show_all(self, request: Request) -> Response:
        visible = see_repositories(request, self._directory)
        wanted, chosen = self._read_filter(request.query_params, tuple(visible))
        return self._show(request, wanted, chosen, visible, template="all_runs.html", title="Runs")

    def _show_repository(self, request: Request) -> Response:
        repository = find_repository(request, self._directory)
        wanted, chosen = self._read_filter(request.query_params, (repository.id,))
        known = self._workflows.list(repository.id)
        current = None
        if (name := request.path_params.get("workflow")) is not None:
            current = next(
                (workflow for workflow in known if name in (_file_name(workflow.path), str(workflow.id))), None
            )
            if current is None:
                raise HTTPException(404, "Not Found")
            wanted = msgspec.structs.replace(wanted, workflow=current.path)
        return self._show(
            request,
            wanted,
            chosen,
            {repository.id: repository},
            template="runs.html",
            title=current.name if current else "Runs",
            repository=repository,
            section="runs",
            current=current,
            refused={one.path: one for one in self._refused.list([repository.id])},
            workflows=[(workflow, _file_name(workflow.path)) for workflow in _in_order(known)],
        )

    def _show(
        self,
        request: Request,
        wanted: RunFilter,
        chosen: Mapping[str, str],
        visible: Mapping[int, HostedRepository],
        *,
        template: str,
        title: str,
        **values: Any,
    ) -> Response:
        found = self._history.find(wanted, before=_read_number(request.query_params.get("before", "")), limit=_PAGE)
        older = with_query(request.url.path, **chosen, before=str(found.before)) if found.before else ""
        return self._pages.show(
            request,
            template,
            title=title,
            runs=[describe_run(run, visible.get(run.repository_id)) for run in found.runs],
            older=older,
            newest=with_query(request.url.path, **chosen) if "before" in request.query_params else "",
            count=self._history.count(wanted),
            facets=self._history.facets(tuple(visible)),
            chosen=chosen,
            state_choices=STATE_CHOICES,
            span_choices=SPAN_CHOICES,
            **values,
        )

    def _read_filter(self, query: QueryParams, repositories: tuple[int, ...]) -> tuple[RunFilter, dict[str, str]]:
        """What is asked for, and the same as the form shows it."""
        names = ("q", "branch", "actor", "event", "state", "span", "pinned")
        chosen = {name: query.get(name, "").strip()[:200] for name in names}
        days = _SPANS.get(chosen["span"])
        text = chosen["q"]
        is_sha = 7 <= len(text) <= 40 and all(digit in "0123456789abcdef" for digit in text)
        wanted = RunFilter(
            repositories=repositories,
            branch=chosen["branch"],
            actor=chosen["actor"],
            event=chosen["event"],
            states=_STATES.get(chosen["state"], ()),
            sha=text if is_sha else "",
            text="" if is_sha else text,
            since=self._clock.now().astimezone(UTC) - timedelta(days=days) if days else None,
            is_pinned=True if chosen["pinned"] else None,
        )
        return wanted, chosen


def see_repositories(request: Request, directory: RepositoryDirectory) -> dict[int, HostedRepository]:
    """Those that the caller may know of, by number."""
    caller = find_identity(request).caller
    return {one.id: one for one in directory.list() if caller.may("reader", one)}


def _in_order(known: Sequence[KnownWorkflow]) -> list[KnownWorkflow]:
    """By name; what is gone from the default branch at the end."""
    return sorted(known, key=lambda workflow: (workflow.state == "deleted", workflow.name.lower()))


def _file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _read_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

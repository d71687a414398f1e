"""The page of a run: its jobs as a graph, over time and as a list; what they raised, wrote and left."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.artifacts import ArtifactStore
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.history import RunHistory
from homeport.present.html_graph import lay_out
from homeport.present.html_jobs import gather_jobs
from homeport.present.html_timeline import draw_timeline
from homeport.server.operations import Operations
from homeport.server.pages.approvals import Approvals
from homeport.server.pages.made_checks import describe_made_checks
from homeport.server.pages.rendering import Pages
from homeport.server.pages.run_paths import RUN_PATH, find_repository, run_link
from homeport.server.pages.run_reader import RunReader
from homeport.server.pages.run_values import (
    describe_heading,
    gather_annotations,
    gather_summaries,
    job_links,
)
from homeport.store.tables.made_checks import TableMadeChecks


class ArtifactRow(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact of any attempt; `link` downloads it."""

    name: str
    size: int
    digest: str
    attempt: int
    expires_at: datetime | None
    link: str


class RunPages:
    """The routes."""

    def __init__(
        self,
        pages: Pages,
        reader: RunReader,
        directory: RepositoryDirectory,
        history: RunHistory,
        artifacts: ArtifactStore,
        approvals: Approvals,
        made_checks: TableMadeChecks,
        operations: Operations,
        clock: Clock,
    ) -> None:
        self._operations = operations
        self._made_checks = made_checks
        self._pages = pages
        self._reader = reader
        self._directory = directory
        self._history = history
        self._artifacts = artifacts
        self._approvals = approvals
        self._clock = clock

    @property
    def routes(self) -> list[BaseRoute]:
        """A run, each of its attempts, and the question whether it is to be deleted."""
        return [
            Route(RUN_PATH, self._show, methods=["GET"]),
            Route(f"{RUN_PATH}/attempts/{{attempt:int}}", self._show, methods=["GET"]),
            Route(f"{RUN_PATH}/delete", self._ask_to_delete, methods=["GET"]),
        ]

    def _show(self, request: Request) -> Response:
        repository = find_repository(request, self._directory)
        run = str(request.path_params["run"])
        attempt = request.path_params.get("attempt")
        known = self._history.get(run)
        if known is None or known.repository_id != repository.id:
            raise HTTPException(404, "Not Found")
        if known.entry.conclusion == "action_required" and self._approvals.is_held(run):
            return self._approvals.show(request, repository, run)
        now = self._clock.now()
        with self._reader.open(run, attempt) as folded:
            if folded is None:
                raise HTTPException(404, "Not Found")
            links = job_links(repository, folded)
            jobs = gather_jobs(folded.plan, folded.view, links)
            annotations, more = gather_annotations(folded, links)
            heading = describe_heading(repository, folded, now)
            checks, more_checks = describe_made_checks(self._made_checks.of_run(repository.id, int(run)), heading.sha)
            return self._pages.show(
                request,
                "run.html",
                title=f"{heading.title} #{heading.number}",
                repository=repository,
                section="runs",
                run=heading,
                jobs=jobs,
                picture=lay_out(jobs),
                links=links,
                timeline=draw_timeline(folded.view, folded.jobs, now),
                annotations=annotations,
                more_annotations=more,
                summaries=gather_summaries(folded),
                checks=checks,
                more_checks=more_checks,
                artifacts=self._list_artifacts(repository, run),
                is_pinned=known.is_pinned,
                has_failed=any(job.outcome == "failure" for job in folded.view.jobs.values()),
                awaited=self._operations.find_awaited(int(run), folded.record.attempt),
            )

    def _list_artifacts(self, repository: HostedRepository, run: str) -> Sequence[ArtifactRow]:
        base = f"{run_link(repository, run)}/artifacts"
        return [
            ArtifactRow(
                name=artifact.name,
                size=artifact.size,
                digest=artifact.digest,
                attempt=artifact.attempt,
                expires_at=artifact.expires_at,
                link=f"{base}/{artifact.id}",
            )
            for artifact in self._artifacts.list(run)
        ]

    def _ask_to_delete(self, request: Request) -> Response:
        repository = find_repository(request, self._directory, "writer")
        run = str(request.path_params["run"])
        known = self._history.get(run)
        if known is None or known.repository_id != repository.id:
            raise HTTPException(404, "Not Found")
        if known.entry.status != "completed":
            return RedirectResponse(run_link(repository, run), 303)
        return self._pages.show(
            request,
            "delete_run.html",
            title="Delete a run",
            repository=repository,
            section="runs",
            run=known,
            link=run_link(repository, run),
            artifacts=self._list_artifacts(repository, run),
        )

"""Looks for a text in the logs of a repository's runs, newest first."""

from collections.abc import Sequence
from itertools import groupby

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.history import RunHistory
from homeport.server.log_search import FoundLine, LogSearch
from homeport.server.pages.rendering import Pages, repository_path, with_query
from homeport.server.pages.run_lists import RunRow, describe_run
from homeport.server.pages.run_paths import find_repository

_LONGEST = 200


class FoundJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that has said it, and where. `run` is None where it went meanwhile."""

    name: str
    link: str
    run: RunRow | None
    lines: Sequence[FoundLine]


class SearchPages:
    """The route of `…/actions/search`. It looks for about two seconds; `cursor` goes on from there (see `LogSearch`)."""

    def __init__(self, pages: Pages, directory: RepositoryDirectory, history: RunHistory, search: LogSearch) -> None:
        self._pages = pages
        self._directory = directory
        self._history = history
        self._search = search

    @property
    def routes(self) -> list[BaseRoute]:
        """One."""
        return [Route("/{owner}/{repo}/actions/search", self._show, methods=["GET"])]

    def _show(self, request: Request) -> Response:
        repository = find_repository(request, self._directory)
        wanted = request.query_params.get("q", "").strip()[:_LONGEST]
        cursor = request.query_params.get("cursor", "")
        found = self._search.in_repository(repository.id, wanted, cursor) if wanted else None
        following = with_query(request.url.path, q=wanted, cursor=found.cursor or "") if found else ""
        return self._pages.show(
            request,
            "search.html",
            title="Search the logs",
            repository=repository,
            section="runs",
            wanted=wanted,
            jobs=self._describe(repository, found.found) if found else [],
            older=following if found and found.cursor else "",
        )

    def _describe(self, repository: HostedRepository, found: Sequence[FoundLine]) -> list[FoundJob]:
        above = f"{repository_path(repository)}/actions/runs"
        jobs = []
        for (number, job), lines in groupby(found, key=lambda line: (line.run, line.job)):
            said = list(lines)
            run = self._history.get(str(number), said[0].attempt)
            jobs.append(
                FoundJob(
                    name=said[0].job_name,
                    link=f"{above}/{number}/job/{job}",
                    run=None if run is None else describe_run(run, repository),
                    lines=said,
                )
            )
        return jobs

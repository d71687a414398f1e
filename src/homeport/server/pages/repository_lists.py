"""The repositories that somebody may see, and how another one comes here: by a push, or from a forge."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.clock import Clock
from homeport.ports.directory import DirectoryError, HostedRepository, Origin, RepositoryDirectory
from homeport.ports.history import RunHistory
from homeport.server.audit import Audit
from homeport.server.auth import demand_administrator, find_identity
from homeport.server.form_fields import read_fields
from homeport.server.limits import client_address
from homeport.server.pages.rendering import Pages, repository_path, with_query
from homeport.server.pages.run_lists import describe_run, see_repositories

_PAGE = 30
_STRIP = 16
_FORGE_PATH = re.compile(r"/([^/]+)/([^/]+?)(?:\.git)?/?")


class RepositoryLists:
    """The routes of `/repositories`. `url` is how people reach this server."""

    def __init__(
        self, pages: Pages, directory: RepositoryDirectory, history: RunHistory, audit: Audit, clock: Clock, url: str
    ) -> None:
        self._pages = pages
        self._directory = directory
        self._history = history
        self._audit = audit
        self._clock = clock
        self._url = url

    @property
    def routes(self) -> list[BaseRoute]:
        """The list, and the page on which one is added."""
        return [
            Route("/repositories", self._show, methods=["GET"]),
            Route("/repositories/new", self._show_new, methods=["GET"]),
            Route("/repositories/new", self._add, methods=["POST"]),
        ]

    def _show(self, request: Request) -> Response:
        owner = request.query_params.get("owner", "")
        wanted = request.query_params.get("q", "").strip().lower()
        visible = [
            one
            for one in see_repositories(request, self._directory).values()
            if (not owner or one.owner.lower() == owner.lower()) and wanted in one.full_name.lower()
        ]
        number = _read_page(request)
        shown = visible[(number - 1) * _PAGE : number * _PAGE]
        recent = self._history.recent([each.id for each in shown], most=_STRIP)
        further = with_query("/repositories", owner=owner, q=wanted, page=str(number + 1))
        return self._pages.show(
            request,
            "repositories.html",
            title=owner or "Repositories",
            rows=[(each, [describe_run(run, each) for run in reversed(recent[each.id])]) for each in shown],
            owner=owner,
            wanted=wanted,
            found=len(visible),
            first=with_query("/repositories", owner=owner, q=wanted) if number > 1 else "",
            further=further if len(visible) > number * _PAGE else "",
        )

    def _show_new(self, request: Request) -> Response:
        return self._render_new(request, {}, "")

    def _render_new(self, request: Request, typed: Mapping[str, str], problem: str) -> Response:
        caller = find_identity(request).caller
        return self._pages.show(
            request,
            "add_repository.html",
            status=422 if problem else 200,
            title="Add a repository",
            url=self._url,
            login=caller.login or "you",
            typed=typed,
            problem=problem,
        )

    async def _add(self, request: Request) -> Response:
        typed = await read_fields(request)
        return await run_in_threadpool(self._add_typed, request, typed)

    def _add_typed(self, request: Request, typed: Mapping[str, str]) -> Response:
        caller = demand_administrator(request)
        try:
            added = self._directory.add(_read_repository(typed))
        except DirectoryError as error:
            return self._render_new(request, typed, str(error))
        self._audit.note(caller, "repository.added", added.full_name, address=client_address(request.scope))
        where = "settings/forge" if added.origin != "own" else "actions"
        return RedirectResponse(f"{repository_path(added)}/{where}", 303)


def _read_page(request: Request) -> int:
    text = request.query_params.get("page", "")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _read_repository(typed: Mapping[str, str]) -> HostedRepository:
    """What was typed, as a repository. Raises `DirectoryError`."""
    kind = typed.get("origin", "own")
    if kind == "own":
        owner, _, name = typed.get("full_name", "").strip().partition("/")
        return HostedRepository(id=0, owner=owner, name=name, is_private=bool(typed.get("is_private")))
    origin: Origin = "gitea" if kind == "gitea" else "github"
    address = urlsplit(typed.get("address", "").strip())
    found = _FORGE_PATH.fullmatch(address.path)
    if address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc or found is None:
        raise DirectoryError("This is not the address of a repository: https://host/owner/name is what it looks like.")
    server = f"{address.scheme}://{address.netloc}"
    return HostedRepository(
        id=0,
        owner=found[1],
        name=found[2],
        origin=origin,
        server_url=server,
        clone_url=f"{server}/{found[1]}/{found[2]}.git",
        default_branch=typed.get("default_branch", "").strip() or "main",
        is_private=bool(typed.get("is_private")),
        settings=msgspec.structs.replace(
            HostedRepository(id=0, owner="", name="").settings, is_shadow=bool(typed.get("is_shadow"))
        ),
    )

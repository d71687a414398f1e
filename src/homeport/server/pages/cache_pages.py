"""A repository's caches: what there is, how much of its share it takes, and what can go."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.caches import CacheEntry, CacheStore
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.rest.artifacts import cache_id
from homeport.server.audit import Audit
from homeport.server.pages.forms import Typed, actor_of, form_route
from homeport.server.pages.rendering import Pages, repository_path, with_query
from homeport.server.pages.run_paths import find_repository

_PATH = "/{owner}/{repo}/actions/caches"
_PAGE = 50
_ORDERS: dict[str, Callable[["CacheRow"], float]] = {
    "used": lambda row: row.used_at.timestamp(),
    "size": lambda row: row.entry.size,
    "created": lambda row: row.entry.created_at.timestamp(),
}
_ORDER_CHOICES = (("used", "Used last"), ("size", "Largest"), ("created", "Newest"))


class CacheRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, with its number in addresses."""

    id: int
    entry: CacheEntry
    used_at: datetime


class CachePages:
    """The routes of `…/actions/caches`: readers look, writers remove. `caches` opens those of a repository (`owner/name`)."""

    def __init__(
        self, pages: Pages, directory: RepositoryDirectory, caches: Callable[[str], CacheStore], audit: Audit
    ) -> None:
        self._pages = pages
        self._directory = directory
        self._caches = caches
        self._audit = audit

    @property
    def routes(self) -> list[BaseRoute]:
        """The list, and its two forms."""
        return [
            Route(_PATH, self._show, methods=["GET"]),
            form_route(f"{_PATH}/remove", self._remove),
            form_route(f"{_PATH}/{{cache:int}}/remove", self._remove_one),
        ]

    def _show(self, request: Request) -> Response:
        repository = find_repository(request, self._directory)
        wanted, order, number = _read_query(request)
        store = self._caches(repository.full_name)
        known = store.list()
        rows = [
            CacheRow(id=cache_id(entry), entry=entry, used_at=store.used_at(entry))
            for entry in known
            if wanted in entry.key.lower() or wanted in entry.scope.lower()
        ]
        rows.sort(key=_ORDERS[order], reverse=True)
        older = with_query(request.url.path, q=wanted, order=order, page=str(number + 1))
        return self._pages.show(
            request,
            "caches.html",
            title="Caches",
            repository=repository,
            section="runs",
            rows=rows[(number - 1) * _PAGE : number * _PAGE],
            found=len(rows),
            total=sum(entry.size for entry in known),
            entries=len(known),
            quota=repository.settings.cache_bytes,
            wanted=wanted,
            order=order,
            orders=_ORDER_CHOICES,
            older=older if len(rows) > number * _PAGE else "",
        )

    def _remove_one(self, request: Request, _: Typed) -> Response:
        repository = find_repository(request, self._directory, "writer")
        store = self._caches(repository.full_name)
        number = request.path_params["cache"]
        found = next((entry for entry in store.list() if cache_id(entry) == number), None)
        if found is None:
            raise HTTPException(404, "Not Found")
        store.delete(found.key, found.scope)
        self._note(request, repository, f"{found.key} of {found.scope}")
        return _back(repository)

    def _remove(self, request: Request, typed: Typed) -> Response:
        """All whose key begins so; all of them where nothing is said."""
        repository = find_repository(request, self._directory, "writer")
        beginning = typed.get("key", "").strip()
        store = self._caches(repository.full_name)
        count = sum(store.delete(key) for key in {each.key for each in store.list()} if key.startswith(beginning))
        self._note(request, repository, f"{count} that begin with {beginning!r}" if beginning else f"all {count}")
        return _back(repository)

    def _note(self, request: Request, repository: HostedRepository, detail: str) -> None:
        actor = actor_of(request)
        self._audit.note(
            actor.caller, "cache.removed", repository.full_name, address=actor.address, detail=detail[:300]
        )


def _read_query(request: Request) -> tuple[str, str, int]:
    """What is looked for, in which order, and which page of it."""
    query = request.query_params
    order, page = query.get("order", ""), query.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    return query.get("q", "").strip().lower()[:200], order if order in _ORDERS else "used", max(number, 1)


def _back(repository: HostedRepository) -> Response:
    return RedirectResponse(f"{repository_path(repository)}/actions/caches?done=removed", 303)

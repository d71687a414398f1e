"""Caches: `/repos/{owner}/{repo}/actions/cache…` (docs: "REST API endpoints for GitHub Actions cache")."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from homeport.ports.caches import CacheEntry
from homeport.rest.artifacts import Caches, CacheUsage, cache_id, show_cache
from homeport.server.api.answers import Answer, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint

READ = Permission("reader", "actions")
WRITE = Permission("writer", "actions", "write")
_ABOVE = "/repos/{owner}/{repo}/actions"


class CachesQuery(Page, frozen=True, kw_only=True):
    """What narrows the list, and its order."""

    ref: str | None = None
    key: str | None = None
    """or the beginning of one"""
    sort: str = "last_accessed_at"
    direction: str = "desc"


class KeyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are meant."""

    key: str
    ref: str | None = None


def get_usage(call: Call, _: Nothing) -> Answer:
    """How much there is."""
    known = call.parts.caches(call.repository.full_name).list()
    usage = CacheUsage(
        full_name=call.repository.full_name,
        active_caches_size_in_bytes=sum(entry.size for entry in known),
        active_caches_count=len(known),
    )
    return Answer(body=usage)


def list_all(call: Call, query: CachesQuery) -> Answer:
    """The entries, those used last first unless asked otherwise."""
    store = call.parts.caches(call.repository.full_name)
    known = [
        (entry, store.used_at(entry))
        for entry in store.list()
        if query.ref in {None, entry.scope} and entry.key.startswith(query.key or "")
    ]
    known.sort(key=_ORDERS.get(query.sort, _by_use), reverse=query.direction != "asc")
    shown = tuple(show_cache(entry, used_at) for entry, used_at in query.cut(known))
    return call.page(Caches(len(known), shown), query, len(known))


def delete_by_key(call: Call, query: KeyQuery) -> Answer:
    """All with this key, of one ref or of all; 404 where there are none."""
    store = call.parts.caches(call.repository.full_name)
    gone = [
        show_cache(entry, store.used_at(entry))
        for entry in store.list()
        if entry.key == query.key and query.ref in {None, entry.scope}
    ]
    if not store.delete(query.key, query.ref):
        call.refuse_unknown()
    return Answer(body=Caches(len(gone), tuple(gone)))


def delete_by_id(call: Call, _: Nothing) -> Answer:
    """One entry."""
    store = call.parts.caches(call.repository.full_name)
    number = call.number("cache_id")
    found = next((entry for entry in store.list() if cache_id(entry) == number), None)
    if found is None:
        call.refuse_unknown()
    store.delete(found.key, found.scope)
    return Answer(status=204)


_Known = tuple[CacheEntry, datetime]


def _by_use(known: _Known) -> float:
    return known[1].timestamp()


def _by_size(known: _Known) -> float:
    return known[0].size


def _by_age(known: _Known) -> float:
    return known[0].created_at.timestamp()


_ORDERS: dict[str, Callable[[_Known], float]] = {"size_in_bytes": _by_size, "created_at": _by_age}

ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "GET",
        f"{_ABOVE}/cache/usage",
        "actions/get-actions-cache-usage",
        "Get how much the caches of a repository take",
        get_usage,
        Nothing,
        permission=READ,
        answer=CacheUsage,
    ),
    endpoint(
        "GET",
        f"{_ABOVE}/caches",
        "actions/get-actions-cache-list",
        "List the caches of a repository",
        list_all,
        CachesQuery,
        permission=READ,
        answer=Caches,
    ),
    endpoint(
        "DELETE",
        f"{_ABOVE}/caches",
        "actions/delete-actions-cache-by-key",
        "Delete caches by their key",
        delete_by_key,
        KeyQuery,
        permission=WRITE,
        answer=Caches,
    ),
    endpoint(
        "DELETE",
        f"{_ABOVE}/caches/{{cache_id}}",
        "actions/delete-actions-cache-by-id",
        "Delete a cache",
        delete_by_id,
        Nothing,
        permission=WRITE,
        status=204,
    ),
)

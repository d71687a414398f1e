"""Version 1 of the cache protocol (`_apis/artifactcache`), which clients use where they take the server for an enterprise's own.

Source: @actions/cache `src/internal/cacheHttpClient.ts`: look-up, reservation, pieces with `Content-Range`, commit.
"""

import os
import re

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from homeport.ports.caches import CacheEntry
from homeport.toolkit.answers import RefusalError
from homeport.toolkit.cache_service import Caching
from homeport.toolkit.callers import Caller, find_caller
from homeport.toolkit.parts import Parts
from homeport.toolkit.receiving import receive
from homeport.toolkit.twirp import decode, read_body
from homeport.toolkit.uploads import CacheTarget, Upload, Uploads

PREFIX = "/_apis/artifactcache"
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(?:\*|\d{1,15})", re.ASCII)


class _Reserve(msgspec.Struct, rename="camel"):
    key: str
    version: str
    cache_size: int | None = None


class _Commit(msgspec.Struct):
    size: int


class CacheV1:
    """The endpoints."""

    def __init__(self, parts: Parts, uploads: Uploads, caching: Caching) -> None:
        self._parts = parts
        self._uploads = uploads
        self._caching = caching
        self.routes = [
            Route(f"{PREFIX}/cache", self.find, methods=["GET"]),
            Route(f"{PREFIX}/caches", self.list, methods=["GET"]),
            Route(f"{PREFIX}/caches", self.reserve, methods=["POST"]),
            Route(f"{PREFIX}/caches/{{number}}", self.receive, methods=["PATCH"]),
            Route(f"{PREFIX}/caches/{{number}}", self.commit, methods=["POST"]),
        ]

    async def find(self, request: Request) -> Response:
        """204 is a miss."""
        caller = find_caller(request, self._parts)
        keys = [key for key in request.query_params.get("keys", "").split(",") if key]
        entry = await run_in_threadpool(self._caching.find, caller, keys, request.query_params.get("version", ""))
        if entry is None:
            return Response(status_code=204)
        return JSONResponse(
            {**_describe(entry), "archiveLocation": self._caching.sign_download(request, caller, entry)}
        )

    async def list(self, request: Request) -> Response:
        """The entries whose keys begin so, of the job's own refs (the client shows them when it debugs)."""
        caller = find_caller(request, self._parts)
        start, scopes = request.query_params.get("key", ""), caller.readable
        entries = await run_in_threadpool(self._parts.caches(caller.job.repository).list)
        found = [_describe(entry) for entry in entries if entry.key.startswith(start) and entry.scope in scopes]
        return JSONResponse({"totalCount": len(found), "artifactCaches": found})

    async def reserve(self, request: Request) -> Response:
        """Begin to save."""
        caller = find_caller(request, self._parts)
        message = decode(await read_body(request, self._parts.limits.message_bytes), _Reserve)
        size = message.cache_size or 0
        if size < 0 or size > self._parts.limits.upload_bytes:
            raise RefusalError(400, f"A cache of {size} bytes cannot be kept.")
        upload = await run_in_threadpool(self._caching.reserve, caller, message.key, message.version, size)
        return JSONResponse({"cacheId": upload.number}, 201)

    async def receive(self, request: Request) -> Response:
        """One piece."""
        upload = self._find(request, find_caller(request, self._parts))
        matched = _RANGE.fullmatch(request.headers.get("content-range", ""))
        start, end = (int(matched[1]), int(matched[2]) + 1) if matched else (0, 0)
        if start >= end or end > self._parts.limits.upload_bytes:
            raise RefusalError(416, "Content-Range is missing or wrong, expected 'bytes first-last/*'.")
        part, _ = await run_in_threadpool(upload.begin)
        size = await receive(request, part, end - start)
        if size != end - start:
            os.unlink(part)
            raise RefusalError(400, f"Content-Range announces {end - start} bytes, {size} have arrived.")
        await run_in_threadpool(upload.keep_range, part, start, size)
        return Response(status_code=204)

    async def commit(self, request: Request) -> Response:
        """Show what was uploaded."""
        caller = find_caller(request, self._parts)
        upload = self._find(request, caller)
        message = decode(await read_body(request, self._parts.limits.message_bytes), _Commit)
        await run_in_threadpool(upload.close_ranges, message.size)
        if await run_in_threadpool(self._caching.store, caller, upload, message.size) is None:
            raise RefusalError(409, "Cache already exists.")
        return Response(status_code=204)

    def _find(self, request: Request, caller: Caller) -> Upload:
        upload = self._uploads.find(str(request.path_params["number"]))
        if upload is None or not isinstance(upload.target, CacheTarget):
            raise RefusalError(404, "There is no such reservation.")
        if upload.job != caller.job.id:
            raise RefusalError(403, "The reservation is another job's.")
        return upload


def _describe(entry: CacheEntry) -> dict[str, str]:
    return {
        "cacheKey": entry.key,
        "cacheVersion": entry.version,
        "scope": entry.scope,
        "creationTime": entry.created_at.isoformat().replace("+00:00", "Z"),
    }

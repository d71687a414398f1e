"""Whether the server lives, and whether it can do its work."""

import shutil

from sqlalchemy import text
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.repositories import StoreError
from homeport.server.parts import ServerParts

_LEAST_FREE_BYTES = 64 << 20
"""With less of the disk left, logs and commits are about to fail"""
_NO_STORE = {"cache-control": "no-store"}


def routes(parts: ServerParts) -> list[BaseRoute]:
    """`/healthz`: the process answers. Nothing is asked of the database: a full disk is no reason to end the server.

    `/readyz`: 200 where work can be taken in, else 503; the body says of each part what is wrong with it.
    """

    async def answer_ready(request: Request) -> Response:  # noqa: ARG001 - the router's call
        found = await run_in_threadpool(find_obstacles, parts)
        is_ready = all(problem is None for problem in found.values())
        said = {name: problem or "ok" for name, problem in found.items()}
        return JSONResponse(said, 200 if is_ready else 503, headers=_NO_STORE)

    return [Route("/healthz", _answer_alive), Route("/readyz", answer_ready)]


async def _answer_alive(request: Request) -> PlainTextResponse:  # noqa: ARG001 - the router's call
    return PlainTextResponse("ok\n", headers=_NO_STORE)


def find_obstacles(parts: ServerParts) -> dict[str, str | None]:
    """What keeps the server from its work, by part; None where nothing does. What is said is for everybody: no paths."""
    return {
        "database": _check_database(parts),
        "disk": _check_disk(parts),
        "engine": parts.engine.problem,
        "runner": parts.find_runner_problem(),
    }


def _check_database(parts: ServerParts) -> str | None:
    try:
        with parts.database.read() as connection:
            connection.execute(text("SELECT 1"))
    except StoreError:
        return "cannot be read"
    return None


def _check_disk(parts: ServerParts) -> str | None:
    try:
        free = shutil.disk_usage(parts.folder.path).free
    except OSError:
        return "cannot be read"
    return f"only {free >> 20} MiB are free" if free < _LEAST_FREE_BYTES else None

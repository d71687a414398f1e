"""Whether the server lives."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route

from homeport.server.parts import ServerParts


def routes(parts: ServerParts) -> list[BaseRoute]:  # noqa: ARG001 - every front door takes them
    """`/healthz`: the process answers. Nothing is asked of the database: a full disk is no reason to end the server."""
    return [Route("/healthz", _answer_alive)]


async def _answer_alive(request: Request) -> PlainTextResponse:  # noqa: ARG001 - the router's call
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

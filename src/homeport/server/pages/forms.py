"""Reads forms, and answers them."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeport.server.auth import find_identity
from homeport.server.form_fields import read_fields
from homeport.server.limits import client_address
from homeport.server.people import Actor

Typed = Mapping[str, str]
"""What was typed, by field; of a name that comes twice the last."""
Act = Callable[[Request, Typed], Response]


def actor_of(request: Request) -> Actor:
    """Who sends a form, for the audit log."""
    return Actor(find_identity(request).caller, client_address(request.scope))


def form_route(path: str, act: Act) -> Route:
    """A route that takes a form, and carries it out in a thread."""
    return Route(path, _threaded(act), methods=["POST"])


def _threaded(act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await run_in_threadpool(act, request, await read_fields(request))

    return answer

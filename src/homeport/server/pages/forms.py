"""Reads forms, and answers them."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeport.server.auth import find_identity
from homeport.server.limits import client_address
from homeport.server.people import Actor

_MOST_FIELDS = 1000
Typed = Mapping[str, str]
"""What was typed, by field; of a name that comes twice the last."""
Act = Callable[[Request, Typed], Response]


def actor_of(request: Request) -> Actor:
    """Who sends a form, for the audit log."""
    return Actor(find_identity(request).caller, client_address(request.scope))


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, without files."""
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def form_route(path: str, act: Act) -> Route:
    """A route that takes a form, and carries it out in a thread."""
    return Route(path, _threaded(act), methods=["POST"])


def _threaded(act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await run_in_threadpool(act, request, await read_form(request))

    return answer

"""The one edge at which every trouble of a request becomes an answer: what was foreseen with its reason, a fault with an id."""

import logging
import os

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeport.ports.repositories import StoreError
from homeport.server.problems import answer_problem

_LOG = logging.getLogger("homeport.server")
_AGAIN_SECONDS = "5"
_LONGEST_PATH = 4096
"""A file's path may be so long; numbers of more digits than that Python refuses to read"""


async def answer_refusal(request: Request, error: Exception) -> Response:
    """What a route or the router raised on purpose."""
    assert isinstance(error, HTTPException)
    phrase_only = error.detail if error.status_code >= 400 else ""
    return answer_problem(request.url.path, error.status_code, phrase_only, headers=error.headers)


class ErrorEdge:
    """The outermost middleware. A fault is answered with 500 and an id; what happened stands under the id in the log, and nowhere else.
    Where the store fails the answer is 503: nothing was taken in, the caller may try again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope["path"]) > _LONGEST_PATH:
            await answer_problem(scope["path"], 414, "there is no address as long as this")(scope, receive, send)
            return
        has_begun = False

        async def note(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception as error:  # the edge: whatever was not foreseen is a fault of Homeport's own
            answer = _answer_fault(scope["path"], error)
            if has_begun:
                raise  # half an answer is out: the connection must break, so that it is not taken for whole
            await answer(scope, receive, send)


def _answer_fault(path: str, error: Exception) -> Response:
    if isinstance(error, StoreError):
        _LOG.error("a request could not be carried out: %s", error, extra={"path": path})
        detail = "The server cannot remember anything at the moment; nothing was taken in. Try again later."
        return answer_problem(path, 503, detail, headers={"Retry-After": _AGAIN_SECONDS})
    fault_id = os.urandom(6).hex()
    _LOG.error("fault %s", fault_id, exc_info=error, extra={"path": path, "fault": fault_id})
    detail = f"This is a fault of the server's own. It stands as {fault_id} in the server's log."
    return answer_problem(path, 500, detail, fault_id=fault_id)

"""Shows refusals and faults to people: a problem that is answered to a browser becomes a page, and who is not signed in may do so."""

from urllib.parse import quote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeport.server.auth import NOBODY
from homeport.server.pages.rendering import Pages
from homeport.server.problems import Problem

_PROBLEM = b"application/problem+json"
_NOT_PAGES = ("/api/", "/runner/", "/toolkit/", "/webhooks/", "/metrics", "/healthz", "/readyz", "/static/", "/badge/")
_WORDS = {
    400: ("That cannot be done", "Something about this request was not as it has to be."),
    401: ("Sign in first", "This page is for people who are signed in."),
    403: ("Not for you", "You may see this, but not do that."),
    404: ("No such port of call", "There is nothing at this address, or you may not see it."),
    405: ("Not this way", "This address takes another kind of request."),
    409: ("Not now", "What was asked for does not go with how things stand."),
    413: ("Too large", "What was sent is larger than this server takes."),
    429: ("Slow down", "There were too many requests. Wait a little, then try again."),
    500: ("Our fault", "Something went wrong on the server. It has been written down."),
    503: ("In dry dock", "The server cannot remember anything at the moment. Try again in a little while."),
}


class ProblemPages:
    """The outermost middleware: it passes everything on, but turns a small problem+json body into a page for a browser."""

    def __init__(self, app: ASGIApp, *, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not _is_a_persons(scope):
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        body = bytearray()

        async def hold(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
            elif held is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._answer(scope, held, bytes(body))(scope, receive, send)

        await self._app(scope, receive, hold)

    def _answer(self, scope: Scope, start: Message, body: bytes) -> Response:
        scope.setdefault("state", {}).setdefault("identity", NOBODY)
        request = Request(scope)
        status = start["status"]
        if status == 401 and request.method == "GET":
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(here, safe='')}" if here != "/" else "/login", 303)
        try:
            problem = msgspec.json.decode(body, type=Problem)
        except msgspec.DecodeError:
            problem = Problem(title="", status=status)
        response = self.show(request, status, problem.detail)
        kept = {
            b"retry-after",
            b"allow",
            b"set-cookie",
            b"content-security-policy",
            b"referrer-policy",
            b"x-frame-options",
        }
        response.raw_headers += [
            (name, value)
            for name, value in start["headers"]
            if name.lower() in kept | {b"x-content-type-options", b"cache-control"}
        ]
        return response

    def show(self, request: Request, status: int, detail: str) -> Response:
        """The page of a status, with what there is to say about this time."""
        heading, words = _WORDS.get(status, ("Something is in the way", ""))
        is_only_title = detail in ("", "Not Found", "Requires authentication", "Forbidden", "Method Not Allowed")
        return self._pages.show(
            request,
            "error.html",
            status=status,
            title=heading,
            code=status,
            words=words if is_only_title else detail,
            back=_page_before(request),
        )


def _page_before(request: Request) -> str:
    """Where a form was sent from, on this server: the form's own address can often not be looked at."""
    before = urlsplit(request.headers.get("referer", ""))
    is_ours = before.netloc == request.headers.get("host") and not before.path.startswith("//")
    if request.method != "POST" or not is_ours or not before.path:
        return ""
    return f"{before.path}?{before.query}" if before.query else before.path


def _is_a_persons(scope: Scope) -> bool:
    if scope["path"].startswith(_NOT_PAGES):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _is_problem(message: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(_PROBLEM) for name, value in message["headers"])

"""The middleware that says who a request comes from (`request.state.identity`, `request.state.caller`), before any route sees it.

It also refuses what another site makes a browser send: a request that changes something and rides on a cookie must come from this origin,
and carry the session's form token (the header `X-Form-Token`, or the field `form_token` of a form).
Source: OWASP, "Cross-Site Request Forgery Prevention"; RFC 6454 (Origin); W3C, "Fetch Metadata Request Headers".
"""

from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeport.ports.access import ANONYMOUS, Caller
from homeport.server.audit import Audit
from homeport.server.auth import COOKIE, NOBODY, SECURE_COOKIE, Identities, Identity, read_token
from homeport.server.credentials import is_form_token
from homeport.server.form_fields import LARGEST_FORM
from homeport.server.limits import Limits, client_address, client_network
from homeport.server.problems import answer_git_or_problem

OWN_WAYS = ("/runner/", "/toolkit/", "/webhooks/", "/oidc/")
"""Below these, others say who calls: leases, jobs of the toolkit, signatures, jobs that ask for identity tokens."""
_REFUSED = frozenset({401, 403})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"


class _RefusedError(Exception):
    """Why a request goes no further."""

    def __init__(self, status: int, action: str, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.action = action
        self.reason = reason
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Identification:
    """The middleware. `public_url` is how browsers reach this server, besides by its `Host`."""

    def __init__(self, app: ASGIApp, *, identities: Identities, limits: Limits, audit: Audit, public_url: str) -> None:
        self._app = app
        self._identities = identities
        self._limits = limits
        self._audit = audit
        self._origin = _origin_of(public_url)
        self._cookie = SECURE_COOKIE if public_url.startswith("https:") else COOKIE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["identity"], state["caller"] = NOBODY, ANONYMOUS
        if scope["path"].startswith(OWN_WAYS):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            identity = await self._identify(scope, headers)
            if scope["method"] not in _SAFE_METHODS:
                receive = await self._check_origin(headers, identity, receive)
        except _RefusedError as error:
            self._note(scope, "", error.action, scope["path"], error.reason)
            hint = f"git shows a token as its password: {self._origin}/settings/tokens" if error.status == 401 else ""
            answer = answer_git_or_problem(scope, error.status, error.reason, hint=hint, headers=error.headers)
            await answer(scope, receive, send)
            return
        state["identity"], state["caller"] = identity, identity.caller
        status = 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, note_status)
        if "refusal" in state or status in _REFUSED:
            target, reason = state.get("refusal", (scope["path"], HTTPStatus(status).phrase))
            self._note(
                scope, identity.caller, "request.refused", target, f"{scope['method']} {scope['path']}: {reason}"
            )

    async def _identify(self, scope: Scope, headers: Headers) -> Identity:
        authorization = headers.get("authorization")
        if authorization is None:
            cookie = find_cookie(headers, self._cookie)
            return (await self._identities.find_by_cookie(cookie) if cookie else None) or NOBODY
        network = client_network(scope)
        if waiting := self._limits.wait_seconds("token", network):
            reason = "Too many requests with a token that is not good. Try again later."
            raise _RefusedError(429, "token.refused", reason, retry_after=str(waiting))
        token = read_token(authorization)
        found = await self._identities.find_by_token(token) if token else None
        if found is None:
            self._limits.count("token", network)
            raise _RefusedError(401, "token.refused", "Bad credentials", www_authenticate='Basic realm="Homeport"')
        return found

    async def _check_origin(self, headers: Headers, identity: Identity, receive: Receive) -> Receive:
        """Nothing to check where a token was shown: no other site makes a browser do that."""
        if "authorization" in headers:
            return receive
        origin = headers.get("origin")
        is_foreign = origin is not None and origin != self._origin and urlsplit(origin).netloc != headers.get("host")
        if is_foreign or (origin is None and headers.get("sec-fetch-site", "none") not in ("same-origin", "none")):
            raise _RefusedError(403, "form.refused", "This request comes from another site.")
        if not identity.session:
            return receive
        shown = headers.get("x-form-token")
        if shown is None and headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
            body = await _read_form(receive)
            shown = dict(parse_qsl(body.decode("latin-1"))).get("form_token")
            receive = _replay(body, receive)
        if shown is None or not is_form_token(identity.session, shown):
            reason = "The form is out of date, or not one of this server's. Load the page again."
            raise _RefusedError(403, "form.refused", reason)
        return receive

    def _note(self, scope: Scope, who: Caller | str, action: str, target: str, reason: str) -> None:
        self._audit.note_refusal(who, action, target, address=client_address(scope), detail=reason)


def find_cookie(headers: Headers, name: str) -> str:
    """The value of a cookie; empty where there is none."""
    for header in headers.getlist("cookie"):
        try:
            found = SimpleCookie(header).get(name)
        except CookieError:
            continue
        if found is not None:
            return found.value
    return ""


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


async def _read_form(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _RefusedError(400, "form.refused", "The form did not arrive.")
        body += message.get("body", b"")
        if len(body) > LARGEST_FORM:
            raise _RefusedError(413, "form.refused", "The form is too large.")
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Lets the route read what was read here."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again

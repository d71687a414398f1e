"""Where the forms of the sign-in pages are sent to: `/login`, `/setup`, `/logout`, `/settings/password`.

What is wrong with what was typed is said by the page that the form stands on: the answer leads back to it, with `?problem=` and a code
of `SignInError`. The pages themselves are not here.
"""

from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from homeport.ports.people import People
from homeport.server.auth import COOKIE, SECURE_COOKIE, SESSION_DAYS, find_identity
from homeport.server.form_fields import read_fields
from homeport.server.identification import find_cookie
from homeport.server.limits import client_address, client_network
from homeport.server.problems import answer_problem
from homeport.server.sessions import Sessions, SignInError, Visitor

_SESSION_SECONDS = SESSION_DAYS * 24 * 3600
_MOST_FIELDS = 20


class SignInForms:
    """The routes. `is_secure`: people reach this server by HTTPS, and their cookies go that way only."""

    def __init__(self, sessions: Sessions, people: People, *, is_secure: bool) -> None:
        self._sessions = sessions
        self._people = people
        self._is_secure = is_secure
        self._cookie = SECURE_COOKIE if is_secure else COOKIE

    @property
    def routes(self) -> list[Route]:
        """POST only: what the pages show at the same addresses is theirs."""
        return [
            Route("/login", self._sign_in, methods=["POST"]),
            Route("/setup", self._finish_setup, methods=["POST"]),
            Route("/logout", self._sign_out, methods=["POST"]),
            Route("/settings/password", self._change_password, methods=["POST"]),
        ]

    def visitor(self, request: Request) -> Visitor:
        """Where a request comes from."""
        return Visitor(
            address=client_address(request.scope),
            network=client_network(request.scope),
            agent=request.headers.get("user-agent", ""),
            former_session=find_cookie(request.headers, self._cookie),
        )

    async def _sign_in(self, request: Request) -> Response:
        form = await read_fields(request, _MOST_FIELDS)
        target = local_target(form.get("next", ""))
        try:
            cookie = await run_in_threadpool(
                self._sessions.sign_in, form.get("login", ""), form.get("password", ""), self.visitor(request)
            )
        except SignInError as error:
            return _lead_back(request, error, {"next": target})
        return self._let_in(cookie, target)

    async def _finish_setup(self, request: Request) -> Response:
        form = await read_fields(request, _MOST_FIELDS)
        token = form.get("token", "")
        try:
            cookie = await run_in_threadpool(
                self._sessions.finish_setup,
                token,
                form.get("login", ""),
                form.get("name", ""),
                form.get("password", ""),
                self.visitor(request),
            )
        except SignInError as error:
            return _lead_back(request, error, {} if error.code == "link" else {"token": token})
        return self._let_in(cookie, "/")

    async def _sign_out(self, request: Request) -> Response:
        identity = find_identity(request)
        if identity.session:
            await run_in_threadpool(
                self._sessions.sign_out, identity.session, identity.caller, client_address(request.scope)
            )
        response = RedirectResponse("/login", 303)
        response.delete_cookie(self._cookie, path="/", secure=self._is_secure, httponly=True, samesite="lax")
        return response

    async def _change_password(self, request: Request) -> Response:
        identity = find_identity(request)
        form = await read_fields(request, _MOST_FIELDS)
        user = await run_in_threadpool(self._people.find, identity.caller.login) if identity.session else None
        if user is None:
            return RedirectResponse("/login", 303)
        try:
            cookie = await run_in_threadpool(
                self._sessions.change_password,
                user,
                form.get("former", ""),
                form.get("password", ""),
                self.visitor(request),
            )
        except SignInError as error:
            return _lead_back(request, error, {})
        return self._let_in(cookie, "/settings/password?done=1")

    def _let_in(self, cookie: str, target: str) -> Response:
        response = RedirectResponse(target, 303)
        response.set_cookie(
            self._cookie,
            cookie,
            max_age=_SESSION_SECONDS,
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return response


def local_target(target: str) -> str:
    """Where to go after signing in: a path of this server, whatever was asked for."""
    is_local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return quote(target, safe="/?&=#%+:@!$'()*,;~") if is_local and "\\" not in target else "/"


def _lead_back(request: Request, error: SignInError, also: dict[str, str]) -> Response:
    if error.code == "slow":
        headers = {"retry-after": str(error.wait_seconds)}
        return answer_problem(request.url.path, 429, error.reason, headers=headers)
    return RedirectResponse(f"{request.url.path}?{urlencode({'problem': error.code, **also})}", 303)

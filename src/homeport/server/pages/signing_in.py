"""The pages on which people sign in, begin, and choose how the others look; where their forms are sent to is `server.sign_in`."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.server.access import Access, sign_in_forms
from homeport.server.auth import find_identity
from homeport.server.form_fields import read_fields
from homeport.server.pages.rendering import THEME_COOKIE, Pages
from homeport.server.sessions import SignInError
from homeport.server.sign_in import local_target

PROBLEMS = {
    "wrong": "The login or the password is wrong.",
    "password": "This password is too short or too easy to guess: take at least 10 characters.",
    "login": "This login is taken, or is none: letters, digits and dashes, please.",
    "link": "This link was used, or its time is over. Ask for a new one.",
    "slow": "There were too many tries. Wait a little.",
}
_YEAR_SECONDS = 365 * 24 * 3600


class SigningIn:
    """The routes."""

    def __init__(self, access: Access, pages: Pages) -> None:
        self._access = access
        self._pages = pages
        self._forms = sign_in_forms(access)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the forms' own addresses show, and the theme."""
        return [
            Route("/login", self._login, methods=["GET"]),
            Route("/setup", self._setup, methods=["GET"]),
            Route("/theme", self._choose_theme, methods=["POST"]),
        ]

    def _login(self, request: Request) -> Response:
        target = local_target(request.query_params.get("next", ""))
        if find_identity(request).caller.kind == "user":
            return RedirectResponse(target, 303)
        return self._pages.show(
            request,
            "login.html",
            title="Sign in",
            next=target,
            needs_setup=self._access.sessions.needs_first_administrator(),
            problem=PROBLEMS.get(request.query_params.get("problem", ""), ""),
        )

    async def _setup(self, request: Request) -> Response:
        """The link is in the address: the page tells nobody where somebody came from (`Referrer-Policy`), and looking uses nothing up."""
        link = request.query_params.get("token", "")
        problem = PROBLEMS.get(request.query_params.get("problem", ""), "")
        try:
            user = await run_in_threadpool(self._access.sessions.find_link, link, self._forms.visitor(request))
        except SignInError as error:
            return await run_in_threadpool(self._show_gone, request, error)
        return await run_in_threadpool(
            self._pages.show,
            request,
            "setup.html",
            title="Choose a password" if user else "Welcome",
            link=link,
            login=user.login if user else "",
            problem=problem,
        )

    def _show_gone(self, request: Request, error: SignInError) -> Response:
        status = 429 if error.code == "slow" else 404
        return self._pages.show(
            request, "error.html", status=status, title="This link is good for nothing", code=status, words=error.reason
        )

    async def _choose_theme(self, request: Request) -> Response:
        """Without JavaScript; with it, `static/page.js` does the same."""
        form = await read_fields(request, 5)
        theme = form.get("theme")
        response = RedirectResponse(local_target(form.get("next", "/")), 303)
        response.set_cookie(
            THEME_COOKIE, theme if theme in ("light", "dark") else "", max_age=_YEAR_SECONDS, path="/", samesite="lax"
        )
        return response

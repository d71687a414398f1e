"""One's own settings: password, sessions, tokens."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.people import SCOPES, PeopleError, Token, User
from homeport.server.access import Access
from homeport.server.auth import find_identity, refuse
from homeport.server.credentials import digest_of
from homeport.server.limits import client_address
from homeport.server.pages.forms import Typed, form_route
from homeport.server.pages.rendering import Pages
from homeport.server.pages.signing_in import PROBLEMS
from homeport.server.people import Actor, TokenWish

_LIVES = (("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "no end"))
_SCOPE_WORDS = {
    "read": "read: look at what you may see",
    "write": "write: also push, start and cancel",
    "admin": "admin: everything that you may do",
}
_LONGEST_NAME = 100


class SessionRow(msgspec.Struct, frozen=True):
    """A browser that is signed in."""

    agent: str
    address: str
    seen: datetime
    is_own: bool


class Profile:
    """The routes of `/settings`. The password's form is `server.sign_in`'s."""

    def __init__(self, pages: Pages, access: Access) -> None:
        self._pages = pages
        self._administration = access.administration
        self._people = access.people

    @property
    def routes(self) -> list[BaseRoute]:
        """For whoever is signed in by a session."""
        return [
            Route("/settings", self._lead, methods=["GET"]),
            Route("/settings/password", self._lead, methods=["GET"]),
            Route("/settings/profile", self._show, methods=["GET"]),
            Route("/settings/tokens", self._show_tokens, methods=["GET"]),
            form_route("/settings/sessions/end", self._end_sessions),
            form_route("/settings/tokens", self._make_token),
            form_route("/settings/tokens/{token:int}/revoke", self._revoke_token),
        ]

    def _lead(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/settings/profile{query}", 303)

    def _show(self, request: Request) -> Response:
        user = self._find_user(request)
        own = digest_of(find_identity(request).session)
        sessions = [
            SessionRow(session.agent, session.address, session.seen_at, session.digest == own)
            for session in self._people.sessions(user.id)
        ]
        return self._pages.show(
            request,
            "profile.html",
            title="Your settings",
            user=user,
            sessions=sessions,
            tab="profile",
            problem=PROBLEMS.get(request.query_params.get("problem", ""), ""),
        )

    def _end_sessions(self, request: Request, _: Typed) -> Response:
        user = self._find_user(request)
        self._administration.end_sessions(_actor(request), user)
        return RedirectResponse("/login", 303)

    # --- tokens -------------------------------------------------------------------------------------------------------------

    def _show_tokens(self, request: Request) -> Response:
        return self._render_tokens(request, self._find_user(request))

    def _render_tokens(self, request: Request, user: User, *, made: str = "", problem: str = "") -> Response:
        tokens: Sequence[Token] = self._people.tokens(user.id)
        return self._pages.show(
            request,
            "tokens.html",
            status=422 if problem else 200,
            title="Your tokens",
            user=user,
            tokens=tokens,
            made=made,
            scope_words=_SCOPE_WORDS,
            lives=_LIVES,
            tab="tokens",
            problem=problem,
        )

    def _make_token(self, request: Request, typed: Typed) -> Response:
        user = self._find_user(request)
        name = typed.get("name", "").strip()
        chosen = typed.get("scope", "write")
        days = typed.get("days", "90")
        if not name or len(name) > _LONGEST_NAME or chosen not in SCOPES or days not in {life for life, _ in _LIVES}:
            return self._render_tokens(request, user, problem="Give the token a name, so that you know it again.")
        wish = TokenWish(
            name=name,
            scopes=SCOPES[: SCOPES.index(chosen) + 1],
            target=typed.get("target", "").strip().lower(),
            days=int(days) if days else 0,
        )
        try:
            _, shown = self._administration.create_token(_actor(request), user, wish)
        except PeopleError as error:
            return self._render_tokens(request, user, problem=str(error))
        return self._render_tokens(request, user, made=shown)

    def _revoke_token(self, request: Request, _: Typed) -> Response:
        user = self._find_user(request)
        if not self._administration.remove_token(_actor(request), request.path_params["token"], user):
            raise HTTPException(404, "Not Found")
        return RedirectResponse("/settings/tokens?done=removed", 303)

    def _find_user(self, request: Request) -> User:
        """Whoever is signed in; a token must not make other tokens."""
        identity = find_identity(request)
        user = self._people.find(identity.caller.login) if identity.session else None
        if user is None:
            raise refuse(request, 401, "Requires authentication", "settings")
        return user


def _actor(request: Request) -> Actor:
    return Actor(find_identity(request).caller, client_address(request.scope))

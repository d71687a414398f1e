"""The server's own settings: people, tokens, the audit log, runners, and how the server stands."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.access import ROLES, Role
from homeport.ports.clock import Clock
from homeport.ports.directory import RepositoryDirectory
from homeport.ports.leases import Lease, LeaseRepository
from homeport.ports.people import PeopleError
from homeport.server.access import Access
from homeport.server.auth import demand_administrator
from homeport.server.delivery import Delivery
from homeport.server.engine import ServerEngine
from homeport.server.limits import client_address
from homeport.server.pages.forms import Act, Typed, form_route
from homeport.server.pages.rendering import Pages, with_query
from homeport.server.people import Actor
from homeport.server.settings import ServerSettings

_PAGE = 100
_ROLE_CHOICES = (("", "no role"), *((role, role) for role in ROLES))


class AdministrationPages:
    """The routes of `/admin`, for administrators of the whole server. `url` is how people reach it, `version` which one it is."""

    def __init__(
        self,
        pages: Pages,
        access: Access,
        directory: RepositoryDirectory,
        delivery: Delivery,
        engine: ServerEngine,
        leases: LeaseRepository,
        settings: ServerSettings,
        clock: Clock,
        version: str,
    ) -> None:
        self._pages = pages
        self._people = access.administration
        self._audit = access.audit
        self._directory = directory
        self._delivery = delivery
        self._engine = engine
        self._leases = leases
        self._settings = settings
        self._clock = clock
        self._version = version

    @property
    def routes(self) -> list[BaseRoute]:
        """What is shown, and what its forms do."""
        shown = {
            "/users": self._show_users,
            "/tokens": self._show_tokens,
            "/audit": self._show_audit,
            "/runners": self._show_runners,
            "/system": self._show_system,
        }
        acts: dict[str, Act] = {
            "/users": self._add_user,
            "/users/{login}/change": self._change_user,
            "/users/{login}/role": self._set_role,
            "/users/{login}/link": self._make_link,
            "/users/{login}/remove": self._remove_user,
            "/tokens/{token:int}/revoke": self._revoke_token,
        }
        return [
            Route("/admin", lambda _: RedirectResponse("/admin/users", 303), methods=["GET"]),
            *(Route(f"/admin{path}", show, methods=["GET"]) for path, show in shown.items()),
            *(form_route(f"/admin{path}", act) for path, act in acts.items()),
        ]

    # --- people -------------------------------------------------------------------------------------------------------------

    def _show_users(self, request: Request) -> Response:
        demand_administrator(request)
        return self._render_users(request)

    def _render_users(self, request: Request, *, link: str = "", whose: str = "", problem: str = "") -> Response:
        return self._render(
            request,
            "admin_users.html",
            "users",
            users=self._people.people.list(),
            role_choices=_ROLE_CHOICES,
            link=f"{self._settings.url}/setup?token={link}" if link else "",
            whose=whose,
            problem=problem,
        )

    def _add_user(self, request: Request, typed: Typed) -> Response:
        actor = _actor(request)
        try:
            user, link = self._people.add(
                actor,
                typed.get("login", "").strip(),
                typed.get("name", "").strip(),
                is_administrator=bool(typed.get("is_administrator")),
            )
            target, role = typed.get("target", "").strip(), _read_role(typed)
            if target and role:
                self._people.set_role(actor, user.login, target, role)
        except PeopleError as error:
            return self._render_users(request, problem=str(error))
        return self._render_users(request, link=link, whose=user.login)

    def _change_user(self, request: Request, typed: Typed) -> Response:
        actor, login = _actor(request), request.path_params["login"]
        try:
            self._people.change(
                actor,
                login,
                is_administrator=_read_flag(typed, "is_administrator"),
                is_active=_read_flag(typed, "is_active"),
            )
        except PeopleError as error:
            return self._render_users(request, problem=str(error))
        return RedirectResponse("/admin/users?done=saved", 303)

    def _set_role(self, request: Request, typed: Typed) -> Response:
        actor = _actor(request)
        target = typed.get("target", "").strip()
        try:
            self._people.set_role(actor, request.path_params["login"], target, _read_role(typed))
        except PeopleError as error:
            return self._render_users(request, problem=str(error))
        return RedirectResponse("/admin/users?done=saved", 303)

    def _make_link(self, request: Request, _: Typed) -> Response:
        actor, login = _actor(request), request.path_params["login"]
        try:
            link = self._people.make_link(actor, login)
        except PeopleError as error:
            return self._render_users(request, problem=str(error))
        return self._render_users(request, link=link, whose=login)

    def _remove_user(self, request: Request, _: Typed) -> Response:
        actor = _actor(request)
        try:
            self._people.remove(actor, request.path_params["login"])
        except PeopleError as error:
            return self._render_users(request, problem=str(error))
        return RedirectResponse("/admin/users?done=removed", 303)

    def _show_tokens(self, request: Request) -> Response:
        demand_administrator(request)
        logins = {user.id: user.login for user in self._people.people.list()}
        return self._render(
            request, "admin_tokens.html", "tokens", tokens=self._people.people.tokens(None), logins=logins
        )

    def _revoke_token(self, request: Request, _: Typed) -> Response:
        self._people.remove_token(_actor(request), request.path_params["token"], None)
        return RedirectResponse("/admin/tokens?done=removed", 303)

    # --- the audit log --------------------------------------------------------------------------------------------------------

    def _show_audit(self, request: Request) -> Response:
        demand_administrator(request)
        query = request.query_params
        chosen = {name: query.get(name, "").strip() for name in ("who", "action", "target")}
        before = query.get("before", "")
        is_number = before.isascii() and before.isdigit() and len(before) < 18
        entries = self._audit.log.list(before=int(before) if is_number else None, limit=_PAGE, **chosen)
        report = self._audit.log.verify() if query.get("verify") else None
        older = with_query("/admin/audit", **chosen, before=str(entries[-1].sequence)) if len(entries) == _PAGE else ""
        return self._render(
            request, "admin_audit.html", "audit", entries=entries, chosen=chosen, older=older, report=report
        )

    # --- how it stands ------------------------------------------------------------------------------------------------------

    def _show_runners(self, request: Request) -> Response:
        demand_administrator(request)
        queued, running = self._engine.board.count()
        leases: Sequence[Lease] = self._leases.list()
        return self._render(
            request,
            "admin_runners.html",
            "runners",
            queued=queued,
            running=running,
            leases=leases,
            settings=self._settings,
        )

    def _show_system(self, request: Request) -> Response:
        demand_administrator(request)
        return self._render(
            request,
            "admin_system.html",
            "system",
            settings=self._settings,
            version=self._version,
            repositories=len(self._directory.list()),
            people=len(self._people.people.list()),
            delivery=self._delivery,
        )

    def _render(self, request: Request, template: str, tab: str, *, problem: str = "", **values: object) -> Response:
        return self._pages.show(
            request,
            template,
            status=422 if problem else 200,
            title="Server settings",
            tab=tab,
            problem=problem,
            values=values,
        )


def _actor(request: Request) -> Actor:
    """The administrator who asks; refused with 401 or 403 where it is none."""
    return Actor(demand_administrator(request), client_address(request.scope))


def _read_role(typed: Typed) -> Role | None:
    return next((role for role in ROLES if role == typed.get("role", "")), None)


def _read_flag(typed: Typed, name: str) -> bool | None:
    """Yes, no, or not asked."""
    return None if name not in typed else typed[name] == "1"

"""Who may do what in one repository, and in everything of an owner: shown, given and taken away by its administrators."""

from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.access import ROLES, Role
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.people import EVERYTHING, PeopleError, User
from homeport.server.pages.forms import Typed, actor_of, form_route
from homeport.server.pages.owner_paths import OWNER_PATH, find_owner, owner_link
from homeport.server.pages.rendering import Pages, repository_path
from homeport.server.pages.run_paths import find_repository
from homeport.server.people import Administration

_REPOSITORY_PATH = "/{owner}/{repo}/settings/people"
_ROLE_CHOICES = tuple((role, role) for role in ROLES)


class RoleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may do something here. `sources` says by which roles, the highest first; `own` is the one that was given here."""

    user: User
    role: Role
    sources: tuple[str, ...]
    own: Role | None


class RolePages:
    """The routes."""

    def __init__(self, pages: Pages, directory: RepositoryDirectory, administration: Administration) -> None:
        self._pages = pages
        self._directory = directory
        self._administration = administration

    @property
    def routes(self) -> list[BaseRoute]:
        """A page and a form each."""
        return [
            # an owner's come first: theirs look like those of a repository of an owner that cannot be
            Route(f"{OWNER_PATH}/people", self._show_owner, methods=["GET"]),
            form_route(f"{OWNER_PATH}/people", self._set_in_owner),
            Route(_REPOSITORY_PATH, self._show_repository, methods=["GET"]),
            form_route(_REPOSITORY_PATH, self._set_in_repository),
        ]

    def _show_repository(self, request: Request) -> Response:
        return self._render_repository(request, find_repository(request, self._directory, "administrator"))

    def _render_repository(self, request: Request, repository: HostedRepository, problem: str = "") -> Response:
        values = {"repository": repository, "section": "settings", "title": "Settings"}
        return self._render(request, "settings_people.html", repository.full_name, problem, values)

    def _set_in_repository(self, request: Request, typed: Typed) -> Response:
        repository = find_repository(request, self._directory, "administrator")
        try:
            self._set(request, repository.full_name, typed)
        except PeopleError as error:
            return self._render_repository(request, repository, str(error))
        return RedirectResponse(f"{repository_path(repository)}/settings/people?done=saved", 303)

    def _show_owner(self, request: Request) -> Response:
        return self._render_owner(request, find_owner(request, "administrator"))

    def _render_owner(self, request: Request, owner: str, problem: str = "") -> Response:
        values = {"owner": owner, "title": owner}
        return self._render(request, "owner_people.html", owner, problem, values)

    def _set_in_owner(self, request: Request, typed: Typed) -> Response:
        owner = find_owner(request, "administrator")
        try:
            self._set(request, owner, typed)
        except PeopleError as error:
            return self._render_owner(request, owner, str(error))
        return RedirectResponse(owner_link(owner, "/people?done=saved"), 303)

    def _set(self, request: Request, target: str, typed: Typed) -> None:
        chosen = next((role for role in ROLES if role == typed.get("role", "")), None)
        self._administration.set_role(actor_of(request), typed.get("login", "").strip(), target, chosen)

    def _render(
        self, request: Request, template: str, target: str, problem: str, values: Mapping[str, object]
    ) -> Response:
        return self._pages.show(
            request,
            template,
            status=422 if problem else 200,
            tab="people",
            problem=problem,
            target=target,
            rows=list_roles(self._administration.people.list(), target),
            role_choices=_ROLE_CHOICES,
            **values,
        )


def list_roles(people: Sequence[User], target: str) -> list[RoleRow]:
    """Everybody who has a role in an owner or a repository, wherever it was given; by role, the highest first, and login."""
    places = {
        EVERYTHING: "on the whole server",
        target.partition("/")[0].lower(): f"in everything of {target.partition('/')[0]}",
        target.lower(): "here",
    }
    rows = []
    for user in people:
        found: list[tuple[Role, str]] = [
            (user.roles[place], f"{user.roles[place]} {words}")
            for place, words in places.items()
            if place in user.roles
        ]
        if user.is_administrator:
            found.append(("administrator", "administrator of the server"))
        if not found or not user.is_active:
            continue
        found.sort(key=lambda each: -ROLES.index(each[0]))
        words = tuple(each for _, each in found)
        rows.append(RoleRow(user=user, role=found[0][0], sources=words, own=user.roles.get(target.lower())))
    return sorted(rows, key=lambda row: (-ROLES.index(row.role), row.user.login.lower()))

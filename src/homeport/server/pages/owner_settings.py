"""An owner's own settings: secrets and variables that its repositories share, and what this server shows to forges for all of them."""

from collections.abc import Sequence

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.access import Role
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.vault import SecretEntry, VariableEntry, Vault, VaultError, Visibility, organization_scope
from homeport.server.access import Access
from homeport.server.forge_administration import ForgeAdministration
from homeport.server.forge_credentials import CredentialTarget
from homeport.server.pages.forge_forms import INCOMPLETE, ForgeRow, change_credential
from homeport.server.pages.forms import Act, Typed, form_route
from homeport.server.pages.owner_paths import OWNER_PATH, find_owner, owner_link
from homeport.server.pages.rendering import Pages
from homeport.server.pages.value_forms import ValueForms, kind_of

_VISIBILITIES: tuple[tuple[Visibility, str], ...] = (
    ("all", "all repositories"),
    ("private", "private repositories"),
    ("selected", "those that are chosen here"),
)
_USE = "use."
_KEEPER: Role = "maintainer"
"""who keeps secrets and variables, as in a repository"""


class SharedValue(msgspec.Struct, frozen=True, kw_only=True):
    """A secret or variable, with the repositories that may use it where they were chosen."""

    kind: str
    entry: SecretEntry | VariableEntry
    names: tuple[str, ...]


class OwnerSettingsPages:
    """The routes of `/organizations/{owner}/settings`, but for its people."""

    def __init__(
        self, pages: Pages, directory: RepositoryDirectory, access: Access, forges: ForgeAdministration, clock: Clock
    ) -> None:
        self._pages = pages
        self._directory = directory
        self._vault: Vault = access.vault
        self._values = ValueForms(access.vault, access.audit, clock)
        self._forges = forges
        self._clock = clock

    @property
    def routes(self) -> list[BaseRoute]:
        """What is shown, and what its forms do."""
        acts: dict[str, Act] = {
            "/secrets": self._put_value,
            "/secrets/share": self._share_value,
            "/secrets/remove": self._remove_value,
            "/forges": self._put_credential,
        }
        return [
            Route(OWNER_PATH, self._lead, methods=["GET"]),
            Route(f"{OWNER_PATH}/secrets", self._show_values, methods=["GET"]),
            Route(f"{OWNER_PATH}/forges", self._show_forges, methods=["GET"]),
            *(form_route(OWNER_PATH + path, act) for path, act in acts.items()),
        ]

    def _lead(self, request: Request) -> Response:
        return RedirectResponse(owner_link(request.path_params["owner"], "/secrets"), 303)

    # --- secrets and variables ----------------------------------------------------------------------------------------------

    def _show_values(self, request: Request) -> Response:
        return self._render_values(request, find_owner(request, _KEEPER))

    def _render_values(self, request: Request, owner: str, problem: str = "") -> Response:
        scope, repositories = organization_scope(owner), self._list_repositories(owner)
        names = {each.id: each.full_name for each in repositories}
        values = [
            *(_describe("secret", entry, names) for entry in self._vault.secrets(scope)),
            *(_describe("variable", entry, names) for entry in self._vault.variables(scope)),
        ]
        return self._pages.show(
            request,
            "owner_secrets.html",
            status=422 if problem else 200,
            title=owner,
            owner=owner,
            tab="secrets",
            values=values,
            repositories=repositories,
            visibilities=_VISIBILITIES,
            problem=problem,
        )

    def _put_value(self, request: Request, typed: Typed) -> Response:
        owner = find_owner(request, _KEEPER)
        visibility, chosen = self._read_choice(owner, typed)
        scope = organization_scope(owner)
        try:
            self._values.put(request, scope, owner, typed, visibility=visibility, repositories=chosen)
        except VaultError as error:
            return self._render_values(request, owner, str(error))
        return _back(owner)

    def _share_value(self, request: Request, typed: Typed) -> Response:
        """Who may use it; its value stays as it is."""
        owner = find_owner(request, _KEEPER)
        scope, name, kind = organization_scope(owner), typed.get("name", ""), kind_of(typed)
        visibility, chosen = self._read_choice(owner, typed)
        if kind == "secret":
            is_known = self._vault.share_secret(scope, name, visibility, chosen)
        else:
            found = self._vault.find_variable(scope, name)
            is_known = found is not None
            if found is not None:
                at = self._clock.now()
                self._vault.put_variable(scope, name, found.value, at=at, visibility=visibility, repositories=chosen)
        if not is_known:
            raise HTTPException(404, "Not Found")
        self._values.note(request, f"{kind}.shared", owner, name, visibility)
        return _back(owner)

    def _remove_value(self, request: Request, typed: Typed) -> Response:
        owner = find_owner(request, _KEEPER)
        if not self._values.remove(request, organization_scope(owner), owner, typed):
            raise HTTPException(404, "Not Found")
        return _back(owner, "removed")

    def _read_choice(self, owner: str, typed: Typed) -> tuple[Visibility, list[int]]:
        visibility: Visibility = next((each for each, _ in _VISIBILITIES if each == typed.get("visibility")), "all")
        ticked = {field.removeprefix(_USE) for field in typed if field.startswith(_USE)}
        chosen = [each.id for each in self._list_repositories(owner) if str(each.id) in ticked]
        return visibility, chosen if visibility == "selected" else []

    # --- forges -------------------------------------------------------------------------------------------------------------

    def _show_forges(self, request: Request) -> Response:
        return self._render_forges(request, find_owner(request, "administrator"))

    def _render_forges(self, request: Request, owner: str, problem: str = "") -> Response:
        rows = [
            ForgeRow(address, self._forges.credentials.find_kind(CredentialTarget(address, owner)))
            for address in self._forges.addresses(owner)
        ]
        return self._pages.show(
            request,
            "owner_forges.html",
            status=422 if problem else 200,
            title=owner,
            owner=owner,
            tab="forges",
            rows=rows,
            problem=problem,
        )

    def _put_credential(self, request: Request, typed: Typed) -> Response:
        owner = find_owner(request, "administrator")
        address = next((each for each in self._forges.addresses(owner) if each == typed.get("server_url")), None)
        if address is None:
            raise HTTPException(404, "Not Found")
        done = change_credential(request, self._forges, CredentialTarget(address, owner), typed)
        if done is None:
            return self._render_forges(request, owner, INCOMPLETE)
        return RedirectResponse(owner_link(owner, f"/forges?done={done}"), 303)

    # --- inside -------------------------------------------------------------------------------------------------------------

    def _list_repositories(self, owner: str) -> Sequence[HostedRepository]:
        return [each for each in self._directory.list() if each.owner.lower() == owner.lower()]


def _describe(kind: str, entry: SecretEntry | VariableEntry, names: dict[int, str]) -> SharedValue:
    return SharedValue(
        kind=kind, entry=entry, names=tuple(sorted(names[each] for each in entry.repositories if each in names))
    )


def _back(owner: str, done: str = "saved") -> Response:
    return RedirectResponse(owner_link(owner, f"/secrets?done={done}"), 303)

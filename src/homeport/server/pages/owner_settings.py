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
from homeport.server.pages.forge_forms import ForgeRow, find_credential
from homeport.server.pages.forms import Act, Typed, actor_of, form_route
from homeport.server.pages.owner_paths import OWNER_PATH, find_owner, owner_link
from homeport.server.pages.rendering import Pages

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
        self._audit = access.audit
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
        scope, name, kind = organization_scope(owner), typed.get("name", "").strip(), _kind(typed)
        visibility, chosen = self._read_choice(owner, typed)
        put = self._vault.put_secret if kind == "secret" else self._vault.put_variable
        try:
            is_new = put(
                scope,
                name,
                typed.get("value", "").replace("\r\n", "\n"),
                at=self._clock.now(),
                visibility=visibility,
                repositories=chosen,
            )
        except VaultError as error:
            return self._render_values(request, owner, str(error))
        self._note(request, f"{kind}.{'created' if is_new else 'changed'}", owner, name, visibility)
        return _back(owner)

    def _share_value(self, request: Request, typed: Typed) -> Response:
        """Who may use it; its value stays as it is."""
        owner = find_owner(request, _KEEPER)
        scope, name, kind = organization_scope(owner), typed.get("name", ""), _kind(typed)
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
        self._note(request, f"{kind}.shared", owner, name, visibility)
        return _back(owner)

    def _remove_value(self, request: Request, typed: Typed) -> Response:
        owner = find_owner(request, _KEEPER)
        scope, name, kind = organization_scope(owner), typed.get("name", ""), _kind(typed)
        if not (self._vault.remove_secret if kind == "secret" else self._vault.remove_variable)(scope, name):
            raise HTTPException(404, "Not Found")
        self._note(request, f"{kind}.removed", owner, name)
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
        target = CredentialTarget(address, owner)
        if typed.get("forget"):
            self._forges.remove(actor_of(request), target)
            return RedirectResponse(owner_link(owner, "/forges?done=removed"), 303)
        credential = find_credential(typed)
        if credential is None:
            return self._render_forges(request, owner, "Give a token, or an App's number with its private key.")
        self._forges.put(actor_of(request), target, credential)
        return RedirectResponse(owner_link(owner, "/forges?done=saved"), 303)

    # --- inside -------------------------------------------------------------------------------------------------------------

    def _list_repositories(self, owner: str) -> Sequence[HostedRepository]:
        return [each for each in self._directory.list() if each.owner.lower() == owner.lower()]

    def _note(self, request: Request, action: str, owner: str, name: str, detail: str = "") -> None:
        actor = actor_of(request)
        target = f"{owner} {name.upper()[:100]}"
        self._audit.note(actor.caller, action, target, address=actor.address, detail=detail)


def _describe(kind: str, entry: SecretEntry | VariableEntry, names: dict[int, str]) -> SharedValue:
    return SharedValue(
        kind=kind, entry=entry, names=tuple(sorted(names[each] for each in entry.repositories if each in names))
    )


def _kind(typed: Typed) -> str:
    return "variable" if typed.get("kind") == "variable" else "secret"


def _back(owner: str, done: str = "saved") -> Response:
    return RedirectResponse(owner_link(owner, f"/secrets?done={done}"), 303)

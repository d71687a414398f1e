"""`/api/homeport/v1/forges`: what this server shows to forges, and the secrets that they sign webhooks with. Values go in and stay."""

from typing import Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute

from homeport.ports.access import Role
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.forge import AppCredential, ForgeCredential, TokenCredential
from homeport.server.api_people import actor_of, demand_user, read_body, resource
from homeport.server.auth import demand, demand_administrator, refuse
from homeport.server.forge_administration import ForgeAdministration
from homeport.server.forge_credentials import CredentialTarget, own_target

_OWNERS: Role = "administrator"
"""who may, in everything of an owner"""


class CredentialWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For what (a repository, an owner at a forge, a whole forge), and a token, or an App's number and key; neither: forget it."""

    repository: str = ""
    server_url: str = ""
    owner: str = ""
    token: str = ""
    app_id: str = ""
    private_key: str = ""


class WebhookWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose secret: a repository's; empty: the one that all share."""

    repository: str = ""


class WebhookSecret(msgspec.Struct, frozen=True):
    """What to give to the forge; not shown again."""

    secret: str


class ForgeRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was given for exactly this target."""

    target: str
    kind: Literal["forge", "owner", "repository"]
    server_url: str
    credential: Literal["none", "token", "app"]
    has_webhook_secret: bool | None = None
    """of a repository, and of a forge the one that all repositories share"""


class ForgesApi:
    """The routes. A maintainer of a repository for it, an administrator of an owner for that, the server's for a whole forge."""

    def __init__(self, forges: ForgeAdministration, directory: RepositoryDirectory) -> None:
        self._forges = forges
        self._directory = directory

    @property
    def routes(self) -> list[BaseRoute]:
        """All below `/api/homeport/v1`."""
        return [
            *resource("/forges", GET=self._list),
            *resource("/forges/credential", PUT=self._put),
            *resource("/forges/webhook-secret", POST=self._make_webhook_secret),
        ]

    def _list(self, request: Request, _: bytes) -> object:
        """What the caller may change; the forges are those that repositories come from."""
        caller = demand_user(request)
        foreign = [each for each in self._directory.list() if each.origin != "own"]
        forges = [each for each in self._forges.addresses() if caller.is_administrator]
        owners = {(each.server_url, each.owner): None for each in foreign if caller.may_for_owner(_OWNERS, each.owner)}
        return [
            *(self._row(CredentialTarget(url)) for url in forges),
            *(self._row(CredentialTarget(url, owner)) for url, owner in owners),
            *(self._row(own_target(each), each) for each in foreign if caller.may("maintainer", each)),
        ]

    def _row(self, target: CredentialTarget, repository: HostedRepository | None = None) -> ForgeRow:
        return ForgeRow(
            target=self._forges.name_of(target),
            kind="repository" if repository is not None else "owner" if target.owner else "forge",
            server_url=target.server_url,
            credential=self._forges.credentials.find_kind(target),
            has_webhook_secret=None if target.owner and not repository else self._forges.has_webhook_secret(repository),
        )

    def _put(self, request: Request, body: bytes) -> object:
        wish = read_body(body, CredentialWish)
        target = self._find_target(request, wish)
        credential = _read_credential(wish)
        if credential is not None:
            self._forges.put(actor_of(request), target, credential)
        elif not self._forges.remove(actor_of(request), target):
            raise HTTPException(404, f"Nothing was given for {self._forges.name_of(target)}.")
        return ForgeRow(
            target=self._forges.name_of(target),
            kind="repository" if target.repository else "owner" if target.owner else "forge",
            server_url=target.server_url,
            credential=self._forges.credentials.find_kind(target),
        )

    def _find_target(self, request: Request, wish: CredentialWish) -> CredentialTarget:
        """Refused where the caller may not."""
        caller = demand_user(request)
        if wish.repository:
            found = demand(request, "maintainer", self._directory.find(wish.repository))
            if found.origin == "own":
                raise HTTPException(422, f"{found.full_name} is this server's own: no forge is told of it.")
            return own_target(found)
        if not wish.owner:
            demand_administrator(request)
        elif not caller.may_for_owner(_OWNERS, wish.owner):
            raise refuse(request, 403, f"This needs an administrator of {wish.owner}.", wish.owner)
        url = self._forges.find_address(wish.server_url)
        if url is None:
            raise HTTPException(422, f"No repository here comes from {wish.server_url!r}.")
        return CredentialTarget(url, wish.owner)

    def _make_webhook_secret(self, request: Request, body: bytes) -> object:
        wish = read_body(body, WebhookWish)
        demand_user(request)
        if wish.repository:
            repository = demand(request, "maintainer", self._directory.find(wish.repository))
            return WebhookSecret(self._forges.make_webhook_secret(actor_of(request), repository))
        demand_administrator(request)
        return WebhookSecret(self._forges.make_webhook_secret(actor_of(request), None))


def _read_credential(wish: CredentialWish) -> ForgeCredential | None:
    if wish.token and (wish.app_id or wish.private_key):
        raise HTTPException(422, "A token or an App's key: one of the two.")
    if wish.token:
        return TokenCredential(wish.token)
    if bool(wish.app_id) != bool(wish.private_key):
        raise HTTPException(422, "An App is shown by its number and its private key: both are needed.")
    return AppCredential(wish.app_id, wish.private_key) if wish.app_id else None

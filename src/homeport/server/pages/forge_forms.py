"""What forms say about forges: a credential as it was typed, and the page of what is given for whole forges."""

from typing import Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.directory import RepositoryDirectory
from homeport.ports.forge import AppCredential, ForgeCredential, TokenCredential
from homeport.server.auth import demand_administrator
from homeport.server.delivery import Delivery
from homeport.server.forge_administration import ForgeAdministration
from homeport.server.forge_credentials import CredentialTarget
from homeport.server.pages.forms import Typed, actor_of, form_route
from homeport.server.pages.rendering import Pages

_PATH = "/admin/forges"


class ForgeRow(msgspec.Struct, frozen=True):
    """A forge, and what was given for it: for an owner there, or for all of it."""

    address: str
    kind: Literal["none", "token", "app"]


def _find_credential(typed: Typed) -> ForgeCredential | None:
    """A token, or an App's number and key; None where neither is whole."""
    token, app, key = (typed.get(name, "").strip() for name in ("token", "app_id", "private_key"))
    if app and key:
        return AppCredential(app, key.replace("\r\n", "\n") + "\n")
    return TokenCredential(token) if token else None


INCOMPLETE = "Give a token, or an App's number with its private key."


def change_credential(
    request: Request, forges: ForgeAdministration, target: CredentialTarget, typed: Typed
) -> Literal["saved", "removed"] | None:
    """What was done; None where what was typed is no credential (`INCOMPLETE`)."""
    if typed.get("forget"):
        forges.remove(actor_of(request), target)
        return "removed"
    credential = _find_credential(typed)
    if credential is None:
        return None
    forges.put(actor_of(request), target, credential)
    return "saved"


class ServerForges:
    """The routes of `/admin/forges`, for administrators of the whole server. `url` is how forges reach it."""

    def __init__(
        self, pages: Pages, directory: RepositoryDirectory, delivery: Delivery, forges: ForgeAdministration, url: str
    ) -> None:
        self._pages = pages
        self._directory = directory
        self._delivery = delivery
        self._forges = forges
        self._url = url

    @property
    def routes(self) -> list[BaseRoute]:
        """The page, and its two forms."""
        return [
            Route(_PATH, self._show, methods=["GET"]),
            form_route(f"{_PATH}/credential", self._put_credential),
            form_route(f"{_PATH}/webhook", self._make_webhook_secret),
        ]

    def _show(self, request: Request) -> Response:
        demand_administrator(request)
        return self._render(request)

    def _render(self, request: Request, *, made: str = "", problem: str = "") -> Response:
        repositories = [
            (repository, self._delivery.find_state(repository))
            for repository in self._directory.list()
            if repository.origin != "own"
        ]
        forges = [
            ForgeRow(address, self._forges.credentials.find_kind(CredentialTarget(address)))
            for address in self._forges.addresses()
        ]
        values = {
            "repositories": repositories,
            "forges": forges,
            "has_webhook": self._forges.has_webhook_secret(None),
            "url": self._url,
            "made": made,
        }
        return self._pages.show(
            request,
            "admin_forges.html",
            status=422 if problem else 200,
            title="Server settings",
            tab="forges",
            problem=problem,
            values=values,
        )

    def _put_credential(self, request: Request, typed: Typed) -> Response:
        demand_administrator(request)
        address = next((each for each in self._forges.addresses() if each == typed.get("server_url")), None)
        if address is None:
            raise HTTPException(404, "Not Found")
        done = change_credential(request, self._forges, CredentialTarget(address), typed)
        if done is None:
            return self._render(request, problem=INCOMPLETE)
        return RedirectResponse(f"{_PATH}?done={done}", 303)

    def _make_webhook_secret(self, request: Request, _: Typed) -> Response:
        demand_administrator(request)
        return self._render(request, made=self._forges.make_webhook_secret(actor_of(request), None))

"""`/api/homeport/v1/…`: what GitHub's interface has no paths for: people, tokens, repositories, approvals, the audit log.

Bodies are JSON; refusals are problem+json. Who may: an administrator of the server for people; an administrator of an owner for its
roles and repositories, one of a repository for roles in it; everybody for their own tokens.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from homeport.ports.access import Caller, Role
from homeport.ports.directory import DirectoryError
from homeport.ports.people import PeopleError, Token, User
from homeport.server.access import Access
from homeport.server.auth import demand_administrator, find_identity, refuse
from homeport.server.forks import ApprovalError
from homeport.server.limits import client_address
from homeport.server.people import Actor, NobodyError, TokenWish

ABOVE = "/api/homeport/v1"
LARGEST_BODY = 1 << 20

Body = TypeVar("Body")
Handler = Callable[[Request, bytes], object]


class ApiUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person."""

    id: int
    login: str
    name: str
    is_administrator: bool
    is_active: bool
    has_password: bool
    roles: Mapping[str, Role]
    created_at: str
    link: str = ""
    """the address by which a password is chosen, once; only where it was just made"""


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to add."""

    login: str
    name: str = ""
    is_administrator: bool = False


class UserChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays."""

    name: str | None = None
    is_administrator: bool | None = None
    is_active: bool | None = None


class RoleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role in an owner, a repository, or (`*`) all."""

    target: str
    role: Role | None = None
    """null: none any more"""


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token without what it reads."""

    id: int
    user: str
    name: str
    scopes: tuple[str, ...]
    target: str
    created_at: str
    expires_at: str | None
    used_at: str | None
    token: str = ""
    """what it reads: only where it was just made"""


class PeopleApi:
    """The routes about people."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._administration = access.administration

    @property
    def routes(self) -> list[BaseRoute]:
        """All below `/api/homeport/v1`."""
        return [
            *resource("/users", GET=self._list, POST=self._add),
            *resource("/users/{login}", GET=self._get, PATCH=self._change, DELETE=self._remove),
            *resource("/users/{login}/link", POST=self._make_link),
            *resource("/users/{login}/roles", PUT=self._set_role),
            *resource("/tokens", GET=self._list_tokens, POST=self._create_token),
            *resource("/tokens/{token}", DELETE=self._remove_token),
        ]

    # --- people ---------------------------------------------------------------------------------------------------------

    def _list(self, request: Request, _: bytes) -> object:
        demand_administrator(request)
        return [_show(user) for user in self._access.people.list()]

    def _add(self, request: Request, body: bytes) -> object:
        demand_administrator(request)
        wish = read_body(body, NewUser)
        user, link = self._administration.add(
            actor_of(request), wish.login, wish.name, is_administrator=wish.is_administrator
        )
        return _show(user, self._url(link))

    def _get(self, request: Request, _: bytes) -> object:
        login = request.path_params["login"]
        if demand_user(request).login.lower() != login.lower():
            demand_administrator(request)
        return _show(self._administration.get(login))

    def _change(self, request: Request, body: bytes) -> object:
        demand_administrator(request)
        wish = read_body(body, UserChange)
        return _show(
            self._administration.change(
                actor_of(request),
                request.path_params["login"],
                name=wish.name,
                is_administrator=wish.is_administrator,
                is_active=wish.is_active,
            )
        )

    def _remove(self, request: Request, _: bytes) -> object:
        demand_administrator(request)
        self._administration.remove(actor_of(request), request.path_params["login"])
        return None

    def _make_link(self, request: Request, _: bytes) -> object:
        demand_administrator(request)
        login = request.path_params["login"]
        link = self._administration.make_link(actor_of(request), login)
        return _show(self._administration.get(login), self._url(link))

    def _set_role(self, request: Request, body: bytes) -> object:
        wish = read_body(body, RoleBody)
        caller = demand_user(request)
        if not caller.may_for_target("administrator", wish.target):
            raise refuse(request, 403, f"This needs an administrator of {wish.target}.", wish.target)
        user = self._administration.set_role(actor_of(request), request.path_params["login"], wish.target, wish.role)
        return _show(user if caller.is_administrator else _narrowed(user, wish.target))

    # --- tokens ---------------------------------------------------------------------------------------------------------

    def _list_tokens(self, request: Request, _: bytes) -> object:
        """One's own; with `?all=1`, for an administrator, everybody's."""
        caller = demand_user(request)
        is_all = request.query_params.get("all") == "1"
        if is_all:
            demand_administrator(request)
        user = None if is_all else self._administration.get(caller.login).id
        logins = {each.id: each.login for each in self._access.people.list()}
        return [_show_token(token, logins.get(token.user, "")) for token in self._access.people.tokens(user)]

    def _create_token(self, request: Request, body: bytes) -> object:
        """A token that was narrowed cannot make itself a wider one."""
        caller = demand_user(request)
        if not find_identity(request).is_whole:
            raise refuse(request, 403, "This needs a session, or a token of the scope admin for everything.", "token")
        user = self._administration.get(caller.login)
        token, text = self._administration.create_token(actor_of(request), user, read_body(body, TokenWish))
        return _show_token(token, user.login, text)

    def _remove_token(self, request: Request, _: bytes) -> object:
        caller = demand_user(request)
        number = request.path_params["token"]
        if not (number.isascii() and number.isdigit()) or len(number) > 9:
            raise HTTPException(404, "There is no such token.")
        identity = find_identity(request)
        if not identity.is_whole and identity.token != int(number):
            raise refuse(request, 403, "A token that was narrowed can remove none but itself.", "token")
        owner = None if caller.is_administrator else self._administration.get(caller.login)
        if not self._administration.remove_token(actor_of(request), int(number), owner):
            raise HTTPException(404, "There is no such token.")
        return None

    def _url(self, link: str) -> str:
        return f"{self._access.public_url}/setup?token={link}"


# --- for all routes here and beside -----------------------------------------------------------------------------------------


def resource(path: str, **handlers: Handler) -> list[BaseRoute]:
    """The routes of one address, by method. A handler runs in a thread; what it gives is the answer, None: 204."""
    return [Route(ABOVE + path, _answering(handler), methods=[method]) for method, handler in handlers.items()]


def demand_user(request: Request) -> Caller:
    """The person who calls; jobs and nobody are refused."""
    caller = find_identity(request).caller
    if caller.kind == "anonymous":
        raise refuse(request, 401, "Requires authentication", "server")
    if caller.kind != "user":
        raise refuse(request, 403, "This is for persons only.", "server")
    return caller


def actor_of(request: Request) -> Actor:
    """For the audit log."""
    return Actor(find_identity(request).caller, client_address(request.scope))


def read_body(body: bytes, kind: type[Body]) -> Body:
    """What was sent. Refused with 422 (400 where it is not JSON)."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise HTTPException(422, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(400, "The body is not JSON.") from error


def _answering(handler: Handler) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise HTTPException(413, f"The body is larger than {LARGEST_BODY} bytes.")
        try:
            said = await run_in_threadpool(handler, request, bytes(body))
        except NobodyError as error:
            raise HTTPException(404, str(error)) from error
        except (PeopleError, DirectoryError, ApprovalError) as error:
            raise HTTPException(422, str(error)) from error
        if said is None:
            return Response(status_code=204)
        status = 201 if request.method == "POST" else 200
        return Response(msgspec.json.encode(said), status, media_type="application/json")

    return answer


def _narrowed(user: User, target: str) -> User:
    """As somebody sees them who looks after one owner or repository: what else they may do is not theirs to know."""
    roles = {each: role for each, role in user.roles.items() if each == target.lower()}
    return msgspec.structs.replace(user, roles=roles, is_administrator=False)


def _show(user: User, link: str = "") -> ApiUser:
    return ApiUser(
        id=user.id,
        login=user.login,
        name=user.name,
        is_administrator=user.is_administrator,
        is_active=user.is_active,
        has_password=user.has_password,
        roles=user.roles,
        created_at=user.created_at.isoformat(timespec="seconds"),
        link=link,
    )


def _show_token(token: Token, login: str, text: str = "") -> ApiToken:
    return ApiToken(
        id=token.id,
        user=login,
        name=token.name,
        scopes=tuple(sorted(token.scopes)),
        target=token.target,
        created_at=token.created_at.isoformat(timespec="seconds"),
        expires_at=None if token.expires_at is None else token.expires_at.isoformat(timespec="seconds"),
        used_at=None if token.used_at is None else token.used_at.isoformat(timespec="minutes"),
        token=text,
    )

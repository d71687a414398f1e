"""Tells who calls: every call carries a token of a job that runs at this moment."""

from typing import Any

import msgspec
from starlette.requests import Request

from homeport.tokens.keys import InvalidTokenError
from homeport.toolkit.answers import RefusalError
from homeport.toolkit.jobs import READ, WRITE, OpenJob
from homeport.toolkit.parts import Parts

RESULTS = "Actions.Results"


class CacheScope(msgspec.Struct, frozen=True):
    """One entry of the `ac` claim: a ref, and what may be done there."""

    scope: str = msgspec.field(name="Scope")
    permission: int = msgspec.field(name="Permission")


class Caller(msgspec.Struct, frozen=True):
    """A job that called with its runtime token."""

    job: OpenJob
    scopes: tuple[CacheScope, ...]

    @property
    def readable(self) -> list[str]:
        """The refs whose caches it sees, in the order in which they are looked through."""
        return [scope.scope for scope in self.scopes if scope.permission & READ]

    @property
    def writable(self) -> str | None:
        """The ref under which it saves."""
        return next((scope.scope for scope in self.scopes if scope.permission & WRITE), None)


def find_caller(request: Request, parts: Parts) -> Caller:
    """The job of the runtime token. Raises `RefusalError`."""
    token = read_token(request)
    if not token:
        raise RefusalError(
            401, "The request has no token: expected 'Authorization: Bearer …' with ACTIONS_RUNTIME_TOKEN."
        )
    try:
        claims = parts.key.read(token, parts.clock.now())
    except InvalidTokenError as error:
        raise RefusalError(401, f"The token is not good here: {error}.") from error
    job = parts.jobs.find(str(claims.get("jti")))
    if job is None:
        raise RefusalError(401, "The job of this token has ended.")
    if f"{RESULTS}:{job.run}:{job.backend_id}" not in str(claims.get("scp")).split(" "):
        raise RefusalError(403, "The token is not one for artifacts and caches.")
    return Caller(job, _read_scopes(claims))


def _read_scopes(claims: dict[str, Any]) -> tuple[CacheScope, ...]:
    return msgspec.json.decode(claims["ac"], type=tuple[CacheScope, ...])


def read_token(request: Request) -> str:
    """What follows `Bearer` or `token`; empty where there is nothing of the kind."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() in {"bearer", "token"} else ""

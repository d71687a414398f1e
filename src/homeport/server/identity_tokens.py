"""Identity tokens of the server's jobs: who a job is, signed by this server, at addresses where others find its keys.

- `GET /oidc/token?audience=…` with the job's own `ACTIONS_ID_TOKEN_REQUEST_TOKEN`
- `GET /.well-known/openid-configuration`, `GET /.well-known/jwks`: for everybody

The key does not leave this process: a runner passes on what its job was given, and can ask for nobody else.
Source: GitHub docs, "OpenID Connect reference"; @actions/core `oidc-utils.ts` (the request).
"""

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.clock import Clock
from homeport.server.audit import Audit
from homeport.server.credentials import digest_of
from homeport.server.job_tokens import JobTokens
from homeport.server.limits import Limits, client_address, client_network
from homeport.server.parts import ServerParts
from homeport.server.problems import answer_problem
from homeport.store.identity_keys import IdentityKeys
from homeport.toolkit.claims import LONGEST_AUDIENCE, describe_issuer, make_claims

_KEYS_PATH = "/.well-known/jwks"
_FOR_A_WHILE = {"cache-control": "public, max-age=300"}
_NEVER = {"cache-control": "no-store"}


class IdentityTokens:
    """The routes. `issuer` is the server's public address."""

    def __init__(
        self, tokens: JobTokens, keys: IdentityKeys, issuer: str, clock: Clock, limits: Limits, audit: Audit
    ) -> None:
        self._tokens = tokens
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._limits = limits
        self._audit = audit

    @property
    def routes(self) -> list[BaseRoute]:
        """Before those of pages."""
        return [
            Route("/oidc/token", self._issue, methods=["GET"]),
            Route("/.well-known/openid-configuration", self._describe, methods=["GET"]),
            Route(_KEYS_PATH, self._show_keys, methods=["GET"]),
        ]

    async def _issue(self, request: Request) -> Response:
        network = client_network(request.scope)
        if waiting := self._limits.wait_seconds("token", network):
            reason = "Too many requests with a token that is not good. Try again later."
            return answer_problem(request.url.path, 429, reason, headers={"retry-after": str(waiting)})
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        shown = token.strip() if kind.lower() == "bearer" else ""
        described = await run_in_threadpool(self._tokens.find_claims, digest_of(shown)) if shown else None
        if described is None:
            self._limits.count("token", network)
            reason = "This is not the ACTIONS_ID_TOKEN_REQUEST_TOKEN of a job that runs now."
            self._audit.note_refusal(
                "", "identity-token.refused", request.url.path, address=client_address(request.scope), detail=reason
            )
            return answer_problem(request.url.path, 401, reason, headers={"www-authenticate": "Bearer"})
        audience = request.query_params.get("audience", "")
        if len(audience) > LONGEST_AUDIENCE:
            reason = f"The audience is longer than {LONGEST_AUDIENCE} characters."
            return answer_problem(request.url.path, 400, reason)
        value = await run_in_threadpool(self._sign, described, audience)
        return JSONResponse({"count": 1, "value": value}, headers=_NEVER)

    def _sign(self, described: Mapping[str, str], audience: str) -> str:
        now = int(self._clock.now().timestamp())
        return self._keys.signing().sign(make_claims(dict(described), audience, self._issuer, now))

    async def _describe(self, _: Request) -> Response:
        return JSONResponse(describe_issuer(self._issuer, self._issuer + _KEYS_PATH), headers=_FOR_A_WHILE)

    async def _show_keys(self, _: Request) -> Response:
        keys = await run_in_threadpool(self._keys.shown)
        return JSONResponse({"keys": [key for each in keys for key in each.describe()["keys"]]}, headers=_FOR_A_WHILE)


def routes(parts: ServerParts) -> list[BaseRoute]:
    """All of them."""
    access = parts.access
    keys = IdentityKeys(parts.folder.keys, parts.clock)
    return IdentityTokens(access.job_tokens, keys, parts.settings.url, parts.clock, access.limits, access.audit).routes

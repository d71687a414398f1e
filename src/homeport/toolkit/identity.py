"""Identity tokens: who a job is, in a form that others can check (OpenID Connect).

The issuer is a setting: the address of these services is one of this machine and this moment, and stays out of the claims. Unless
somebody says otherwise it is one that nobody can own (RFC 2606), so that no party trusts tokens of a workstation by mistake.

Source: @actions/core `oidc-utils.ts` (the request).
"""

import threading

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from homeport.tokens.identity import IdentityKey, InvalidKeyError
from homeport.toolkit.answers import RefusalError
from homeport.toolkit.callers import read_token
from homeport.toolkit.claims import LONGEST_AUDIENCE, describe_issuer, describe_job, identity_of, make_claims
from homeport.toolkit.parts import Parts

TOKEN_PATH = "/oidc/token"  # noqa: S105 - an address
KEYS_PATH = "/.well-known/jwks"


class Identity:
    """The endpoints. The key is made, or loaded, when it is first needed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._made: IdentityKey | None = None
        self.routes = [
            Route(TOKEN_PATH, self.issue, methods=["GET"]),
            Route("/.well-known/openid-configuration", self.describe, methods=["GET"]),
            Route(KEYS_PATH, self.list_keys, methods=["GET"]),
        ]

    async def issue(self, request: Request) -> Response:
        """A new token for the job that asks."""
        job = self._parts.jobs.find_by_identity_token(read_token(request))
        if job is None:
            raise RefusalError(401, "This is not the ACTIONS_ID_TOKEN_REQUEST_TOKEN of a job that runs now.")
        audience = request.query_params.get("audience", "")
        if len(audience) > LONGEST_AUDIENCE:
            raise RefusalError(400, f"The audience is longer than {LONGEST_AUDIENCE} characters.")
        now = int(self._parts.clock.now().timestamp())
        claims = make_claims(describe_job(identity_of(job.order)), audience, self._parts.issuer.address, now)
        key = await run_in_threadpool(self._key)
        return JSONResponse({"count": 1, "value": key.sign(claims)})

    async def describe(self, request: Request) -> Response:
        """The discovery document. The keys' address is the one that was called: the issuer's need not lead here."""
        keys = f"{request.base_url.scheme}://{request.url.netloc}{KEYS_PATH}"
        return JSONResponse(describe_issuer(self._parts.issuer.address, keys))

    async def list_keys(self, _: Request) -> Response:
        """The public keys."""
        return JSONResponse((await run_in_threadpool(self._key)).describe())

    def _key(self) -> IdentityKey:
        with self._lock:
            if self._made is None:
                given = self._parts.issuer.key
                try:
                    self._made = IdentityKey.generate() if given is None else IdentityKey.load(given)
                except InvalidKeyError as error:
                    raise RefusalError(
                        501, f"The key that is to sign identity tokens cannot be used: {error}."
                    ) from error
            return self._made

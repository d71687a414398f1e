"""Identity tokens: who a job is, in a form that others can check (OpenID Connect).

The issuer is a setting: the address of these services is one of this machine and this moment, and stays out of the claims. Unless
somebody says otherwise it is one that nobody can own (RFC 2606), so that no party trusts tokens of a workstation by mistake.

Source: GitHub docs, "OpenID Connect reference" (claims and the form of `sub`); @actions/core `oidc-utils.ts` (the request).
"""

import os
import threading
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from homeport.tokens.identity import IdentityKey, InvalidKeyError
from homeport.toolkit.answers import RefusalError
from homeport.toolkit.callers import read_token
from homeport.toolkit.jobs import OpenJob
from homeport.toolkit.parts import Parts

TOKEN_PATH = "/oidc/token"  # noqa: S105 - an address
KEYS_PATH = "/.well-known/jwks"
_LIFETIME_SECONDS = 300
_CLOCK_SKEW_SECONDS = 600
_LONGEST_AUDIENCE = 1024
_CONTEXT = (
    "actor",
    "actor_id",
    "base_ref",
    "event_name",
    "head_ref",
    "ref",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "run_attempt",
    "run_id",
    "run_number",
    "sha",
    "workflow",
    "workflow_ref",
    "workflow_sha",
)
"""What of the `github` context is a claim of the same name."""


_OF_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target"})


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
        audience = request.query_params.get("audience", "") or default_audience(job)
        if len(audience) > _LONGEST_AUDIENCE:
            raise RefusalError(400, f"The audience is longer than {_LONGEST_AUDIENCE} characters.")
        claims = make_claims(job, audience, self._parts.issuer.address, int(self._parts.clock.now().timestamp()))
        key = await run_in_threadpool(self._key)
        return JSONResponse({"count": 1, "value": key.sign(claims)})

    async def describe(self, request: Request) -> Response:
        """The discovery document. The keys' address is the one that was called: the issuer's need not lead here."""
        issuer = self._parts.issuer.address
        return JSONResponse(
            {
                "issuer": issuer,
                "jwks_uri": f"{request.base_url.scheme}://{request.url.netloc}{KEYS_PATH}",
                "subject_types_supported": ["public", "pairwise"],
                "response_types_supported": ["id_token"],
                "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf", *_CONTEXT, *_OTHERS],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
            }
        )

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


_OTHERS = (
    "check_run_id",
    "environment",
    "job_workflow_ref",
    "job_workflow_sha",
    "ref_protected",
    "repository_visibility",
    "runner_environment",
)


def default_audience(job: OpenJob) -> str:
    """The address of the repository's owner."""
    return f"{job.order.github.get('server_url')}/{job.order.github.get('repository_owner')}"


def make_claims(job: OpenJob, audience: str, issuer: str, now: int) -> dict[str, Any]:
    """What a token says. All values of the context are text, as GitHub has them."""
    order, github = job.order, job.order.github
    environment = order.leg.environment
    claims: dict[str, Any] = {name: str(github.get(name) or "") for name in _CONTEXT}
    claims.update(_identify_workflow(job))
    claims.update(
        check_run_id=str(order.check_run_id),
        ref_protected="true" if github.get("ref_protected") else "false",
        repository_visibility=_find_visibility(github),
        runner_environment="self-hosted",
        sub=make_subject(job),
        aud=audience,
        iss=issuer,
        jti=os.urandom(16).hex(),
        iat=now,
        nbf=now - _CLOCK_SKEW_SECONDS,
        exp=now + _LIFETIME_SECONDS,
    )
    return {**claims, "environment": environment.name} if environment is not None else claims


def make_subject(job: OpenJob) -> str:
    """Follows the environment, else that it is a pull request, else the ref. Colons of names are escaped."""
    github, environment = job.order.github, job.order.leg.environment
    if environment is not None:
        context = f"environment:{quote(environment.name, safe=' /')}"
    elif github.get("event_name") in _OF_PULL_REQUESTS:
        context = "pull_request"
    else:
        context = f"ref:{github.get('ref')}"
    return f"repo:{job.repository}:{context}"


def _identify_workflow(job: OpenJob) -> dict[str, str]:
    """The file that the job is written in: that of a called workflow, where it is in one."""
    order, origin = job.order, job.order.workflow_origin
    if origin is not None:
        return {
            "job_workflow_ref": f"{origin.repository}/{origin.path}@{origin.ref}",
            "job_workflow_sha": origin.sha,
        }
    ref = str(order.github.get("workflow_ref") or "").partition("@")[2]
    return {
        "job_workflow_ref": f"{job.repository}/{order.workflow_file}@{ref}",
        "job_workflow_sha": str(order.github.get("workflow_sha") or ""),
    }


def _find_visibility(github: dict[str, Any]) -> str:
    event = github.get("event")
    repository = event.get("repository") if isinstance(event, dict) else None
    visibility = repository.get("visibility") if isinstance(repository, dict) else None
    return visibility if isinstance(visibility, str) else "private"

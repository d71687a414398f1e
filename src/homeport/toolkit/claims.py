"""What an identity token says of a job: GitHub's claims, for the services of a local run and for a server alike.

Source: GitHub docs, "OpenID Connect reference" (claims and the form of `sub`).
"""

import os
from typing import Any
from urllib.parse import quote

import msgspec

from homeport.plan.model import WorkflowOrigin
from homeport.ports.peer import JobOrder

_LIFETIME_SECONDS = 300
_CLOCK_SKEW_SECONDS = 600
LONGEST_AUDIENCE = 1024
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
_OTHERS = (
    "check_run_id",
    "environment",
    "job_workflow_ref",
    "job_workflow_sha",
    "ref_protected",
    "repository_visibility",
    "runner_environment",
)
_OF_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target"})


class JobIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a job is. `github` is that context; `workflow_file` and `origin` say where the job is written."""

    github: dict[str, Any]
    environment: str | None
    workflow_file: str
    origin: WorkflowOrigin | None
    check_run_id: int

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return str(self.github.get("repository") or "")


def identity_of(order: JobOrder) -> JobIdentity:
    """Of the job that a runner was given."""
    environment = order.leg.environment
    return JobIdentity(
        github=order.github,
        environment=None if environment is None else environment.name,
        workflow_file=order.workflow_file,
        origin=order.workflow_origin,
        check_run_id=order.check_run_id,
    )


def describe_job(job: JobIdentity) -> dict[str, str]:
    """The claims that are the same in all tokens of a job, `aud` (the address of the repository's owner) by default among them. All
    values of the context are text, as GitHub has them.
    """
    github = job.github
    claims = {name: str(github.get(name) or "") for name in _CONTEXT}
    claims.update(_identify_workflow(job))
    claims.update(
        check_run_id=str(job.check_run_id),
        ref_protected="true" if github.get("ref_protected") else "false",
        repository_visibility=_find_visibility(github),
        runner_environment="self-hosted",
        sub=_make_subject(job),
        aud=f"{github.get('server_url')}/{github.get('repository_owner')}",
    )
    return claims if job.environment is None else {**claims, "environment": job.environment}


def make_claims(described: dict[str, str], audience: str, issuer: str, now: int) -> dict[str, Any]:
    """What one token says; without an audience it is the job's own."""
    return {
        **described,
        "aud": audience or described["aud"],
        "iss": issuer,
        "jti": os.urandom(16).hex(),
        "iat": now,
        "nbf": now - _CLOCK_SKEW_SECONDS,
        "exp": now + _LIFETIME_SECONDS,
    }


def describe_issuer(issuer: str, keys_url: str) -> dict[str, Any]:
    """The discovery document (OpenID Connect Discovery 1.0)."""
    return {
        "issuer": issuer,
        "jwks_uri": keys_url,
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf", *_CONTEXT, *_OTHERS],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    }


def _make_subject(job: JobIdentity) -> str:
    """Follows the environment, else that it is a pull request, else the ref. Colons of names are escaped."""
    github = job.github
    if job.environment is not None:
        context = f"environment:{quote(job.environment, safe=' /')}"
    elif github.get("event_name") in _OF_PULL_REQUESTS:
        context = "pull_request"
    else:
        context = f"ref:{github.get('ref')}"
    return f"repo:{job.repository}:{context}"


def _identify_workflow(job: JobIdentity) -> dict[str, str]:
    """The file that the job is written in: that of a called workflow, where it is in one."""
    origin = job.origin
    if origin is not None:
        return {
            "job_workflow_ref": f"{origin.repository}/{origin.path}@{origin.ref}",
            "job_workflow_sha": origin.sha,
        }
    ref = str(job.github.get("workflow_ref") or "").partition("@")[2]
    return {
        "job_workflow_ref": f"{job.repository}/{job.workflow_file}@{ref}",
        "job_workflow_sha": str(job.github.get("workflow_sha") or ""),
    }


def _find_visibility(github: dict[str, Any]) -> str:
    event = github.get("event")
    repository = event.get("repository") if isinstance(event, dict) else None
    visibility = repository.get("visibility") if isinstance(repository, dict) else None
    return visibility if isinstance(visibility, str) else "private"

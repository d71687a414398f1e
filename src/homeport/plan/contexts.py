"""Makes the `github` context of a run.

Source: docs "Contexts reference: github context". All its values are text but `event` and `ref_protected`. What only a job or a
runner knows (`job`, `token`, `workspace`, `action*`, the paths of command files) is added by the runner.
"""

import msgspec

from homeport.event import Event
from homeport.language.expr.values import Value, from_json
from homeport.plan.model import Values


class RunIdentity(msgspec.Struct, frozen=True):
    """What a run is called by: `number` counts per workflow, `attempt` per run, `triggered_by` is who asked for this attempt."""

    id: str = "1"
    number: int = 1
    attempt: int = 1
    triggered_by: str = ""
    """empty: the event's actor"""


def github_context(event: Event, *, workflow_name: str, workflow_file: str, identity: RunIdentity) -> Values:
    """The `github` context of a run of this workflow for this event.

    `workflow_file` is its path below the repository. A called workflow has the context of its caller.
    """
    repository = event.repository
    server = repository.server_url.rstrip("/")
    payload: Value = from_json(event.payload)
    return {
        **_ref_parts(event),
        **_server_urls(server),
        "repository": repository.full_name,
        "repository_id": repository.id,
        "repository_owner": repository.owner,
        "repository_owner_id": repository.owner_id,
        "repositoryUrl": f"git://{server.partition('://')[2]}/{repository.full_name}.git",
        "actor": event.actor,
        "actor_id": event.actor_id,
        "triggering_actor": identity.triggered_by or event.actor,
        "event": payload,
        "event_name": event.name,
        "workflow": workflow_name,
        "workflow_ref": f"{repository.full_name}/{workflow_file}@{event.ref}",
        "workflow_sha": event.sha,
        "run_id": identity.id,
        "run_number": str(identity.number),
        "run_attempt": str(identity.attempt),
        "retention_days": str(repository.retention_days),
        "secret_source": "Actions",
    }


def _ref_parts(event: Event) -> Values:
    kind, name = split_ref(event.ref)
    return {
        "ref": event.ref,
        "ref_name": name,
        "ref_type": kind,
        "ref_protected": False,
        "sha": event.sha,
        "base_ref": event.base_ref,
        "head_ref": event.head_ref,
    }


def split_ref(ref: str) -> tuple[str, str]:
    """The type of a ref, `branch` or `tag`, and its short name: `7/merge` for `refs/pull/7/merge`, which counts as a branch."""
    for prefix, kind in (("refs/heads/", "branch"), ("refs/tags/", "tag"), ("refs/pull/", "branch")):
        if ref.startswith(prefix):
            return kind, ref.removeprefix(prefix)
    return "branch", ref


def _server_urls(server: str) -> Values:
    """github.com has its API on a host of its own, every other server below its own address."""
    if server == "https://github.com":
        return {
            "server_url": server,
            "api_url": "https://api.github.com",
            "graphql_url": "https://api.github.com/graphql",
        }
    return {"server_url": server, "api_url": f"{server}/api/v3", "graphql_url": f"{server}/api/graphql"}

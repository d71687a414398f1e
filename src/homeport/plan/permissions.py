"""What a job's token may do: the written `permissions`, the repository's default, and the limits that callers and forks set.

Source: docs "Use GITHUB_TOKEN for authentication in workflows" and "Workflow syntax: permissions"; actions/runner `Permissions`,
`PermissionsHelper` and `WorkflowTemplateConverter` for called workflows.
"""

from collections.abc import Mapping
from typing import Literal

from homeport.event import Event
from homeport.language import nodes
from homeport.language.grammar import SCOPES

Grants = dict[str, str]
"""scope → read | write | none; every scope is named."""
TokenPolicy = Literal["restricted", "permissive"]
"""The repository's setting "Workflow permissions": read for contents and packages only, or read and write."""

_RANK = {"none": 0, "read": 1, "write": 2}
_FORKED = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})


def grant(permissions: nodes.Permissions) -> Grants:
    """What a written `permissions` grants; a scope that it does not name is none."""
    match permissions.every:
        case "read-all":
            return _same("read")
        case "write-all":
            return _same("write")
        case _:
            return {
                **dict.fromkeys(SCOPES, "none"),
                **{scope: _at_most(scope, level) for scope, level in permissions.scopes},
            }


def default_grants(policy: TokenPolicy) -> Grants:
    """What a job gets where no `permissions` is written anywhere; an identity token always has to be asked for."""
    if policy == "permissive":
        return {scope: "write" if {"read", "write"}.issubset(levels) else "none" for scope, levels in SCOPES.items()}
    return {**dict.fromkeys(SCOPES, "none"), "contents": "read", "packages": "read"}


def call_limit(policy: TokenPolicy) -> Grants:
    """The most that a called workflow may ask for where its callers have written no `permissions`."""
    return _same("write") if policy == "permissive" else default_grants(policy)


def event_limit(event: Event) -> Grants:
    """The most that any job of this event may have: all, but only reading for a pull request from a fork."""
    return _same("read") if is_from_fork(event) else _same("write")


def is_from_fork(event: Event) -> bool:
    """Whether the event is about a pull request whose head is in another repository than its base."""
    if event.name not in _FORKED:
        return False
    match event.payload:
        case {"pull_request": {"head": {"repo": {"full_name": str(name)}}}}:
            return name.lower() != event.repository.full_name.lower()
        case {"pull_request": {"head": {"repo": None}}}:
            return True  # the fork was deleted
        case _:
            return False


def narrow(grants: Mapping[str, str], limit: Mapping[str, str]) -> Grants:
    """The lesser of the two for each scope."""
    return {scope: _lesser(level, limit.get(scope, "none")) for scope, level in grants.items()}


def _same(level: str) -> Grants:
    return {scope: _at_most(scope, level) for scope in SCOPES}


def _at_most(scope: str, level: str) -> str:
    """The level, or the nearest below it that the scope knows: some know no writing, some no reading."""
    if level in SCOPES[scope]:
        return level
    return "read" if level == "write" and "read" in SCOPES[scope] else "none"


def _lesser(one: str, other: str) -> str:
    return one if _RANK[one] <= _RANK[other] else other

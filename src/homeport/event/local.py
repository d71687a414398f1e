"""Builds the event that a person asks for on their own machine: what git knows, what they hand in, and the rest made up.

Source: docs "Events that trigger workflows" (which ref each event is about) and "Webhook events and payloads". A local event is
always about the tree that is checked out: `sha` is its commit even where GitHub would take the default branch's.
"""

from collections.abc import Mapping
from typing import Any

from homeport.event.local_facts import LocalFacts
from homeport.event.model import Event
from homeport.event.payloads import (
    Payload,
    commit_payload,
    issue_payload,
    merge_payload,
    pull_request_payload,
    push_payload,
    release_payload,
    repository_payload,
    user_payload,
    workflow_run_payload,
)

ACTIONS: Mapping[str, str] = {
    "branch_protection_rule": "created",
    "check_run": "completed",
    "check_suite": "completed",
    "discussion": "created",
    "discussion_comment": "created",
    "image_version": "ready",
    "issue_comment": "created",
    "issues": "opened",
    "label": "created",
    "merge_group": "checks_requested",
    "milestone": "created",
    "project": "created",
    "project_card": "created",
    "project_column": "created",
    "pull_request": "opened",
    "pull_request_comment": "created",
    "pull_request_review": "submitted",
    "pull_request_review_comment": "created",
    "pull_request_target": "opened",
    "registry_package": "published",
    "release": "published",
    "watch": "started",
    "workflow_run": "completed",
}
"""The activity type of a local event where the payload names none."""

_PULL_REQUESTS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
_ON_CURRENT_REF = frozenset(
    {"push", "workflow_dispatch", "create", "deployment", "deployment_status", "registry_package"}
)
_NO_PAYLOAD: Mapping[str, Any] = {}


def build_local_event(
    name: str, facts: LocalFacts, *, given: Mapping[str, Any] = _NO_PAYLOAD, ref: str | None = None
) -> Event:
    """The event `name`, whose payload is `given` over one made from the facts.

    `ref` is a full ref that the event is to be about in place of the one that GitHub would take (a pull request's, with its number,
    for pull requests). Anything may be the name of an event: one that GitHub does not have starts nothing.
    """
    made, invented = _make_payload(name, facts, ref, given)
    payload = merge_payload(made, given)
    head_ref, base_ref = _branches(name, payload)
    return Event(
        name=name,
        action=_action(payload),
        repository=facts.repository,
        ref=_find_ref(name, facts, payload, ref),
        sha=facts.sha,
        before=payload.get("before") if name == "push" else None,
        base_ref=base_ref,
        head_ref=head_ref,
        actor=facts.actor,
        payload=payload,
        head_message=None if facts.head is None else facts.head.message,
        dirty=facts.dirty,
        made_up=tuple(path for path in (*facts.made_up, *invented) if not _has(given, path)),
    )


def _make_payload(
    name: str, facts: LocalFacts, ref: str | None, given: Mapping[str, Any]
) -> tuple[Payload, tuple[str, ...]]:
    """The payload, and the parts of it that nobody knows."""
    common: Payload = {"repository": repository_payload(facts), "sender": user_payload(facts, facts.actor)}
    if name in ACTIONS:
        common["action"] = ACTIONS[name]
    special, invented = _make_special(name, facts, ref, given)
    return {**special, **common}, ("repository.id", "sender.id", *invented)


def _make_special(
    name: str, facts: LocalFacts, ref: str | None, given: Mapping[str, Any]
) -> tuple[Payload, tuple[str, ...]]:
    match name:
        case "push":
            return {**push_payload(facts), "ref": ref or facts.ref}, ()
        case "pull_request" | "pull_request_target" | "pull_request_review" | "pull_request_review_comment":
            number = _pull_number(given, ref)
            return {"number": number, "pull_request": pull_request_payload(facts, number)}, ("number", "pull_request")
        case "workflow_dispatch":
            return {"ref": ref or facts.ref, "inputs": None, "workflow": None}, ()
        case "release":
            tag = _release_tag(given) or facts.tag or "v0.0.0"
            return {"release": release_payload(facts, tag)}, ("release",) if facts.tag is None else ("release.id",)
        case "create" | "delete":
            kind = "branch" if facts.tag is None else "tag"
            short = facts.tag or facts.branch or facts.repository.default_branch
            return {"ref": short, "ref_type": kind, "master_branch": facts.repository.default_branch}, ()
        case "issues" | "issue_comment":
            return _issue(name, facts), ("issue",)
        case "workflow_run":
            return {"workflow_run": workflow_run_payload(facts)}, ("workflow_run",)
        case "merge_group":
            return {"merge_group": _merge_group(facts)}, ("merge_group",)
        case "deployment" | "deployment_status":
            return _deployment(name, facts), ("deployment",)
        case _:
            return {}, ()


def _issue(name: str, facts: LocalFacts) -> Payload:
    issue: Payload = {"issue": issue_payload(facts, 1)}
    if name == "issue_comment":
        issue["comment"] = {"id": 1, "body": "", "user": user_payload(facts, facts.actor), "created_at": facts.now}
    return issue


def _merge_group(facts: LocalFacts) -> Payload:
    base = facts.repository.default_branch
    return {
        "head_sha": facts.sha,
        "head_ref": f"refs/heads/gh-readonly-queue/{base}/pr-1-{facts.sha}",
        "base_sha": facts.base_sha,
        "base_ref": f"refs/heads/{base}",
        "head_commit": None if facts.head is None else commit_payload(facts, facts.head),
    }


def _deployment(name: str, facts: LocalFacts) -> Payload:
    deployment = {
        "id": 1,
        "sha": facts.sha,
        "ref": facts.tag or facts.branch,
        "task": "deploy",
        "environment": "production",
    }
    if name == "deployment":
        return {"deployment": deployment}
    return {"deployment": deployment, "deployment_status": {"id": 1, "state": "success", "environment": "production"}}


def _find_ref(name: str, facts: LocalFacts, payload: Payload, ref: str | None) -> str:
    default_ref = f"refs/heads/{facts.repository.default_branch}"
    match name, payload:
        case _, {"pull_request": {"merged": True, "base": {"ref": str(branch)}}} if name in _PULL_REQUESTS:
            return f"refs/heads/{branch}"
        case _, {"number": int(number)} if name in _PULL_REQUESTS:
            return f"refs/pull/{number}/merge"
        case "push", {"deleted": True}:
            return default_ref
        case "push" | "workflow_dispatch", {"ref": str(given)}:
            return ref or (given if given.startswith("refs/") else f"refs/heads/{given}")
        case "release", {"release": {"tag_name": str(tag)}}:
            return ref or f"refs/tags/{tag}"
        case "merge_group", {"merge_group": {"head_ref": str(head)}}:
            return ref or head
        case _:
            return ref or (facts.ref if name in _ON_CURRENT_REF else default_ref)


def _branches(name: str, payload: Payload) -> tuple[str, str]:
    """`head_ref` and `base_ref` of the `github` context: set for pull requests only."""
    match payload:
        case {"pull_request": {"head": {"ref": str(head)}, "base": {"ref": str(base)}}} if name != "issue_comment":
            return head, base
        case _:
            return "", ""


def _action(payload: Payload) -> str | None:
    """The activity type. A `repository_dispatch` is asked for with an `event_type`, which its payload has as `action`."""
    action = payload.get("action", payload.get("event_type"))
    return action if isinstance(action, str) else None


def _pull_number(given: Mapping[str, Any], ref: str | None) -> int:
    """The number of a pull request: from the payload, else from `refs/pull/7/merge`, else 1."""
    match given:
        case {"number": int(number)} | {"pull_request": {"number": int(number)}}:
            return number
        case _:
            parts = (ref or "").split("/")
            return int(parts[2]) if parts[:2] == ["refs", "pull"] and len(parts) > 2 and parts[2].isdigit() else 1


def _release_tag(given: Mapping[str, Any]) -> str | None:
    """The tag of a release whose payload names one: its name and addresses are made from it."""
    match given:
        case {"release": {"tag_name": str(tag)}}:
            return tag
        case _:
            return None


def _has(given: Mapping[str, Any], path: str) -> bool:
    """Whether a payload has something at a dotted path."""
    value: Any = given
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True

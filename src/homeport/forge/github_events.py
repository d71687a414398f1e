"""Translates GitHub's webhook deliveries.

Source: docs "Events that trigger workflows" (which ref and commit each is about), "Webhook events and payloads".
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from homeport.forge.translation import ForgeEvent, Translation
from homeport.language.grammar_events import EVENTS

Payload = Mapping[str, Any]

_NO_RUN_OF_OURS = {
    "workflow_run": "runs of this server make the workflow_run events here, not those of the forge",
    "workflow_job": "no workflow can be started by it",
    "ping": "it only asks whether somebody listens",
}
_ON_DEFAULT_BRANCH = frozenset(
    {
        "branch_protection_rule",
        "check_run",
        "check_suite",
        "delete",
        "discussion",
        "discussion_comment",
        "fork",
        "gollum",
        "image_version",
        "issue_comment",
        "issues",
        "label",
        "milestone",
        "page_build",
        "project",
        "project_card",
        "project_column",
        "public",
        "status",
        "watch",
    }
)


def translate_github(name: str, payload: Payload, own_url: str) -> Translation:
    """What a delivery with `X-GitHub-Event: name` means. What this server has told the forge itself (`own_url` is in it) means nothing:
    its statuses and checks must not start workflows that set statuses and checks.
    """
    common = _read_common(payload)
    words = _NO_RUN_OF_OURS.get(name) or _find_obstacle(name, payload, own_url)
    events = () if words else _translate(name, payload)
    if not words and not events:
        words = f"no workflow can be started by '{name}'"
    return msgspec.structs.replace(common, events=events, ignored=words)


def _read_common(payload: Payload) -> Translation:
    repository = _mapping(payload, "repository")
    sender = _mapping(payload, "sender")
    owner = _mapping(repository, "owner")
    return Translation(
        default_branch=_text(repository, "default_branch"),
        actor=_text(sender, "login") or _text(_mapping(payload, "pusher"), "name"),
        actor_id=_number(sender, "id"),
        owner_id=_number(owner, "id"),
        repository_id=_number(repository, "id"),
    )


def _find_obstacle(name: str, payload: Payload, own_url: str) -> str:
    action = payload.get("action")
    types = EVENTS.get(name, ("", ""))[0].split()
    if name != "repository_dispatch" and types and isinstance(action, str) and action not in types:
        return f"no workflow can be started by '{name}' with the activity type '{action}'"
    match name, payload:
        case "status", {"target_url": str(url)} if _is_own(url, own_url):
            return "this server has set the status itself"
        case "check_run", {"check_run": {"details_url": str(url)}} if _is_own(url, own_url):
            return "this server has made the check itself"
        case _:
            return ""


def _is_own(url: str, own_url: str) -> bool:
    return bool(own_url) and (url == own_url or url.startswith(f"{own_url}/"))


def _translate(name: str, payload: Payload) -> tuple[ForgeEvent, ...]:
    action = payload.get("action")
    event = ForgeEvent(name=name, action=action if isinstance(action, str) else None, payload=dict(payload))
    if name in _ON_DEFAULT_BRANCH:
        return (event,)
    special = _SPECIAL.get(name)
    return () if special is None else special(event, payload)


def _push(event: ForgeEvent, payload: Payload) -> tuple[ForgeEvent, ...]:
    ref, before, after = _text(payload, "ref"), _text(payload, "before"), _text(payload, "after")
    if not ref.startswith(("refs/heads/", "refs/tags/")):
        return ()
    if payload.get("deleted") is True or not after.strip("0"):
        return (msgspec.structs.replace(event, before=before),)
    return (msgspec.structs.replace(event, ref=ref, sha=after, before=before),)


def _create(event: ForgeEvent, payload: Payload) -> tuple[ForgeEvent, ...]:
    short, kind = _text(payload, "ref"), _text(payload, "ref_type")
    if kind not in {"branch", "tag"} or not short:
        return ()  # a repository that was made
    return (msgspec.structs.replace(event, ref=f"refs/{'heads' if kind == 'branch' else 'tags'}/{short}"),)


def _pull_request(event: ForgeEvent, payload: Payload) -> tuple[ForgeEvent, ...]:
    """Also as `pull_request_target`, which is about the default branch."""
    pull = _mapping(payload, "pull_request")
    head, base = _mapping(pull, "head"), _mapping(pull, "base")
    number = pull.get("number", payload.get("number"))
    if not isinstance(number, int) or not _text(base, "ref"):
        return ()
    about = msgspec.structs.replace(
        event, base_ref=_text(base, "ref"), head_ref=_text(head, "ref"), head_sha=_text(head, "sha")
    )
    if pull.get("merged") is True:
        on = msgspec.structs.replace(about, ref=f"refs/heads/{about.base_ref}")
    else:
        on = msgspec.structs.replace(about, ref=f"refs/pull/{number}/merge", pull=number)
    if event.name != "pull_request":
        return (on,)
    return on, msgspec.structs.replace(about, name="pull_request_target")


def _merge_group(event: ForgeEvent, payload: Payload) -> tuple[ForgeEvent, ...]:
    group = _mapping(payload, "merge_group")
    return (msgspec.structs.replace(event, ref=_text(group, "head_ref"), sha=_text(group, "head_sha")),)


def _release(event: ForgeEvent, payload: Payload) -> tuple[ForgeEvent, ...]:
    release = _mapping(payload, "release")
    tag = _text(release, "tag_name")
    if not tag:
        return ()
    if release.get("draft") is True:  # its tag is not there yet
        return (event,)
    return (msgspec.structs.replace(event, ref=f"refs/tags/{tag}"),)


def _deployment(event: ForgeEvent, payload: Payload) -> tuple[ForgeEvent, ...]:
    deployment = _mapping(payload, "deployment")
    ref, sha = _text(deployment, "ref"), _text(deployment, "sha")
    return (msgspec.structs.replace(event, ref="" if ref == sha else ref, sha=sha),)


def _package(event: ForgeEvent, payload: Payload) -> tuple[ForgeEvent, ...]:
    version = _mapping(_mapping(payload, "registry_package"), "package_version")
    return (msgspec.structs.replace(event, ref=_text(version, "target_commitish"), sha=_text(version, "target_oid")),)


def _workflow_dispatch(event: ForgeEvent, payload: Payload) -> tuple[ForgeEvent, ...]:
    ref = _text(payload, "ref")
    return (msgspec.structs.replace(event, action=None, ref=ref),) if ref else ()


def _repository_dispatch(event: ForgeEvent, _: Payload) -> tuple[ForgeEvent, ...]:
    return (event,) if event.action else ()


_SPECIAL: Mapping[str, Callable[[ForgeEvent, Payload], tuple[ForgeEvent, ...]]] = {
    "create": _create,
    "deployment": _deployment,
    "deployment_status": _deployment,
    "merge_group": _merge_group,
    "pull_request": _pull_request,
    "pull_request_review": _pull_request,
    "pull_request_review_comment": _pull_request,
    "push": _push,
    "registry_package": _package,
    "release": _release,
    "repository_dispatch": _repository_dispatch,
    "workflow_dispatch": _workflow_dispatch,
}


def _mapping(payload: Payload, key: str) -> Payload:
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def _text(payload: Payload, key: str) -> str:
    value = payload.get(key)
    return value if isinstance(value, str) else ""


def _number(payload: Payload, key: str) -> str:
    value = payload.get(key)
    return str(value) if isinstance(value, int) else "0"

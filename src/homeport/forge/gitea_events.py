"""Translates Gitea's and Forgejo's webhook deliveries: their payloads are much like GitHub's, and are made more so.

Source: Gitea's documentation, "Webhooks", and `modules/webhook/type.go`, `services/webhook/deliver.go` for the names in the headers:
`X-Gitea-Event-Type` is exact (`pull_request_sync`), `X-Gitea-Event` only rough (`pull_request`).
"""

from collections.abc import Mapping
from typing import Any

from homeport.forge.github_events import Payload, translate_github
from homeport.forge.translation import Translation

_EXACT: Mapping[str, str] = {
    "issue_assign": "issues",
    "issue_label": "issues",
    "issue_milestone": "issues",
    "package": "registry_package",
    "pull_request_assign": "pull_request",
    "pull_request_comment": "issue_comment",
    "pull_request_label": "pull_request",
    "pull_request_milestone": "pull_request",
    "pull_request_review_approved": "pull_request_review",
    "pull_request_review_comment": "pull_request_review",
    "pull_request_review_rejected": "pull_request_review",
    "pull_request_review_request": "pull_request",
    "pull_request_sync": "pull_request",
    "wiki": "gollum",
}
_ROUGH: Mapping[str, str] = {
    "package": "registry_package",
    "pull_request_approved": "pull_request_review",
    "pull_request_comment": "pull_request_review",
    "pull_request_rejected": "pull_request_review",
    "wiki": "gollum",
}
_ACTIONS: Mapping[tuple[str, str], str] = {
    ("issues", "label_cleared"): "unlabeled",
    ("issues", "label_updated"): "labeled",
    ("pull_request", "label_cleared"): "unlabeled",
    ("pull_request", "label_updated"): "labeled",
    ("pull_request", "synchronized"): "synchronize",
    ("pull_request_review", "reviewed"): "submitted",
    ("registry_package", "created"): "published",
    ("release", "updated"): "edited",
}
_STATES: Mapping[str, str] = {
    "pull_request_review_approved": "approved",
    "pull_request_review_comment": "commented",
    "pull_request_review_rejected": "changes_requested",
}


def translate_gitea(exact: str, rough: str, payload: Payload, own_url: str) -> Translation:
    """What a delivery means; `exact` is of `X-Gitea-Event-Type`, `rough` of `X-Gitea-Event`, empty where it is missing."""
    name = _EXACT.get(exact, exact) if exact else _ROUGH.get(rough, rough)
    return translate_github(name, _convert(name, exact, payload), own_url)


def _convert(name: str, exact: str, payload: Payload) -> dict[str, Any]:
    converted = dict(payload)
    action = payload.get("action")
    if isinstance(action, str):
        converted["action"] = _ACTIONS.get((name, action), action)
    if name == "push":
        converted |= _convert_push(payload)
    elif name == "pull_request_review":
        review = payload.get("review")
        state = {"state": _STATES[exact]} if exact in _STATES else {}
        converted["review"] = {**(review if isinstance(review, dict) else {}), **state}
    elif name == "status" and "target_url" not in converted and isinstance(payload.get("targetUrl"), str):
        converted["target_url"] = payload["targetUrl"]
    return converted


def _convert_push(payload: Payload) -> dict[str, Any]:
    """What GitHub says and Gitea leaves to be seen from the commits."""
    before, after = str(payload.get("before", "")), str(payload.get("after", ""))
    pusher = payload.get("pusher")
    login = pusher.get("login", "") if isinstance(pusher, dict) else ""
    email = pusher.get("email", "") if isinstance(pusher, dict) else ""
    return {
        "created": not before.strip("0"),
        "deleted": not after.strip("0"),
        "forced": False,
        "compare": payload.get("compare_url", ""),
        "base_ref": None,
        "pusher": {"name": login, "email": email},
    }

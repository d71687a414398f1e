"""Gitea's and Forgejo's deliveries mean the same as GitHub's."""

from typing import Any

import pytest

from homeport.forge.gitea_events import translate_gitea

PULL: dict[str, Any] = {
    "number": 3,
    "pull_request": {"number": 3, "head": {"ref": "t", "sha": "a"}, "base": {"ref": "main", "sha": "b"}},
}


@pytest.mark.parametrize(
    ("exact", "rough", "action", "expected"),
    [
        ("pull_request", "pull_request", "opened", ("pull_request", "opened")),
        ("pull_request_sync", "pull_request", "synchronized", ("pull_request", "synchronize")),
        ("", "pull_request", "synchronized", ("pull_request", "synchronize")),
        ("pull_request_label", "pull_request", "label_updated", ("pull_request", "labeled")),
        ("pull_request_label", "pull_request", "label_cleared", ("pull_request", "unlabeled")),
        ("pull_request_review_approved", "pull_request_approved", "reviewed", ("pull_request_review", "submitted")),
        ("", "pull_request_rejected", "reviewed", ("pull_request_review", "submitted")),
        ("", "pull_request_comment", "reviewed", ("pull_request_review", "submitted")),
        ("pull_request_comment", "issue_comment", "created", ("issue_comment", "created")),
        ("issue_label", "issues", "label_updated", ("issues", "labeled")),
        ("issue_milestone", "issues", "demilestoned", ("issues", "demilestoned")),
        ("wiki", "wiki", "created", ("gollum", "created")),
        ("fork", "fork", None, ("fork", None)),
    ],
)
def test_names_and_types_become_githubs(
    exact: str, rough: str, action: str | None, expected: tuple[str, str | None]
) -> None:
    payload = PULL if action is None else {**PULL, "action": action}
    event = translate_gitea(exact, rough, payload, "").events[0]
    assert (event.name, event.action) == expected


def test_a_review_says_its_state() -> None:
    event = translate_gitea(
        "pull_request_review_rejected", "", {**PULL, "action": "reviewed", "review": {}}, ""
    ).events[0]
    assert event.payload["review"]["state"] == "changes_requested"


def test_what_starts_nothing_says_why() -> None:
    assert "workflow_run" in translate_gitea("workflow_run", "workflow_run", {}, "").ignored
    assert "repository" in translate_gitea("repository", "repository", {"action": "created"}, "").ignored

"""Which caches a job sees, and where it may save: a pull request from a fork nowhere."""

from typing import Any

import pytest

from homeport.toolkit.jobs import READ, WRITE, list_cache_scopes


def github(event_name: str, head: Any, ref: str = "refs/pull/7/merge") -> dict[str, Any]:
    event: dict[str, Any] = {"repository": {"default_branch": "main"}}
    if head is not ...:
        event["pull_request"] = {"head": {"repo": head}}
    return {"event_name": event_name, "repository": "octo/app", "ref": ref, "base_ref": "next", "event": event}


@pytest.mark.parametrize(
    ("event_name", "head", "may_save"),
    [
        ("pull_request", {"full_name": "Octo/App"}, True),
        ("pull_request", {"full_name": "mallory/app"}, False),
        ("pull_request", None, False),
        ("pull_request_review", {"full_name": "mallory/app"}, False),
        ("pull_request_review_comment", {"full_name": "mallory/app"}, False),
        ("pull_request_target", {"full_name": "mallory/app"}, True),
        ("push", ..., True),
    ],
)
def test_a_fork_reads_and_does_not_save(event_name: str, head: Any, may_save: bool) -> None:
    own, base, default = list_cache_scopes(github(event_name, head))
    assert own == ("refs/pull/7/merge", READ | WRITE if may_save else READ)
    assert (base, default) == (("refs/heads/next", READ), ("refs/heads/main", READ))

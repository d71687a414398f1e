"""Local events: the refs they are about, their payloads, and what was made up."""

from typing import Any

import pytest

from homeport.event import Commit, Event, Repository, Signature
from homeport.event.local import ACTIONS, build_local_event
from homeport.event.local_facts import NO_SHA, LocalFacts
from homeport.language.grammar_events import EVENTS

ADA = Signature("Ada", "ada@example.invalid", "2026-03-01T12:00:00+01:00")
FIRST = Commit("1" * 40, "e" * 40, (), ADA, ADA, "Begin")
HEAD = Commit("a" * 40, "f" * 40, ("1" * 40,), ADA, ADA, "Mend it\n\nThe body.")
REPOSITORY = Repository(
    owner="octo", name="app", id="11", owner_id="12", default_branch="main", server_url="https://github.com"
)


def facts(**fields: Any) -> LocalFacts:
    known: dict[str, Any] = {
        "repository": REPOSITORY,
        "branch": "feature",
        "sha": "a" * 40,
        "head": HEAD,
        "base_sha": "1" * 40,
        "commits": (HEAD,),
        "actor": "mona",
        "email": "mona@example.invalid",
        "now": "2026-03-01T13:00:00+00:00",
    }
    return LocalFacts(**{**known, **fields})


def event_of(name: str, *, given: dict[str, Any] | None = None, ref: str | None = None, **fields: Any) -> Event:
    return build_local_event(name, facts(**fields), given=given or {}, ref=ref)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_has_a_repository_a_sender_and_a_type_that_github_knows(name: str) -> None:
    event = event_of(name)
    assert event.payload["repository"]["full_name"] == "octo/app"
    assert event.payload["repository"]["default_branch"] == "main"
    assert event.payload["repository"]["owner"]["login"] == "octo"
    assert event.payload["sender"]["login"] == "mona"
    types = EVENTS[name][0].split()
    assert event.action in types if types and types != ["*"] else event.action is None
    assert {"repository.id", "sender.id"} <= set(event.made_up)


def test_the_types_of_local_events_are_those_of_events_that_have_types() -> None:
    assert set(ACTIONS) == {name for name, (types, _) in EVENTS.items() if types not in {"", "*"}}


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("push", "refs/heads/feature"),
        ("workflow_dispatch", "refs/heads/feature"),
        ("create", "refs/heads/feature"),
        ("deployment", "refs/heads/feature"),
        ("pull_request", "refs/pull/1/merge"),
        ("pull_request_review", "refs/pull/1/merge"),
        ("pull_request_target", "refs/heads/main"),
        ("schedule", "refs/heads/main"),
        ("issues", "refs/heads/main"),
        ("issue_comment", "refs/heads/main"),
        ("workflow_run", "refs/heads/main"),
        ("repository_dispatch", "refs/heads/main"),
        ("delete", "refs/heads/main"),
        ("release", "refs/tags/v0.0.0"),
        ("merge_group", f"refs/heads/gh-readonly-queue/main/pr-1-{'a' * 40}"),
    ],
)
def test_an_event_is_about_the_ref_that_github_gives_it(name: str, ref: str) -> None:
    event = event_of(name)
    assert (event.ref, event.sha) == (ref, "a" * 40)


def test_a_push_has_its_commits_without_lists_of_files() -> None:
    event = event_of("push", base_sha=None, commits=(FIRST, HEAD))
    assert (event.before, event.payload["before"], event.payload["created"]) == (NO_SHA, NO_SHA, True)
    assert [commit["id"] for commit in event.payload["commits"]] == ["1" * 40, "a" * 40]
    assert event.payload["head_commit"] == {
        "id": "a" * 40,
        "tree_id": "f" * 40,
        "distinct": True,
        "message": "Mend it\n\nThe body.",
        "timestamp": "2026-03-01T12:00:00+01:00",
        "url": f"https://github.com/octo/app/commit/{'a' * 40}",
        "author": {"name": "Ada", "email": "ada@example.invalid"},
        "committer": {"name": "Ada", "email": "ada@example.invalid"},
    }
    assert event.payload["pusher"] == {"name": "mona", "email": "mona@example.invalid"}
    assert event.head_message == "Mend it\n\nThe body."


def test_a_push_without_git_has_no_commit() -> None:
    event = event_of("push", head=None, sha=NO_SHA, base_sha=None, commits=(), dirty=True, made_up=("ref",))
    assert (event.payload["head_commit"], event.sha, event.head_message) == (None, NO_SHA, None)
    assert (event.dirty, "ref" in event.made_up) == (True, True)


def test_a_pull_request_is_the_branch_to_be_merged_into_the_default_branch() -> None:
    event = event_of("pull_request")
    pull = event.payload["pull_request"]
    assert (event.head_ref, event.base_ref, event.action, event.payload["number"]) == ("feature", "main", "opened", 1)
    assert (pull["head"]["ref"], pull["head"]["sha"], pull["head"]["repo"]["full_name"]) == (
        "feature",
        "a" * 40,
        "octo/app",
    )
    assert (pull["base"]["ref"], pull["base"]["sha"]) == ("main", "1" * 40)
    assert (pull["title"], pull["body"], pull["merge_commit_sha"]) == ("Mend it", "The body.", "a" * 40)
    assert {"number", "pull_request"} <= set(event.made_up)


@pytest.mark.parametrize(
    ("given", "ref"),
    [
        ({"number": 7}, None),
        ({"pull_request": {"number": 7}}, None),
        ({}, "refs/pull/7/merge"),
        ({}, "refs/pull/7/head"),
    ],
)
def test_a_pull_request_has_one_number_everywhere(given: dict[str, Any], ref: str | None) -> None:
    event = event_of("pull_request", given=given, ref=ref)
    assert event.ref == "refs/pull/7/merge"
    assert (event.payload["number"], event.payload["pull_request"]["number"]) == (7, 7)
    assert event.payload["pull_request"]["html_url"] == "https://github.com/octo/app/pull/7"


def test_what_is_given_goes_before_what_is_made_up() -> None:
    given = {
        "action": "labeled",
        "label": {"name": "bug"},
        "pull_request": {"base": {"ref": "release"}, "labels": [{"name": "bug"}]},
        "sender": {"id": 5},
    }
    event = event_of("pull_request", given=given)
    assert (event.action, event.base_ref, event.head_ref) == ("labeled", "release", "feature")
    assert event.payload["pull_request"]["base"]["sha"] == "1" * 40
    assert event.payload["pull_request"]["labels"] == [{"name": "bug"}]
    assert event.payload["sender"] == {**event.payload["repository"]["owner"], "login": "mona", "id": 5} | {
        key: value for key, value in event.payload["sender"].items() if key.endswith("url")
    }
    assert "sender.id" not in event.made_up


def test_a_merged_pull_request_is_about_the_branch_it_went_to() -> None:
    event = event_of("pull_request", given={"action": "closed", "pull_request": {"merged": True}})
    assert event.ref == "refs/heads/main"


@pytest.mark.parametrize(
    ("given", "ref", "expected"),
    [
        ({"ref": "refs/heads/release"}, None, "refs/heads/release"),
        ({"ref": "release"}, None, "refs/heads/release"),
        ({"ref": "refs/heads/release"}, "refs/tags/v1", "refs/tags/v1"),
        ({"ref": "refs/heads/gone", "deleted": True}, None, "refs/heads/main"),
    ],
)
def test_a_push_is_about_the_ref_of_its_payload(given: dict[str, Any], ref: str | None, expected: str) -> None:
    assert event_of("push", given=given, ref=ref).ref == expected


def test_a_release_is_named_after_the_tag_that_its_payload_names() -> None:
    release = event_of("release", given={"release": {"tag_name": "v2.0"}}).payload["release"]
    assert release["name"] == "v2.0"
    assert release["html_url"].endswith("/releases/tag/v2.0")


def test_a_tag_that_is_checked_out_is_what_a_push_or_release_is_about() -> None:
    assert event_of("push", branch=None, tag="v1.2").ref == "refs/tags/v1.2"
    event = event_of("release", branch=None, tag="v1.2")
    assert (event.ref, event.payload["release"]["tag_name"], event.action) == ("refs/tags/v1.2", "v1.2", "published")
    assert "release" not in event.made_up


def test_a_release_is_about_the_tag_of_its_payload() -> None:
    assert event_of("release", given={"release": {"tag_name": "v9"}}).ref == "refs/tags/v9"


def test_a_repository_dispatch_takes_the_type_that_it_is_sent_with() -> None:
    event = event_of("repository_dispatch", given={"event_type": "deploy", "client_payload": {"a": 1}})
    assert (event.action, event.payload["client_payload"]) == ("deploy", {"a": 1})


def test_a_created_tag_is_named_by_its_short_name() -> None:
    payload = event_of("create", branch=None, tag="v1").payload
    assert (payload["ref"], payload["ref_type"], payload["master_branch"]) == ("v1", "tag", "main")


def test_a_server_of_ones_own_has_its_api_below_itself() -> None:
    own = Repository(
        owner="o", name="n", id="1", owner_id="2", default_branch="main", server_url="https://git.example.invalid"
    )
    event = event_of("pull_request", repository=own)
    assert event.payload["repository"]["url"] == "https://git.example.invalid/api/v3/repos/o/n"
    assert event.payload["repository"]["ssh_url"] == "git@git.example.invalid:o/n.git"

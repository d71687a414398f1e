"""Every published example of GitHub's deliveries means what GitHub's table of events says."""

import functools
from typing import Any

import msgspec
import pytest

from homeport.forge.github_events import translate_github
from homeport.language.grammar_events import EVENTS
from tests.support.parts import require_npm_packages

PACKAGES = {"@octokit/webhooks-examples": "7.6.1"}
NEVER = {"workflow_run"}
"""Translated to nothing, for runs of this server make them."""
ON_MERGE = {"pull_request", "pull_request_review", "pull_request_review_comment"}


@functools.cache
def examples() -> dict[str, list[dict[str, Any]]]:
    folder = require_npm_packages(PACKAGES) / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json"
    return {one["name"]: one["examples"] for one in msgspec.json.decode(folder.read_bytes())}


def test_every_example_of_an_event_that_starts_workflows_is_one() -> None:
    silent = []
    for name, payloads in examples().items():
        for payload in payloads:
            translation = translate_github(name, payload, "https://ci.example.com")
            types = EVENTS.get(name, ("", ""))[0].split()
            starts = name in EVENTS and name not in NEVER and (not types or payload.get("action") in types)
            if name == "repository_dispatch":
                starts = True
            if bool(translation.events) != starts:
                silent.append((name, payload.get("action"), translation.ignored))
            assert bool(translation.events) != bool(translation.ignored)
    assert not silent


def test_actor_and_numbers_are_those_of_the_payload() -> None:
    translation = translate_github("issues", examples()["issues"][0], "")
    assert translation.actor == examples()["issues"][0]["sender"]["login"]
    assert translation.repository_id == str(examples()["issues"][0]["repository"]["id"])
    assert translation.default_branch == examples()["issues"][0]["repository"]["default_branch"]


def test_a_push_is_about_its_tip_and_a_deletion_about_the_default_branch() -> None:
    for payload in examples()["push"]:
        (event,) = translate_github("push", payload, "").events
        if payload["deleted"]:
            assert (event.ref, event.sha) == ("", "")
        else:
            assert (event.ref, event.sha, event.before) == (payload["ref"], payload["after"], payload["before"])


def test_pull_requests_are_about_their_test_merge_and_the_default_branch() -> None:
    for name in ON_MERGE:
        for payload in examples()[name]:
            events = translate_github(name, payload, "").events
            if not events:
                continue
            pull = payload["pull_request"]
            merged = pull.get("merged") is True
            expected = f"refs/heads/{pull['base']['ref']}" if merged else f"refs/pull/{pull['number']}/merge"
            assert (events[0].ref, events[0].base_ref, events[0].head_sha) == (
                expected,
                pull["base"]["ref"],
                pull["head"]["sha"],
            )
            assert [one.name for one in events] == ([name, "pull_request_target"] if name == "pull_request" else [name])
            if name == "pull_request":
                assert (events[1].ref, events[1].pull) == ("", 0)


@pytest.mark.parametrize("name", ["issues", "issue_comment", "fork", "gollum", "label", "watch", "delete", "public"])
def test_these_are_about_the_default_branch(name: str) -> None:
    (event,) = translate_github(name, examples()[name][0], "").events
    assert (event.ref, event.sha) == ("", "")


def test_releases_are_about_their_tag() -> None:
    for payload in examples()["release"]:
        events = translate_github("release", payload, "").events
        if events and not payload["release"]["draft"]:
            assert events[0].ref == f"refs/tags/{payload['release']['tag_name']}"


def test_what_this_server_has_said_itself_means_nothing() -> None:
    status = {**examples()["status"][0], "target_url": "https://ci.example.com/acme/shop/actions/runs/1"}
    assert not translate_github("status", status, "https://ci.example.com").events
    assert translate_github("status", status, "https://ci.example.co").events


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_payloads_of_any_shape_are_taken(name: str) -> None:
    for payload in (
        {},
        {"repository": None},
        {"pull_request": 1, "ref": [], "release": "x", "deployment": None, "action": 5},
    ):
        translate_github(name, payload, "")

"""Which events start which workflows."""

import json
from typing import Any

import pytest

from homeport.event import Event
from homeport.plan.model import NotStarted, Plan
from homeport.plan.trigger import find_obstacles
from tests.support.planning import make_event, outcome_of, read_cases, read_workflow

CASES = read_cases("triggers.toml")
FIELDS = ("action", "ref", "base_ref", "head_ref", "tags_in_push", "chain_length")


def event_of(case: dict[str, Any]) -> Event:
    fields = {name: case[name] for name in FIELDS if name in case}
    payload = json.loads(case.get("payload", "{}"))
    return make_event(case.get("event", "push"), payload=payload, head_message=case.get("message"), **fields)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_event_starts_a_workflow_or_every_filter_says_why_not(case: dict[str, Any]) -> None:
    outcome = outcome_of(f"on: {case['on']}", event_of(case), changed=case.get("changed"))
    if "reason" not in case:
        assert isinstance(outcome, Plan), outcome
        return
    assert isinstance(outcome, NotStarted)
    assert [part for part in case["reason"] if part not in outcome.reason] == [], outcome.reason


def test_changed_paths_are_asked_for_only_where_a_filter_needs_them() -> None:
    def explode() -> list[str]:
        raise AssertionError("nobody needs the paths")

    assert find_obstacles(read_workflow("on: {push: {branches: [main]}}"), make_event(), explode) == []
    tagged = make_event(ref="refs/tags/v1")
    assert find_obstacles(read_workflow("on: {push: {paths: [x]}}"), tagged, explode) == []


def test_what_does_not_start_is_named() -> None:
    outcome = outcome_of("name: Nightly\non: workflow_dispatch")
    assert isinstance(outcome, NotStarted)
    assert (outcome.workflow, outcome.name) == (".github/workflows/ci.yml", "Nightly")

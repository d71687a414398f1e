"""Finding several actions at the same time."""

import threading
from pathlib import Path

import pytest

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.tokens import StringToken
from homeport.runner.actions.fetching import fetch_level
from homeport.runner.actions.model import (
    ActionUnavailableError,
    DockerAction,
    Origin,
    ResolvedAction,
    Surroundings,
)
from tests.support.action_host import FolderSources, make_order, make_paths


def token(text: str, line: int = 1) -> StringToken:
    return StringToken(text, Span("ci.yml", line, 1, line, 9))


def found(uses: StringToken) -> ResolvedAction:
    runs = nodes.DockerRuns(image=uses, span=uses.span)
    return DockerAction(
        origin=Origin(uses=uses.value), action=nodes.Action(file="", runs=runs, span=uses.span), runs=runs, folder=""
    )


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    return Surroundings(
        order=make_order(), paths=make_paths(tmp_path), sources=FolderSources(tmp_path), environment={"PATH": ""}
    )


def test_different_repositories_are_fetched_at_the_same_time(surroundings: Surroundings) -> None:
    together = threading.Barrier(3, timeout=60)

    def resolve(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        together.wait()
        return found(uses)

    actions, failed = fetch_level([token("o/a@v1"), token("o/b@v1"), token("o/a@v2")], resolve, surroundings)
    assert set(actions) == {"o/a@v1", "o/b@v1", "o/a@v2"}
    assert failed == {}


def test_what_is_in_one_repository_is_left_to_one_thread(surroundings: Surroundings) -> None:
    """They share a folder of the job."""
    threads: dict[str, set[int]] = {}

    def resolve(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        threads.setdefault(uses.value.partition("@")[2], set()).add(threading.get_ident())
        return found(uses)

    wanted = [token(text) for text in ("o/r/a@v1", "O/R/b@v1", "o/r/c@v1", "o/r@v2", "o/r/a@v1")]
    actions, _ = fetch_level(wanted, resolve, surroundings)
    assert len(actions) == 4
    assert len(threads["v1"]) == 1


def test_what_is_found_at_once_is_left_out(surroundings: Surroundings) -> None:
    def resolve(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        raise AssertionError(uses.value)

    wanted = [token(text) for text in ("actions/checkout@v4", "$/own", "docker://alpine:3")]
    assert fetch_level(wanted, resolve, surroundings) == ({}, {})


def test_a_failure_is_blamed_on_each_place_that_uses_the_action(surroundings: Surroundings) -> None:
    inside = Span("o/b/action.yml@v1", 4, 2, 4, 9)

    def resolve(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        raise ActionUnavailableError(f"no {uses.value}", inside if "/b" in uses.value else uses.span, "a hint")

    _, failed = fetch_level([token("o/a@v1", 3), token("o/b@v1", 4)], resolve, surroundings)
    later = failed["o/a@v1"].blame(token("o/a@v1", 9))
    assert (later.message, later.span.line, later.hint) == ("no o/a@v1", 9, "a hint")
    assert failed["o/b@v1"].blame(token("o/b@v1", 9)).span == inside


def test_a_fault_of_ours_is_not_lost_in_a_thread(surroundings: Surroundings) -> None:
    def resolve(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        raise ZeroDivisionError(uses.value)

    with pytest.raises(ZeroDivisionError):
        fetch_level([token("o/a@v1"), token("o/b@v1")], resolve, surroundings)

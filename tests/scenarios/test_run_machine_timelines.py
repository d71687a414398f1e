"""The run machine's timelines: each case is a workflow, what its runners do, and what happens when.

`*` in an expected line stands for any text. Every case names the source of the behaviour.
"""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.simulation import Act, World
from tests.support.workflows import GITHUB, plan_of_text

CASES = sorted((Path(__file__).parents[1] / "cases" / "run").glob("*.toml"))


class Case(msgspec.Struct, forbid_unknown_fields=True):
    about: str
    source: str
    workflow: str
    timeline: str
    called: dict[str, str] = {}
    script: dict[str, Act] = {}
    runners: int | None = None
    cancel_at: float | None = None
    force_at: float | None = None


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_run_goes_as_the_case_says(file: Path) -> None:
    raw: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    case = msgspec.convert(raw, Case)
    world = World(runners=case.runners)
    world.start(plan_of_text(case.workflow, case.called), case.script, github=GITHUB)
    if case.cancel_at is not None:
        world.at(case.cancel_at, world.cancel)
    if case.force_at is not None:
        world.at(case.force_at, lambda: world.cancel(force=True))
    world.run()
    actual = world.timeline()
    expected = [line for line in case.timeline.splitlines() if line]
    matched = len(actual) == len(expected) and all(map(_matches, actual, expected))
    assert matched, "\n" + "\n".join(actual)


def _matches(actual: str, expected: str) -> bool:
    return actual == expected or ("*" in expected and fnmatchcase(actual, expected.replace("[", "[[]")))


def test_there_are_cases() -> None:
    assert len(CASES) > 20


def test_calls_nest_ten_levels_deep_and_their_outputs_come_all_the_way_up() -> None:
    """Source: GitHub docs, "Reusing workflow configurations: Nesting reusable workflows" (ten levels, the caller among them)."""
    output = "on: {workflow_call: {outputs: {o: {value: '${{ jobs.j.outputs.o }}'}}}}\n"
    called = {
        f"w{level}.yml": output + f"jobs: {{j: {{uses: ./.github/workflows/w{level + 1}.yml}}}}"
        for level in range(1, 9)
    }
    called["w9.yml"] = output + 'jobs: {j: {runs-on: x, outputs: {o: "x"}, steps: [run: "true"]}}'
    text = """
        jobs:
          j: {uses: ./.github/workflows/w1.yml}
          after: {needs: j, if: needs.j.outputs.o == 'deep', runs-on: x, steps: [run: "true"]}
    """
    world = World()
    innermost = "/".join(["j"] * 10)
    world.start(plan_of_text(text, called), {innermost: Act(outputs={"o": "deep"})}, github=GITHUB)
    world.run()
    assert world.conclusions()[innermost] == "success"
    assert world.conclusions()["after"] == "success"

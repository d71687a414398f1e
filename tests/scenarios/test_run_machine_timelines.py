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

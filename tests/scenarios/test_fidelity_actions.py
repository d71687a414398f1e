"""Corners of actions where an engine easily differs from GitHub's runner: environments, names and conditions inside of them."""

from pathlib import Path
from textwrap import dedent

import pytest

from homeport.runner.actions.resolve import resolve_action
from tests.support.jobs import Bench, Report


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.resolve = resolve_action
    tree = tmp_path / "tree"
    tree.mkdir()
    bench.in_place = str(tree)
    return bench


def put(bench: Bench, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = bench.folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def run(bench: Bench, steps: str, *, more: str = "") -> Report:
    text = dedent(steps).replace("\n", "\n      ")
    return bench.run(f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n{more}\n    steps:\n      {text}\n")


# --- composite actions -----------------------------------------------------------------------------------------------

EXPORTING = """
    name: Exporting
    runs:
      using: composite
      steps:
        - shell: bash
          run: |
            echo "JOB=written" >> "$GITHUB_ENV"
            echo "STEP=written" >> "$GITHUB_ENV"
            echo "NEW=written" >> "$GITHUB_ENV"
        - shell: bash
          run: echo "inside JOB=$JOB STEP=${{ env.STEP }} NEW=$NEW"
        - uses: ./nested
"""
NESTED = """
    name: Nested
    runs:
      using: composite
      steps:
        - shell: bash
          env: {NEW: own}
          run: echo "nested JOB=$JOB STEP=$STEP NEW=$NEW"
        - shell: bash
          run: |
            echo "JOB=again" >> "$GITHUB_ENV"
        - shell: bash
          run: echo "nested JOB=$JOB"
"""


def test_what_a_step_of_an_action_exports_is_hidden_only_by_the_env_of_steps_around_it(bench: Bench) -> None:
    """actions/runner `CompositeActionHandler` (`StepEnvironmentOverrides`): the job's own `env` does not come back inside."""
    put(bench, {"exporting/action.yml": EXPORTING, "nested/action.yml": NESTED})
    report = run(
        bench,
        """\
        - uses: ./exporting
          env: {STEP: step}
        - run: echo "after JOB=$JOB STEP=$STEP NEW=$NEW"
        """,
        more="    env: {JOB: job}",
    )
    assert report.output() == [
        "inside JOB=written STEP=step NEW=written",
        "nested JOB=written STEP=step NEW=own",
        "nested JOB=again",
        "after JOB=again STEP=written NEW=written",
    ]


ASKING = """
    name: Asking
    runs:
      using: composite
      steps:
        - {shell: bash, id: inner, run: 'echo "$GITHUB_ACTION ${{ github.action }}"'}
"""


@pytest.mark.parametrize(("written", "name"), [("", "__self"), ("id: outer, ", "outer")])
def test_the_steps_of_an_action_go_by_the_name_of_the_step_that_uses_it(bench: Bench, written: str, name: str) -> None:
    """actions/runner#615, and what #2525 shows: `github.action` is that of the job's step, however deep."""
    put(bench, {"deep/action.yml": ASKING, "top/action.yml": f"{ASKING}        - uses: ./deep\n"})
    report = run(bench, f"- {{{written}uses: ./top}}")
    assert report.output() == [f"{name} {name}"] * 2

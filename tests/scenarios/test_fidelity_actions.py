"""Corners of actions where an engine easily differs from GitHub's runner: environments, names and conditions inside of them."""

import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from homeport.runner.actions.resolve import resolve_action
from tests.support.homeport import run_homeport
from tests.support.jobs import Bench, Report
from tests.support.projects import make_repository


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


# --- stages of what a composite action uses --------------------------------------------------------------------------

STAGED = """
    name: Staged
    inputs: {who: {default: x}}
    runs: {using: node20, PRE main: main.js, post: post.js}
"""
SCRIPT = "console.log(`STAGE ${process.env.INPUT_WHO} ${process.env.STATE_seen || 'new'}`)\n"
SAVING = "require('fs').appendFileSync(process.env.GITHUB_STATE, 'seen=' + process.env.INPUT_WHO + '\\n')\n"


def staged_files() -> dict[str, str]:
    files: dict[str, str] = {}
    for name, pre in (("with-pre", "pre: pre.js,"), ("without", "")):
        files |= {f"{name}/{stage}.js": SCRIPT.replace("STAGE", stage) for stage in ("pre", "main", "post")}
        files[f"{name}/action.yml"] = STAGED.replace("PRE", pre)
        files[f"{name}/pre.js"] += SAVING
    return files


BOTH = """
    name: Both
    runs:
      using: composite
      steps:
        - {uses: $/without, with: {who: a}}
        - {uses: $/with-pre, with: {who: b}}
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js: install nodejs")
@pytest.mark.parametrize(
    ("condition", "output"),
    [
        (
            "true",
            [
                "pre b new",
                "main a new",
                "main b b",
                "Post job cleanup.",
                "Post job cleanup.",
                "post b b",
                "Post job cleanup.",
                "post a new",
            ],
        ),
        ("false", ["pre b new", "Post job cleanup.", "Post job cleanup.", "post b b"]),
    ],
)
def test_what_began_before_all_steps_is_ended_after_them_even_inside_of_a_skipped_action(
    tmp_path: Path, condition: str, output: list[str]
) -> None:
    """actions/runner `CompositeActionHandler` (`PostSteps`, `EmbeddedStepsWithPostRegistered`): in reverse order of the steps."""
    workflow = f"on: push\njobs: {{one: {{runs-on: ubuntu-latest, steps: [{{uses: $/both, if: {condition}}}]}}}}\n"
    folder = make_repository(tmp_path, workflow, files={**staged_files(), "both/action.yml": BOTH})
    answer = run_homeport(["run"], cwd=folder)
    assert answer.conclusion == "success", answer.describe()
    assert [line for line in answer.lines("one") if line.startswith(("pre", "main", "post", "Post"))] == output


# --- JavaScript actions ----------------------------------------------------------------------------------------------

FAILING = """
    name: Failing
    inputs: {say: {default: ''}}
    runs: {using: node20, main: main.js}
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js: install nodejs")
@pytest.mark.parametrize(("said", "errors"), [("::error::why it failed", ["why it failed"]), ("", [])])
def test_the_exit_code_of_a_javascript_action_is_no_error_of_its_own(
    bench: Bench, said: str, errors: list[str]
) -> None:
    """actions/runner `NodeScriptActionHandler`: the action says why it failed (`core.setFailed`); the runner adds nothing."""
    put(bench, {"bad/action.yml": FAILING, "bad/main.js": "console.log(process.env.INPUT_SAY); process.exit(3)\n"})
    report = run(bench, f"- {{id: bad, uses: ./bad, with: {{say: '{said}'}}}}")
    assert report.errors == errors
    step = report.step("bad")
    assert (step.outcome, step.exit_code, step.reason) == ("failure", 3, "Process completed with exit code 3.")


def test_the_kind_of_an_action_ignores_case(bench: Bench) -> None:
    """actions/runner `ActionManifestManager.ConvertRuns` compares `using` so."""
    put(bench, {"loud/action.yml": ASKING.replace("composite", "Composite")})
    assert run(bench, "- uses: ./loud").output() == ["__self __self"]

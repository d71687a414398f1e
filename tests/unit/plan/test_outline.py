"""What is told of a plan before it is carried out, its public JSON, and what an edit changes."""

from typing import Any

import pytest

from homeport.plan.codec import encode_not_started, encode_plan
from homeport.plan.compare import compare_outcomes
from homeport.plan.model import NotStarted
from homeport.plan.outline import OutlinedJob, outline_plan
from tests.support.planning import make_event, outcome_of, plan_of_text, read_cases

CALLED = """
on:
  workflow_call:
    inputs: {version: {type: string, required: true}, where: {type: string, required: true}}
jobs:
  deploy:
    name: Deploy ${{ inputs.version }} to ${{ inputs.where }}
    runs-on: ${{ inputs.where }}
    environment: ${{ inputs.where }}
    if: inputs.where != 'nowhere'
    steps: [{run: ./deploy}]
"""


def outline(text: str, **settings: Any) -> dict[str, OutlinedJob]:
    return {job.key: job for job in outline_plan(plan_of_text(text, **settings))}


def test_what_hangs_on_needs_is_shown_as_it_is_written() -> None:
    jobs = outline(
        """
        jobs:
          setup: {runs-on: x, steps: [{run: a}], outputs: {list: x, runner: x}}
          test:
            needs: setup
            strategy: {matrix: {py: '${{ fromJSON(needs.setup.outputs.list) }}'}}
            runs-on: [self-hosted, '${{ matrix.py }}']
            environment: test-${{ matrix.py }}
            steps: [{run: a}]
          ship:
            needs: [setup, test]
            name: Ship on ${{ needs.setup.outputs.runner }}
            strategy: {matrix: {a: [1, 2]}}
            runs-on: ${{ needs.setup.outputs.runner }}
            environment: ${{ needs.setup.outputs.runner }}
            timeout-minutes: ${{ fromJSON(needs.setup.outputs.minutes) }}
            continue-on-error: ${{ fromJSON(needs.setup.outputs.flag) }}
            concurrency: ${{ needs.setup.outputs.group }}
            steps: [{run: a}]
        """
    )
    assert list(jobs) == ["setup", "test", "ship (1)", "ship (2)"]
    assert (jobs["test"].expanded, jobs["test"].matrix, jobs["test"].mistake) == (False, None, None)
    assert jobs["test"].runs_on == ("self-hosted", "${{ matrix.py }}")
    assert jobs["test"].environment == "test-${{ matrix.py }}"
    assert (jobs["ship (1)"].expanded, jobs["ship (1)"].needs) == (True, ("setup", "test"))
    assert jobs["ship (2)"].name == "Ship on ${{ needs.setup.outputs.runner }}"
    assert jobs["ship (2)"].runs_on == ("${{ needs.setup.outputs.runner }}",)
    assert jobs["ship (2)"].environment == "${{ needs.setup.outputs.runner }}"


def test_the_jobs_of_a_call_come_after_it_with_the_inputs_that_are_known() -> None:
    jobs = outline(
        """
        jobs:
          build: {runs-on: x, steps: [{run: a}], outputs: {version: x}}
          ship:
            needs: build
            strategy: {matrix: {where: [home, nowhere]}}
            uses: ./.github/workflows/ship.yml
            with: {version: '${{ needs.build.outputs.version }}', where: '${{ matrix.where }}'}
        """,
        called={"ship.yml": CALLED},
    )
    assert list(jobs) == ["build", "ship (home)", "ship (home)/deploy", "ship (nowhere)", "ship (nowhere)/deploy"]
    assert jobs["ship (home)"].calls == ".github/workflows/ship.yml"
    inner = jobs["ship (home)/deploy"]
    assert (inner.id, inner.runs_on, inner.environment) == ("ship/deploy", ("home",), "home")
    assert inner.name == "ship (home) / Deploy ${{ inputs.version }} to ${{ inputs.where }}"
    assert inner.skipped is None
    assert jobs["ship (nowhere)/deploy"].skipped == "its condition is false: inputs.where != 'nowhere'"


def test_the_jobs_of_a_call_whose_matrix_is_not_known_are_told_once() -> None:
    jobs = outline(
        """
        jobs:
          build: {runs-on: x, steps: [{run: a}], outputs: {list: x}}
          ship:
            needs: build
            strategy: {matrix: {where: '${{ fromJSON(needs.build.outputs.list) }}'}}
            uses: ./.github/workflows/ship.yml
            with: {version: '1', where: '${{ matrix.where }}'}
        """,
        called={"ship.yml": CALLED},
    )
    assert list(jobs) == ["build", "ship", "ship/deploy"]
    assert jobs["ship/deploy"].runs_on == ("${{ inputs.where }}",)
    assert jobs["ship/deploy"].skipped is None


@pytest.mark.parametrize("case", read_cases("conditions.toml"), ids=lambda case: str(case["name"]))
def test_a_condition_is_judged_as_if_all_that_runs_succeeds(case: dict[str, Any]) -> None:
    jobs = outline(case["workflow"], event=make_event(ref=case.get("ref", "refs/heads/main")))
    assert {key: job.skipped for key, job in jobs.items() if job.skipped is not None} == case["skipped"]


def test_the_values_of_a_condition_are_shown() -> None:
    jobs = outline(
        "jobs: {a: {runs-on: x, if: \"github.ref == 'x' && vars.ON || github.event.list[0]\", steps: [{run: a}]}}",
        variables={"ON": "yes"},
    )
    assert jobs["a"].values == {"github.ref": '"refs/heads/main"', "vars.ON": '"yes"', "github.event.list[0]": "null"}


def test_what_a_need_gives_is_not_shown_as_a_value() -> None:
    text = "jobs: {b: {runs-on: x, steps: [{run: a}]}, a: {needs: b, runs-on: x, if: needs.b.result == github.ref, steps: [{run: a}]}}"
    assert list(outline(text)["a"].values) == ["github.ref"]


def test_a_mistake_is_told_with_its_place() -> None:
    (job,) = outline("jobs: {a: {runs-on: '${{ github.nothing }}', steps: [{run: a}]}}").values()
    assert (job.expanded, job.key) == (False, "a")
    assert job.mistake is not None
    assert "label of a runner" in job.mistake.message


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_the_json_of_a_plan_has_the_shape_of_the_contract() -> None:
    made = plan_of_text(
        """
        name: CI
        run-name: r
        on: push
        concurrency: {group: g, queue: max}
        jobs:
          test:
            strategy: {matrix: {n: [3.10, 2], o: [{a: [1]}]}}
            runs-on: ubuntu-latest
            environment: prod
            if: github.ref != ''
            steps:
              - uses: actions/checkout@v4
              - id: build
                name: Build ${{ matrix.n }}
                run: |
                  make
                  make test
                if: always()
              - {run: server, background: true, id: server}
              - {wait: [server]}
              - {wait-all: true}
              - parallel: [{run: one}, {run: two}]
        """
    )
    encoded = encode_plan(made, outline_plan(made))
    jobs = encoded.pop("jobs")
    assert encoded == {
        "file": ".github/workflows/ci.yml",
        "name": "CI",
        "run_name": "r",
        "starts": True,
        "reason": None,
        "concurrency": {"group": "g", "cancel_in_progress": False, "queue": "max"},
    }
    steps = jobs[1].pop("steps")
    assert jobs[1] == {
        "id": "test",
        "key": "test (2, 1)",
        "name": "test (2, 1)",
        "needs": (),
        "matrix": {"n": 2, "o": {"a": [1]}},
        "expanded": True,
        "runs_on": ("ubuntu-latest",),
        "runner_group": None,
        "environment": "prod",
        "if": "github.ref != ''",
        "skipped": None,
        "error": None,
        "uses": None,
    }
    assert jobs[0]["matrix"]["n"] == 3.1
    assert [(step["kind"], step["name"]) for step in steps] == [
        ("uses", "Run actions/checkout@v4"),
        ("run", "Build ${{ matrix.n }}"),
        ("run", "Run server"),
        ("wait", "Wait for server"),
        ("wait", "Wait for all background steps"),
        ("parallel", "Run in parallel"),
    ]
    assert (steps[1]["id"], steps[1]["if"], steps[1]["run"]) == ("build", "always()", "make\nmake test\n")
    assert (steps[0]["uses"], steps[0]["if"]) == ("actions/checkout@v4", None)
    assert steps[2]["background"] is True
    assert [step["run"] for step in steps[5]["steps"]] == ["one", "two"]


def test_the_json_of_what_does_not_start_says_why() -> None:
    assert encode_not_started(NotStarted("ci.yml", "CI", "because")) == {
        "file": "ci.yml",
        "name": "CI",
        "run_name": None,
        "starts": False,
        "reason": "because",
        "concurrency": None,
        "jobs": [],
    }


# --- comparing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", read_cases("differences.toml"), ids=lambda case: str(case["name"]))
def test_an_edit_is_told_by_what_it_changes(case: dict[str, Any]) -> None:
    before, after = outcome_of(case["before"]), outcome_of(case["after"])
    assert not isinstance(before, list)
    assert not isinstance(after, list)
    differences = compare_outcomes("ci.yml", before, after)  # type: ignore[arg-type]
    assert [f"{one.kind}: {one.message}" for one in differences] == case["changes"]


def test_a_workflow_comes_and_goes() -> None:
    made = plan_of_text("on: push")
    assert [one.kind for one in compare_outcomes("ci.yml", None, made)] == ["workflow_added"]
    assert [one.kind for one in compare_outcomes("ci.yml", made, None)] == ["workflow_dropped"]
    assert compare_outcomes("ci.yml", None, None) == []

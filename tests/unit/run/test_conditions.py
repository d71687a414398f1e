"""What the `if` of a job sees of the jobs before it.

Source: GitHub docs, "Evaluate expressions: Status check functions"; the table of TWiStErRob/net.twisterrob.ghlint#814 for skipped
needs; actions/runner#491.
"""

import pytest

from homeport.run.facts import Conclusion
from tests.support.simulation import Act, World
from tests.support.workflows import GITHUB, plan_of_text

RESULTS: tuple[Conclusion, ...] = ("success", "failure", "cancelled", "skipped")

# how the job's need ended: success, failure, cancelled (ran out of time), skipped
TABLE = {
    "": "run skip skip skip",
    "true": "run skip skip skip",
    "success()": "run skip skip skip",
    "failure()": "skip run skip skip",
    "cancelled()": "skip skip skip skip",
    "always()": "run run run run",
    "!success()": "skip run run run",
    "!failure()": "run skip run run",
    "!cancelled()": "run run run run",
    "success() || failure()": "run run skip skip",
    "github.ref == 'refs/heads/main'": "run skip skip skip",
    "github.ref == 'refs/heads/other'": "skip skip skip skip",
    "needs.first.result == 'failure'": "skip skip skip skip",
    "always() && needs.first.result == 'failure'": "skip run skip skip",
    "always() && needs.first.result == 'skipped'": "skip skip skip run",
    "${{ failure() && contains(github.ref, 'main') }}": "skip run skip skip",
    "${{ ALWAYS() }}": "run run run run",
    "success('FIRST')": "run skip skip skip",
    "failure('first')": "skip run skip skip",
    "false && always()": "skip skip skip skip",
}


@pytest.mark.parametrize("condition", TABLE)
def test_a_condition_holds_as_in_the_table(condition: str) -> None:
    expected = TABLE[condition].split()
    actual = ["run" if _runs_after(result, condition) else "skip" for result in RESULTS]
    assert dict(zip(RESULTS, actual, strict=True)) == dict(zip(RESULTS, expected, strict=True))


def _runs_after(result: Conclusion, condition: str) -> bool:
    when = f'if: "{condition}", ' if condition else ""
    skip = "if: false, " if result == "skipped" else ""
    world = World()
    plan = plan_of_text(f"""
        jobs:
          first: {{{skip}runs-on: x, steps: [run: "true"]}}
          second: {{{when}needs: first, runs-on: x, steps: [run: "true"]}}
    """)
    world.start(plan, {"first": Act(outcome=result)}, github=GITHUB)
    world.run()
    return world.conclusions()["second"] == "success"


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("failure", "'first', which it needs, failed"),
        ("cancelled", "'first', which it needs, was cancelled"),
        ("skipped", "'first', which it needs, was skipped"),
    ],
)
def test_a_skipped_job_says_which_need_is_to_blame(result: Conclusion, reason: str) -> None:
    world = World()
    world.start(
        plan_of_text("""
            jobs:
              first: {if: "github.run_id != 'skip'", runs-on: x, steps: [run: "true"]}
              second: {needs: first, if: github.ref != '', runs-on: x, steps: [run: "true"]}
        """),
        {"first": Act(outcome=result)},
        github={**GITHUB, "run_id": "skip" if result == "skipped" else "1"},
    )
    world.run()
    assert world.ending("second").reason == reason


def test_only_direct_needs_are_in_the_context() -> None:
    world = World()
    world.start(
        plan_of_text("""
            jobs:
              a: {runs-on: x, steps: [run: "true"]}
              b: {needs: a, runs-on: x, steps: [run: "true"]}
              c: {needs: b, if: "toJSON(needs.a) == 'null' && needs.B.result == 'success'", runs-on: x, steps: [run: "true"]}
        """),
        github=GITHUB,
    )
    world.run()
    assert world.conclusions()["c"] == "success"


def test_an_expression_that_fails_is_annotated_at_its_place() -> None:
    world = World()
    world.start(
        plan_of_text(
            "on: push\njobs:\n  a:\n    if: github.ref && fromJSON('{')\n    runs-on: x\n    steps: [run: 'true']\n"
        ),
        github=GITHUB,
    )
    world.run()
    (annotation,) = world.annotations()
    assert (annotation.file, annotation.line, annotation.column) == (".github/workflows/ci.yml", 4, 23)
    assert (annotation.job, annotation.step, annotation.severity) == ("a", None, "error")
    assert annotation.message in (world.ending("a").reason or "")

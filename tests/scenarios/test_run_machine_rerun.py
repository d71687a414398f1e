"""Further attempts at a run, over the pure machine.

Source: GitHub docs, "Re-running workflows and jobs": the same sha, ref and payload; failed jobs with their dependants; one job with
its dependants.
"""

import pytest

from homeport.run.facts import JobStarted, ResumePoint, RunQueued
from homeport.run.rerun import FromStep, OneJob, RerunError, rerun_facts, rerun_state
from homeport.run.transition import initial_state
from tests.support.simulation import START, Act, World
from tests.support.workflows import GITHUB, plan_of_text

PIPELINE = """
    jobs:
      list: {runs-on: ubuntu-latest, outputs: {versions: "x"}, steps: [run: "true"]}
      test:
        needs: list
        strategy: {fail-fast: false, matrix: {v: "${{ fromJSON(needs.list.outputs.versions) }}"}}
        runs-on: ubuntu-latest
        outputs: {a: "x", b: "x"}
        steps: [run: "true"]
      docs: {runs-on: ubuntu-latest, steps: [run: "true"]}
      publish: {needs: [test, docs], runs-on: ubuntu-latest, steps: [run: "true"]}
      report:
        needs: [publish, test]
        if: always() && needs.test.outputs.a == 'one' && needs.test.outputs.b == 'two'
        runs-on: ubuntu-latest
        steps: [run: "true"]
"""
SCRIPT = {
    "list": Act(outputs={"versions": '["1", "2", "3"]'}),
    "test (1)": Act(outputs={"a": "one", "b": ""}),
    "test (2)": Act(outputs={"a": "", "b": "two"}),
}


def _run(text: str, script: dict[str, Act], called: dict[str, str] | None = None) -> World:
    world = World()
    world.start(plan_of_text(text, called), script, github=GITHUB)
    world.run()
    return world


def _started_again(world: World) -> list[str]:
    return [fact.job for fact in world.facts() if isinstance(fact, JobStarted)]


def test_what_failed_runs_again_with_its_dependants_and_the_rest_is_kept() -> None:
    world = _run(PIPELINE, {**SCRIPT, "test (2)": Act(outcome="failure")})
    assert world.conclusion() == "failure"
    assert world.conclusions()["publish"] == "skipped"
    world.rerun("failed", SCRIPT)
    world.run()
    assert _started_again(world) == ["test (2)", "publish", "report"]
    assert world.kept() == {"list": "success", "docs": "success", "test (1)": "success", "test (3)": "success"}
    assert world.conclusion() == "success"
    assert {key: job.attempt for key, job in world.runs["1"].state.jobs.items()} == {
        "list": 1,
        "test (1)": 1,
        "test (2)": 2,
        "test (3)": 1,
        "docs": 1,
        "publish": 2,
        "report": 2,
    }


def test_outputs_of_kept_jobs_are_there_for_those_that_run_again() -> None:
    world = _run(PIPELINE, {**SCRIPT, "report": Act(outcome="failure")})
    world.rerun("failed", SCRIPT)
    world.run()
    assert _started_again(world) == ["report"]
    assert world.conclusion() == "success"


def test_kept_legs_stand_in_their_own_order_and_the_last_to_end_wins_an_output() -> None:
    script = {
        **SCRIPT,
        "test (1)": Act(seconds=30, outputs={"a": "one", "b": "late"}),
        "test (2)": Act(seconds=20, outputs={"a": "other", "b": ""}),
        "test (3)": Act(seconds=5, outputs={"a": "", "b": "two"}),
        "docs": Act(outcome="failure"),
    }
    world = _run(PIPELINE, script)
    world.rerun("failed", script)
    assert list(world.kept()) == ["list", "test (1)", "test (2)", "test (3)"]
    family = world.runs["1"].state.families["test"]
    assert family.outputs == {"a": "one", "b": "late"}


def test_one_leg_runs_again_with_what_depends_on_its_job() -> None:
    world = _run(PIPELINE, SCRIPT)
    world.rerun(OneJob("test (3)"), {**SCRIPT, "test (3)": Act(outcome="failure")})
    world.run()
    assert _started_again(world) == ["test (3)", "report"]
    assert world.conclusions() == {"test (3)": "failure", "publish": "skipped", "report": "success"}
    assert world.conclusion() == "failure"


def test_a_job_is_named_with_all_of_its_legs_by_its_key_without_values() -> None:
    world = _run(PIPELINE, SCRIPT)
    world.rerun(OneJob("test"), SCRIPT)
    world.run()
    assert _started_again(world) == ["test (1)", "test (2)", "test (3)", "publish", "report"]


def test_all_jobs_run_again_and_nothing_is_kept() -> None:
    world = _run(PIPELINE, SCRIPT)
    world.rerun("all", SCRIPT)
    world.run()
    assert world.kept() == {}
    assert len(_started_again(world)) == 7


def test_a_third_attempt_keeps_what_the_first_did_and_the_second_kept() -> None:
    world = _run(PIPELINE, {**SCRIPT, "test (2)": Act(outcome="failure")})
    world.rerun("failed", {**SCRIPT, "publish": Act(outcome="failure")})
    world.run()
    world.rerun("failed", SCRIPT)
    world.run()
    assert _started_again(world) == ["publish", "report"]
    state = world.runs["1"].state
    assert (state.attempt, state.jobs["list"].attempt, state.jobs["test (2)"].attempt) == (3, 1, 2)
    assert state.conclusion == "success"


CALLS = """
    jobs:
      ship:
        strategy: {fail-fast: false, matrix: {to: [eu, us]}}
        uses: ./.github/workflows/ship.yml
      after: {needs: ship, runs-on: ubuntu-latest, steps: [run: "true"]}
"""
SHIP = {
    "ship.yml": """
        on: {workflow_call: {outputs: {x: {value: "${{ jobs.pack.outputs.x }}"}}}}
        jobs:
          pack: {runs-on: ubuntu-latest, outputs: {x: "x"}, steps: [run: "true"]}
          push: {needs: pack, if: needs.pack.outputs.x == '1', runs-on: ubuntu-latest, steps: [run: "true"]}
    """
}
SHIP_SCRIPT = {"ship/pack": Act(outputs={"x": "1"})}


def test_a_call_in_which_something_failed_is_opened_again_and_keeps_what_went_well() -> None:
    world = _run(CALLS, {**SHIP_SCRIPT, "ship (us)/push": Act(outcome="failure")}, SHIP)
    world.rerun("failed", SHIP_SCRIPT)
    world.run()
    assert _started_again(world) == ["ship (us)", "ship (us)/push", "after"]
    assert sorted(world.kept()) == ["ship (eu)", "ship (eu)/pack", "ship (eu)/push", "ship (us)/pack"]
    assert world.conclusion() == "success"


def test_one_job_in_a_call_that_was_kept_runs_again() -> None:
    world = _run(CALLS, SHIP_SCRIPT, SHIP)
    world.rerun(OneJob("after"), SHIP_SCRIPT)
    world.run()
    assert _started_again(world) == ["after"]
    world.rerun(OneJob("ship (eu)/pack"), SHIP_SCRIPT)
    world.run()
    assert _started_again(world) == ["ship (eu)", "ship (eu)/pack", "ship (eu)/push", "after"]


def test_a_call_that_is_asked_for_runs_again_as_a_whole() -> None:
    world = _run(CALLS, SHIP_SCRIPT, SHIP)
    world.rerun(OneJob("ship (eu)"), SHIP_SCRIPT)
    world.run()
    assert _started_again(world) == ["ship (eu)", "ship (eu)/pack", "ship (eu)/push", "after"]


def test_cancelled_jobs_count_as_failed() -> None:
    world = World()
    world.start(plan_of_text(PIPELINE), SCRIPT, github=GITHUB)
    world.at(15, world.cancel)
    world.run()
    world.rerun("failed", SCRIPT)
    world.run()
    assert list(world.kept()) == ["list", "docs"]
    assert world.conclusion() == "success"


def test_a_failure_that_the_job_was_forgiven_counts_as_failed() -> None:
    text = (
        'jobs: {a: {continue-on-error: true, runs-on: x, steps: [run: "true"]}, b: {runs-on: x, steps: [run: "true"]}}'
    )
    world = _run(text, {"a": Act(outcome="failure")})
    assert world.conclusion() == "success"
    world.rerun("failed")
    world.run()
    assert _started_again(world) == ["a"]


def test_an_attempt_that_is_cancelled_before_it_starts_leaves_alone_what_it_keeps() -> None:
    text = "concurrency: ci\n" + 'jobs: {a: {runs-on: x, steps: [run: "true"]}, b: {runs-on: x, steps: [run: "true"]}}'
    world = _run(text, {"a": Act(outcome="failure")})
    world.at(20, lambda: world.start(plan_of_text(text), run="other", github=GITHUB))
    world.at(21, lambda: world.rerun("failed"))
    world.at(22, world.cancel)
    world.run()
    assert world.conclusions() == {"a": "cancelled"}
    assert world.kept() == {"b": "success"}
    assert world.conclusion() == "cancelled"


def test_the_new_attempt_has_the_same_event_and_says_who_asked_for_it() -> None:
    world = _run(PIPELINE, SCRIPT)
    previous = world.runs["1"].state
    state = rerun_state(previous, "all", START, triggered_by="hubot")
    assert state.plan == previous.plan
    assert (state.id, state.number, state.attempt) == (previous.id, previous.number, 2)
    assert state.github == {**GITHUB, "run_attempt": "2", "triggering_actor": "hubot"}
    (queued,) = rerun_facts(previous, "all", START)
    assert isinstance(queued, RunQueued)
    assert queued.attempt == 2


def test_what_cannot_run_again_is_refused_in_words() -> None:
    world = _run(PIPELINE, SCRIPT)
    done = world.runs["1"].state
    with pytest.raises(RerunError, match="no job of this run failed"):
        rerun_facts(done, "failed", START)
    with pytest.raises(RerunError, match="no job 'nowhere'"):
        rerun_facts(done, OneJob("nowhere"), START)
    with pytest.raises(RerunError, match="not completed"):
        rerun_facts(initial_state("1", done.plan), "all", START)


def test_the_rest_of_a_job_takes_its_dependants_with_it_and_says_where_it_goes_on() -> None:
    world = _run(PIPELINE, {**SCRIPT, "test (2)": Act(outcome="failure")})
    world.rerun(FromStep("test (2)", 3), SCRIPT)
    state = world.runs["1"].state
    assert state.resumed == {"test (2)": ResumePoint(attempt=1, step=3)}
    world.run()
    assert _started_again(world) == ["test (2)", "publish", "report"]
    assert world.conclusion() == "success"


def test_only_a_leg_that_failed_in_a_step_of_its_own_can_be_gone_on_with() -> None:
    world = _run(PIPELINE, {**SCRIPT, "test (2)": Act(outcome="failure")})
    previous = world.runs["1"].state
    for key in ("test (1)", "test", "publish", "nothing"):
        with pytest.raises(RerunError):
            rerun_facts(previous, FromStep(key, 1), START)

"""Runs whose process died."""

import msgspec
import pytest

from homeport.coordinator.journal import recall
from homeport.coordinator.loss import LOSS
from homeport.coordinator.sweep import conclude_lost
from homeport.run.facts import JobFinished, RunFinished, StepFinished, StepStarted
from tests.support.coordination import World
from tests.support.plans import NOW, plan_of, record_of, written_job


@pytest.fixture
def world() -> World:
    return World()


def test_nothing_is_done_where_nothing_was_lost(world: World) -> None:
    bench = world.process()
    run = bench.submit(plan_of())
    assert conclude_lost(world.stores, world.clock) == ()
    assert world.runs.ending(run) is None


def test_a_lost_run_is_concluded_and_says_why(world: World) -> None:
    bench = world.process()
    plan = plan_of(written_job("build"), written_job("lint"), written_job("clean", "build", when="always()"))
    run = bench.submit(plan)
    lease = bench.start("build")
    bench.report(lease, StepStarted(at=NOW, run=run, job="build", step="__run", number=1, name="x"))
    world.runs.abandon(run, 1)

    assert list(conclude_lost(world.stores, world.clock)) == [run]

    facts = list(world.runs.facts(run))
    jobs = {fact.job: (fact.conclusion, fact.reason) for fact in facts if isinstance(fact, JobFinished)}
    assert jobs["build"] == ("failure", LOSS)
    assert jobs["lint"] == ("cancelled", LOSS)
    assert jobs["clean"][0] == "cancelled"
    assert [fact.conclusion for fact in facts if isinstance(fact, StepFinished)] == ["cancelled"]
    ending = facts[-1]
    assert isinstance(ending, RunFinished)
    assert ending.conclusion == "failure"
    assert not world.runs.is_open(run)
    assert conclude_lost(world.stores, world.clock) == ()


def test_a_lost_run_can_be_run_again(world: World) -> None:
    bench = world.process()
    run = bench.submit(plan_of())
    bench.start("build")
    world.runs.abandon(run, 1)
    conclude_lost(world.stores, world.clock)
    recalled = recall(world.runs, run)
    assert recalled is not None
    again = world.process()
    again.coordinator.resubmit(recalled[1], record_of(run, attempt=2), "failed")
    again.finish("build")
    assert again.coordinator.conclusions == {run: "success"}


def test_a_run_that_died_before_its_first_fact_is_closed(world: World) -> None:
    run = world.runs.new_id()
    world.runs.create(record_of(run), plan_of())
    world.runs.abandon(run, 1)
    conclude_lost(world.stores, world.clock)
    assert not world.runs.is_open(run)
    assert list(world.runs.facts(run)) == []


def test_a_run_that_died_on_the_verge_of_its_end_is_ended(world: World) -> None:
    bench = world.process()
    run = bench.submit(plan_of())
    bench.start("build")
    bench.coordinator.cancel(run, "ann", "now", force=True)
    bench.finish("build", "cancelled")
    facts = list(world.runs.facts(run))
    assert isinstance(facts.pop(), RunFinished)
    lost = world.runs.new_id()  # the same journal without its last fact, as another run
    world.runs.create(record_of(lost), plan_of())
    renamed = [msgspec.structs.replace(fact, run=lost) for fact in facts]
    world.runs.append(lost, 1, renamed)
    world.runs.abandon(lost, 1)
    assert list(conclude_lost(world.stores, world.clock)) == [lost]
    ending = world.runs.ending(lost)
    assert ending is not None
    assert ending.conclusion == "cancelled"
    assert not world.runs.is_open(lost)


def test_a_journal_that_makes_no_sense_is_given_up_instead_of_stumbled_over_for_ever(world: World) -> None:
    run = world.runs.new_id()
    world.runs.create(record_of(run), plan_of())
    world.runs.append(
        run,
        1,
        [
            JobFinished(
                at=NOW,
                run=run,
                job="none",
                job_id="none",
                name="none",
                matrix=None,
                conclusion="success",
                outcome="success",
            )
        ],
    )
    world.runs.abandon(run, 1)
    conclude_lost(world.stores, world.clock)
    assert conclude_lost(world.stores, world.clock) == ()
    assert not world.runs.is_open(run)

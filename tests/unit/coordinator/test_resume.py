"""A run goes on in another process where the first one left it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.coordinator.journal import recall
from homeport.plan.model import Plan
from homeport.run.facts import ConcurrencyGranted, JobQueued, RunFinished
from tests.support.coordination import Bench, World
from tests.support.plans import plan_of, written_job
from tests.unit.coordinator.test_coordinator import CHAIN, grouped


@pytest.fixture
def world() -> World:
    return World()


def restart(bench: Bench) -> Bench:
    """The process ends, and another one takes over what it left."""
    world = bench.world
    for run in bench.coordinator.open_runs:
        state = bench.coordinator.find_run(run)
        assert state is not None
        world.runs.abandon(run, state.attempt)
    other = world.process()
    heard = dict(bench._sequences)
    other._sequences.update(heard)
    for record in world.runs.adopt():
        recalled = recall(world.runs, record.id, record.attempt)
        assert recalled is not None
        other.coordinator.resume(record, recalled[1], heard)
    return other


def test_a_running_job_is_offered_again_under_its_lease_and_can_end(world: World) -> None:
    first = world.process()
    run = first.submit(CHAIN)
    lease = first.start("build")
    second = restart(first)
    assert second.lease("build") == lease
    second.finish("build")
    second.finish("lint")
    second.finish("test")
    assert second.coordinator.conclusions == {run: "success"}
    assert len([fact for fact in world.runs.facts(run) if isinstance(fact, JobQueued)]) == 3


def test_a_report_that_the_first_process_took_in_changes_nothing_in_the_second(world: World) -> None:
    first = world.process()
    run = first.submit(CHAIN)
    lease = first.start("build")
    second = restart(first)
    before = list(world.runs.facts(run))
    second.coordinator.handle(lease, 1, [])
    assert list(world.runs.facts(run)) == before


def test_a_job_that_was_told_to_stop_is_told_again(world: World) -> None:
    first = world.process()
    run = first.submit(CHAIN)
    lease = first.start("build")
    first.coordinator.cancel(run, "somebody", "no use")
    second = restart(first)
    assert (lease, "cancelled", False) in second.runners.stopped


def test_a_run_that_waited_for_a_group_gets_it_when_it_is_free(world: World) -> None:
    first = world.process()
    holder = first.submit(grouped(plan_of(written_job("build"))))
    waiting = first.submit(grouped(plan_of(written_job("build"))))
    second = restart(first)
    assert [fact for fact in second.of(ConcurrencyGranted) if fact.run == waiting] == []
    second.finish("build", run=holder)
    assert [fact.run for fact in second.of(ConcurrencyGranted)][-1] == waiting
    second.finish("build", run=waiting)
    assert second.coordinator.conclusions == {holder: "success", waiting: "success"}


@given(kills=st.sets(st.integers(min_value=0, max_value=12)), is_grouped=st.booleans())
def test_however_often_the_process_dies_the_run_ends_as_it_would_have(kills: set[int], is_grouped: bool) -> None:
    plan: Plan = plan_of(written_job("a"), written_job("b", "a"), written_job("c", "a"), written_job("d", "b", "c"))
    bench = World().process()
    run = bench.submit(grouped(plan) if is_grouped else plan)
    for moment, (job, is_start) in enumerate([(job, begins) for job in "abcd" for begins in (True, False)]):
        if moment in kills:
            bench = restart(bench)
        if is_start:
            bench.start(job)
        else:
            bench.finish(job)
    facts = list(bench.world.runs.facts(run))
    assert [fact.conclusion for fact in facts if isinstance(fact, RunFinished)] == ["success"]
    assert [fact.job for fact in facts if isinstance(fact, JobQueued)] == ["a", "b", "c", "d"]

"""When a step has to stop, and how: on a clock that only moves when told."""

from collections.abc import Iterator

import pytest

from homeport.runner.stop import LONGEST_WAIT_SECONDS, JobStop, StepStop
from tests.support.jobs import StopFlag
from tests.support.plans import FixedClock


@pytest.fixture
def flag() -> Iterator[StopFlag]:
    flag = StopFlag()
    yield flag
    flag.close()


def job_of(flag: StopFlag, clock: FixedClock, *, timeout: float = 360.0, cleanup: float = 5.0) -> JobStop:
    return JobStop(flag, clock, timeout_minutes=timeout, cleanup_minutes=cleanup)


def step_of(job: JobStop, clock: FixedClock, *, may_go_on: bool = False) -> StepStop:
    return StepStop(job, clock, lambda: may_go_on)


def test_a_step_is_asked_then_told_then_ended(flag: StopFlag) -> None:
    """Interrupt, 7.5 s, terminate, 2.5 s, kill; each once."""
    clock = FixedClock()
    step = step_of(job_of(flag, clock), clock)
    assert step.find_signal() is None
    flag.stop()
    seen = []
    for _ in range(25):
        seen.append((clock.seconds, step.find_signal()))
        clock.advance(0.5)
    assert [entry for entry in seen if entry[1] is not None] == [(0.0, "interrupt"), (7.5, "terminate"), (10.0, "kill")]
    assert step.cause == "cancelled"


def test_a_step_that_wants_to_run_when_cancelled_goes_on_until_the_cleanup_time_is_over(flag: StopFlag) -> None:
    clock = FixedClock()
    step = step_of(job_of(flag, clock, cleanup=2), clock, may_go_on=True)
    flag.stop()
    assert step.find_signal() is None
    clock.advance(119)
    assert step.find_signal() is None
    clock.advance(1)
    assert step.find_signal() == "kill"
    assert step.cause == "cancelled"


def test_a_cleanup_step_that_begins_after_the_stop_is_not_stopped_by_it(flag: StopFlag) -> None:
    clock = FixedClock()
    job = job_of(flag, clock)
    flag.stop()
    assert job.is_requested
    assert step_of(job, clock).find_signal() is None


def test_a_forced_stop_ends_everything_at_once(flag: StopFlag) -> None:
    clock = FixedClock()
    job = job_of(flag, clock)
    step = step_of(job, clock, may_go_on=True)
    flag.stop()
    assert step.find_signal() is None
    flag.forced = True
    assert job.is_forced
    assert step.find_signal() == "kill"
    assert step.find_signal() is None


def test_a_step_has_its_own_time_in_fractions_too(flag: StopFlag) -> None:
    clock = FixedClock()
    step = step_of(job_of(flag, clock), clock)
    step.limit(0.6)
    clock.advance(0.5)
    assert step.find_signal() is None
    clock.advance(0.1)
    assert step.find_signal() == "interrupt"
    assert step.cause == "timed-out"


def test_a_job_that_runs_out_of_time_is_stopped_like_a_cancelled_one(flag: StopFlag) -> None:
    clock = FixedClock()
    job = job_of(flag, clock, timeout=0.5)
    step = step_of(job, clock)
    clock.advance(29.9)
    assert step.find_signal() is None
    clock.advance(0.1)
    assert step.find_signal() == "interrupt"
    assert job.is_timeout
    assert step.cause == "cancelled"


def test_waits_end_when_something_is_due(flag: StopFlag) -> None:
    clock = FixedClock()
    step = step_of(job_of(flag, clock, timeout=1), clock)
    assert step.wait_seconds == LONGEST_WAIT_SECONDS
    step.limit(0.1)
    assert step.wait_seconds == pytest.approx(0.1)
    clock.advance(5)
    assert step.wait_seconds == 0.0


def test_a_step_can_be_ended_from_another_thread(flag: StopFlag) -> None:
    clock = FixedClock()
    step = step_of(job_of(flag, clock), clock)
    step.make_cancellable()
    assert len(step.descriptors) == 2
    step.cancel()
    assert step.find_signal() == "interrupt"
    step.close()
    step.cancel()

"""What facts do to a run's state, and which are impossible."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from homeport.run.decide import decide, settle
from homeport.run.effects import OfferJob
from homeport.run.facts import (
    CancelRequested,
    ConcurrencyGranted,
    ConcurrencyReleased,
    ConcurrencyRequested,
    JobExpanded,
    JobFinished,
    JobPaused,
    JobQueued,
    JobResumed,
    JobsKept,
    JobSpared,
    JobStarted,
    JobStopRequested,
    LinesLogged,
    RunFact,
    RunFinished,
    RunQueued,
    RunStarted,
    StepStarted,
    VersionResolved,
)
from homeport.run.opening import queued_fact
from homeport.run.rerun import OneJob, rerun_state
from homeport.run.state import RunState
from homeport.run.transition import ImpossibleFactError, apply, initial_state
from tests.support.simulation import START
from tests.support.workflows import plan_of_text

PLAN = plan_of_text("""
    jobs:
      a: {runs-on: x, steps: [run: "true"]}
      b: {needs: a, runs-on: x, steps: [run: "true"]}
""")
AT = {"at": START, "run": "1"}


def _started(job: str, lease: str) -> JobStarted:
    return JobStarted(**AT, job=job, job_id=job, name=job, matrix=None, runner="r", lease=lease)  # type: ignore[arg-type]


def _finished(job: str) -> JobFinished:
    return JobFinished(**AT, job=job, job_id=job, name=job, matrix=None, conclusion="success", outcome="success")  # type: ignore[arg-type]


def _offered() -> tuple[RunState, str]:
    run = initial_state("1", PLAN)
    run, effects = settle(apply(run, queued_fact(run, START)), START)
    (lease,) = [effect.fact.lease for effect in effects if isinstance(effect, OfferJob)]
    return run, lease


def _running() -> RunState:
    run, lease = _offered()
    return apply(run, _started("a", lease))


def test_nothing_is_decided_before_the_run_is_queued() -> None:
    assert decide(initial_state("1", PLAN), START) == []


def test_a_run_starts_as_soon_as_it_is_queued() -> None:
    run, lease = _offered()
    assert run.status == "running"
    assert (run.jobs["a"].status, run.jobs["b"].status) == ("queued", "waiting")
    assert run.holds("a", lease)
    assert not run.holds("a", "another")
    assert not run.holds("b", "")


def test_every_lease_is_new() -> None:
    run = _running()
    run, effects = settle(apply(run, _finished("a")), START)
    leases = [effect.fact.lease for effect in effects if isinstance(effect, OfferJob)]
    assert leases == ["1.1.2"]
    assert not run.holds("a", "1.1.1")


def test_times_are_those_of_the_facts() -> None:
    run, lease = _offered()
    later = START + timedelta(seconds=7)
    run = apply(run, JobStarted(at=later, run="1", job="a", job_id="a", name="a", matrix=None, runner="r", lease=lease))
    assert (run.created_at, run.started_at, run.jobs["a"].started_at) == (START, START, later)


def test_what_the_state_does_not_keep_leaves_it_the_same_object() -> None:
    run = _running()
    assert apply(run, StepStarted(at=START, run="1", job="a", step="s", number=1, name="s")) is run
    assert apply(run, LinesLogged(at=START, run="1", job="a", step="s", text="x")) is run


def _found(name: str, version: str, detail: str = "upstream") -> VersionResolved:
    return VersionResolved(**AT, job="a", step=None, kind="action", name=name, version=version, detail=detail)  # type: ignore[arg-type]


def test_what_a_ref_first_stood_for_is_what_it_stands_for_in_the_whole_run() -> None:
    run = apply(_running(), _found("O/r/sub@v1", "1" * 40))
    assert run.resolved == {"o/r@v1": "1" * 40}
    assert apply(run, _found("o/r/other@v1", "2" * 40)) is run
    assert apply(run, _found("actions/checkout@v4", "native 1 (as v4)", "native")) is run
    assert apply(run, _found("./local", "")) is run


def test_commits_stay_when_a_part_runs_again_and_are_forgotten_when_everything_does() -> None:
    run = apply(_running(), _found("o/r@v1", "1" * 40))
    failed = JobFinished(**AT, job="a", job_id="a", name="a", matrix=None, conclusion="failure", outcome="failure")  # type: ignore[arg-type]
    run, _ = settle(apply(run, failed), START)
    assert run.status == "completed"
    assert rerun_state(run, "failed", START).resolved == {"o/r@v1": "1" * 40}
    assert rerun_state(run, OneJob("a"), START).resolved == {"o/r@v1": "1" * 40}
    assert rerun_state(run, "all", START).resolved == {}


def test_a_paused_job_says_before_which_step_it_waits() -> None:
    run = apply(_running(), JobPaused(at=START, run="1", job="a", step="s", number=3))
    assert run.jobs["a"].paused == 3
    assert apply(run, JobResumed(at=START, run="1", job="a", number=2)).jobs["a"].paused is None


def test_the_first_reason_to_stop_is_kept_and_force_can_be_added() -> None:
    run = apply(_running(), JobStopRequested(at=START, run="1", job="a", reason="superseded"))
    again = apply(run, JobStopRequested(at=START, run="1", job="a", reason="cancelled"))
    assert again is run
    forced = apply(run, JobStopRequested(at=START, run="1", job="a", reason="cancelled", force=True))
    assert (forced.jobs["a"].stop, forced.jobs["a"].forced) == ("superseded", True)


def test_a_stop_that_crosses_the_start_of_its_job_stops_the_running_job() -> None:
    run, lease = _offered()
    run = apply(run, JobStopRequested(at=START, run="1", job="a", reason="superseded"))
    run = apply(run, _started("a", lease))
    assert (run.jobs["a"].status, run.jobs["a"].stop) == ("running", "superseded")
    assert decide(run, START) == []


def _impossible() -> dict[str, tuple[Callable[[], RunState], RunFact, str]]:
    def fresh() -> RunState:
        return initial_state("1", PLAN)

    def queued() -> RunState:
        return apply(fresh(), queued_fact(fresh(), START))

    def offered() -> RunState:
        return _offered()[0]

    def cancelled() -> RunState:
        return apply(queued(), CancelRequested(at=START, run="1", by="x", reason="y"))

    def done() -> RunState:
        run = settle(cancelled(), START)[0]
        assert run.status == "completed"
        return run

    return {
        "another run's": (fresh, RunStarted(at=START, run="2"), "this is run 1"),
        "queued twice": (queued, queued_fact(fresh(), START), "queued before"),
        "another attempt's": (fresh, queued_fact(fresh(), START, attempt=2), "another attempt's"),
        "started before it was queued": (fresh, RunStarted(at=START, run="1"), "the run is queued"),
        "started after it was cancelled": (cancelled, RunStarted(at=START, run="1"), "cancelled"),
        "after its end": (done, CancelRequested(at=START, run="1", by="x", reason="y"), "completed"),
        "finished with open jobs": (
            offered,
            RunFinished(at=START, run="1", workflow="w", conclusion="success"),
            "jobs are open",
        ),
        "kept too late": (offered, JobsKept(at=START, run="1", jobs=()), "only a queued run"),
        "an unknown job": (offered, _finished("x"), "no job x"),
        "an unknown job's step": (
            offered,
            StepStarted(at=START, run="1", job="x", step="s", number=1, name="s"),
            "no job x",
        ),
        "a step of a job that does not run": (
            offered,
            StepStarted(at=START, run="1", job="a", step="s", number=1, name="s"),
            "a is queued",
        ),
        "expanded twice": (offered, JobExpanded(at=START, run="1", job="a", legs=()), "a is expanded"),
        "expanded before its needs": (offered, JobExpanded(at=START, run="1", job="b", legs=()), "needs are not done"),
        "offered twice": (offered, JobQueued(at=START, run="1", job="a", lease="2"), "a is queued"),
        "started under another lease": (offered, _started("a", "other"), "lease"),
        "started twice": (_running, _started("a", "1.1.1"), "a is running"),
        "started before it was offered": (offered, _started("b", "1"), "b is waiting"),
        "spared before it was expanded": (
            offered,
            JobSpared(at=START, run="1", job="b", reason=""),
            "b is waiting",
        ),
        "paused while it does not run": (
            offered,
            JobPaused(at=START, run="1", job="a", step="s", number=1),
            "a is queued",
        ),
        "stopped before it was expanded": (
            offered,
            JobStopRequested(at=START, run="1", job="b", reason="cancelled"),
            "b is waiting",
        ),
        "granted without being asked for": (
            queued,
            ConcurrencyGranted(at=START, run="1", job=None, group="g"),
            "claim of group g is none",
        ),
        "a group for an unknown job": (
            offered,
            ConcurrencyRequested(at=START, run="1", job="x", group="g"),
            "no job x",
        ),
        "released twice": (
            offered,
            ConcurrencyReleased(at=START, run="1", job="a", group="g"),
            "claim of group g is none",
        ),
        "a group for a job that runs": (
            _running,
            ConcurrencyRequested(at=START, run="1", job="a", group="g"),
            "a is running",
        ),
    }


@pytest.mark.parametrize("case", _impossible())
def test_an_impossible_fact_is_refused(case: str) -> None:
    make, fact, why = _impossible()[case]
    with pytest.raises(ImpossibleFactError, match=why):
        apply(make(), fact)


def test_the_first_fact_says_what_runs() -> None:
    run = initial_state("1", PLAN, number=7)
    fact = queued_fact(run, START)
    assert isinstance(fact, RunQueued)
    assert (fact.workflow, fact.name, fact.event, fact.number, fact.attempt) == (
        ".github/workflows/ci.yml",
        ".github/workflows/ci.yml",
        "push",
        7,
        1,
    )


def test_a_group_that_is_granted_as_the_run_is_cancelled_starts_nothing() -> None:
    plan = plan_of_text('jobs: {a: {concurrency: g, runs-on: x, steps: [run: "true"]}}')
    run = initial_state("1", plan)
    run, _ = settle(apply(run, queued_fact(run, START)), START)
    run = apply(run, ConcurrencyGranted(at=START, run="1", job="a", group="g"))
    run = apply(run, CancelRequested(at=START, run="1", by="x", reason="y"))
    run, effects = settle(run, START)
    assert [type(effect.fact).__name__ for effect in effects] == ["JobFinished", "ConcurrencyReleased", "RunFinished"]
    assert run.conclusion == "cancelled"

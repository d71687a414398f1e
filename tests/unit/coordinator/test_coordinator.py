"""The write path: what is remembered, in which order, and what follows from it."""

import msgspec
import pytest

from homeport.coordinator.arrival import ReportError
from homeport.coordinator.journal import recall
from homeport.coordinator.surroundings import GrantError, JobGrant, Policy
from homeport.plan.model import ConcurrencyClaim, Leg, Plan
from homeport.ports.control import CancelRun, RetryJob
from homeport.run.facts import (
    AnnotationRaised,
    CancelRequested,
    ConcurrencyGranted,
    ConcurrencyWaiting,
    Fact,
    JobFinished,
    JobPaused,
    JobQueued,
    LinesLogged,
    RunFinished,
    RunQueued,
    StepFinished,
    StepStarted,
)
from homeport.run.rerun import OneJob, RerunError, Selection
from homeport.run.state import RunState
from tests.support.coordination import LABELS, Bench, World
from tests.support.plans import NOW, plan_of, record_of, written_job


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def bench(world: World) -> Bench:
    return world.process()


def grouped(plan: Plan, group: str = "deploy", *, cancel: bool = False) -> Plan:
    return msgspec.structs.replace(plan, concurrency=ConcurrencyClaim(group, cancel_in_progress=cancel))


CHAIN = plan_of(written_job("build"), written_job("test", "build"), written_job("lint"))


# --- the path ---------------------------------------------------------------------------------------------------------


def test_a_run_goes_from_submission_to_its_conclusion(bench: Bench) -> None:
    run = bench.submit(CHAIN)
    assert bench.offers() == ["build", "lint"]
    bench.finish("build")
    assert bench.offers() == ["build", "lint", "test"]
    bench.finish("lint")
    bench.finish("test")
    assert bench.coordinator.conclusions == {run: "success"}
    assert bench.coordinator.open_runs == ()


def test_what_is_broadcast_is_what_the_journal_holds_in_the_same_order(bench: Bench, world: World) -> None:
    run = bench.submit(CHAIN)
    for job in ("build", "lint", "test"):
        bench.finish(job)
    assert list(world.runs.facts(run)) == bench.facts
    assert isinstance(bench.facts[0], RunQueued)
    assert isinstance(bench.facts[-1], RunFinished)


def test_a_fact_is_in_the_journal_before_anybody_is_told(world: World) -> None:
    told_early: list[Fact] = []

    def check(fact: Fact) -> None:
        if fact not in list(world.runs.facts("1")):
            told_early.append(fact)

    bench = world.process(watch=check)
    bench.submit(CHAIN)
    for job in ("build", "lint", "test"):
        bench.finish(job)
    assert world.runs.ending("1") is not None
    assert told_early == []


def test_a_closed_run_is_closed_in_the_store_too(bench: Bench, world: World) -> None:
    run = bench.submit(plan_of())
    assert world.runs.is_open(run)
    assert world.controls.send(run, CancelRun(by="ann", reason="x"))
    bench.finish("build")
    assert not world.runs.is_open(run)
    assert not world.controls.send(run, CancelRun(by="ann", reason="x"))


def test_several_runs_are_carried_out_at_once(bench: Bench) -> None:
    one, two = bench.submit(plan_of()), bench.submit(plan_of())
    assert set(bench.coordinator.open_runs) == {one, two}
    bench.finish("build", "failure", run=one)
    bench.finish("build", "success", run=two)
    assert bench.coordinator.conclusions == {one: "failure", two: "success"}


def test_the_order_of_a_job_holds_its_contexts(bench: Bench) -> None:
    run = bench.submit(CHAIN)
    bench.finish("build")
    order = bench.runners.offered[bench.lease("test")]
    assert order.run == run
    assert order.github["job"] == "test"
    assert order.github["run_id"] == run
    assert order.needs == {"build": {"result": "success", "outputs": {}}}
    assert order.check_run_id > 0


# --- reports ----------------------------------------------------------------------------------------------------------


def line(run: str, text: str) -> LinesLogged:
    return LinesLogged(at=NOW, run=run, job="build", step="__run", text=text)


def test_a_repeated_report_is_dropped(bench: Bench, world: World) -> None:
    run = bench.submit(plan_of())
    lease = bench.start("build")
    for _ in range(2):
        bench.coordinator.handle(lease, 2, [line(run, "once")])
    assert [stored.text for stored in world.logs.read(run, 1, "build")] == ["once"]
    assert len(bench.of(LinesLogged)) == 1


def test_a_gap_between_reports_is_a_fault(bench: Bench) -> None:
    run = bench.submit(plan_of())
    lease = bench.start("build")
    with pytest.raises(ReportError):
        bench.coordinator.handle(lease, 3, [line(run, "x")])


def test_a_runner_may_only_speak_of_its_own_job(bench: Bench) -> None:
    one, two = bench.submit(plan_of()), bench.submit(plan_of())
    lease = bench.start("build", one)
    with pytest.raises(ReportError):
        bench.coordinator.handle(lease, 2, [line(two, "x")])


def test_lines_go_to_the_log_store_and_not_to_the_journal(bench: Bench, world: World) -> None:
    run = bench.submit(plan_of())
    bench.report(bench.start("build"), line(run, "hello\nworld"))
    assert [stored.text for stored in world.logs.read(run, 1, "build")] == ["hello", "world"]
    assert not any(isinstance(fact, LinesLogged) for fact in world.runs.facts(run))
    assert [fact.text for fact in bench.of(LinesLogged)] == ["hello\nworld"]


def test_what_comes_under_a_closed_lease_is_dropped(bench: Bench) -> None:
    run = bench.submit(CHAIN)
    lease = bench.start("build")
    bench.finish("build")
    count = len(bench.facts)
    bench.coordinator.handle(lease, 9, [line(run, "late")])
    assert len(bench.facts) == count


def test_secrets_are_masked_again_on_arrival(world: World) -> None:
    secrets = {"TOKEN": "hunter22", "KEY": "-----BEGIN-----\nabcdefgh\n}\n"}
    bench = world.process(Policy(labels=LABELS, secrets=secrets))
    run = bench.submit(plan_of())
    lease = bench.start("build")
    assert bench.runners.secrets[lease] == secrets
    bench.report(
        lease,
        StepStarted(at=NOW, run=run, job="build", step="__run", number=1, name="x"),
        line(run, "say hunter22 and abcdefgh but }"),
        AnnotationRaised(at=NOW, run=run, job="build", step="__run", severity="error", message="bad hunter22"),
        StepFinished(
            at=NOW,
            run=run,
            job="build",
            step="__run",
            number=1,
            name="x",
            outcome="success",
            conclusion="success",
            outputs={"a": "hunter22", "b": "fine"},
        ),
    )
    assert [stored.text for stored in world.logs.read(run, 1, "build")] == ["say *** and *** but }"]
    assert bench.of(AnnotationRaised)[0].message == "bad ***"
    assert bench.of(StepFinished)[0].outputs == {"a": "***", "b": "fine"}
    assert "hunter22" not in repr(list(world.runs.facts(run)))


def test_a_flood_of_lines_is_masked_on_arrival_too(world: World) -> None:
    bench = world.process(Policy(labels=LABELS, secrets={"TOKEN": "hunter22", "NAME": "Müller"}))
    run = bench.submit(plan_of())
    lease = bench.start("build")
    flood = "nothing to hide\n" * 2000
    bench.report(lease, StepStarted(at=NOW, run=run, job="build", step="__run", number=1, name="x"))
    bench.report(lease, line(run, flood + "hunter22 and Müller"), line(run, flood + "é"))
    texts = [stored.text for stored in world.logs.read(run, 1, "build")]
    assert texts[2000] == "*** and ***"
    assert (set(texts) - {texts[2000]}, texts[-1]) == ({"nothing to hide", "é"}, "é")


# --- runners that are not there ---------------------------------------------------------------------------------------

ELSEWHERE = plan_of(written_job("build", runs_on="windows-latest"), written_job("test", "build"))


def test_a_job_without_a_runner_fails_at_once_with_the_reason_at_its_place(bench: Bench) -> None:
    run = bench.submit(ELSEWHERE)
    assert bench.offers() == []
    assert bench.coordinator.conclusions == {run: "failure"}
    build, test = bench.of(JobFinished)
    assert (build.conclusion, test.conclusion) == ("failure", "skipped")
    assert build.reason is not None
    assert "windows-latest" in build.reason
    (annotation,) = bench.of(AnnotationRaised)
    assert (annotation.file, annotation.line, annotation.column) == (".github/workflows/ci.yml", 3, 5)


def test_a_job_whose_secrets_cannot_be_had_fails_with_the_reason_and_its_run_goes_on() -> None:
    class NoGrants:
        def grant(self, run: RunState, leg: Leg, lease: str, names: frozenset[str] | None) -> JobGrant:
            if leg.key == "first":
                raise GrantError("the key of the vault is gone")
            return JobGrant()

    bench = World().process(Policy(labels=LABELS, grants=NoGrants()))
    run = bench.submit(plan_of(written_job("first"), written_job("second")))
    failed = [fact for fact in bench.facts if isinstance(fact, JobFinished)]
    assert [(fact.job, fact.conclusion, fact.reason) for fact in failed] == [
        ("first", "failure", "the key of the vault is gone")
    ]
    assert any(isinstance(fact, AnnotationRaised) and fact.message == failed[0].reason for fact in bench.facts)
    bench.finish("second")
    state = bench.coordinator.find_run(run)
    assert state is None or state.conclusion == "failure"
    assert bench.world.runs.ending(run) is not None


def test_a_job_without_a_runner_can_be_skipped_instead(world: World) -> None:
    bench = world.process(Policy(labels=LABELS, missing_runner="skip"))
    run = bench.submit(ELSEWHERE)
    assert [fact.conclusion for fact in bench.of(JobFinished)] == ["skipped", "skipped"]
    assert bench.of(AnnotationRaised) == []
    assert bench.coordinator.conclusions == {run: "skipped"}


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_a_cancelled_run_stops_what_runs_and_withdraws_what_waits(bench: Bench) -> None:
    run = bench.submit(CHAIN)
    lease = bench.start("build")
    bench.coordinator.cancel(run, "ann", "not needed")
    assert (lease, "cancelled", False) in bench.runners.stopped
    assert (bench.lease("lint"), "cancelled", False) in bench.runners.stopped
    assert [fact.job for fact in bench.of(JobFinished)] == ["lint"]
    bench.finish("build", "cancelled")
    assert bench.coordinator.conclusions == {run: "cancelled"}


def test_cancelling_again_with_force_reaches_the_runner_again(bench: Bench) -> None:
    run = bench.submit(CHAIN)
    lease = bench.start("build")
    bench.coordinator.cancel(run, "ann", "not needed")
    bench.coordinator.cancel(run, "ann", "not needed")
    bench.coordinator.cancel(run, "ann", "now", force=True)
    assert [stop for stop in bench.runners.stopped if stop[0] == lease] == [
        (lease, "cancelled", False),
        (lease, "cancelled", True),
    ]
    assert len(bench.of(CancelRequested)) == 2


def test_cancelling_what_has_ended_changes_nothing(bench: Bench) -> None:
    run = bench.submit(plan_of())
    bench.finish("build")
    count = len(bench.facts)
    bench.coordinator.cancel(run, "ann", "late")
    assert len(bench.facts) == count


def test_a_request_from_outside_is_heeded(bench: Bench, world: World) -> None:
    run = bench.submit(plan_of())
    bench.start("build")
    world.controls.send(run, CancelRun(by="ann", reason="by hand"))
    bench.coordinator.heed(run)
    (fact,) = bench.of(CancelRequested)
    assert (fact.by, fact.reason) == ("ann", "by hand")


def test_a_paused_job_goes_on_from_where_it_failed_or_from_a_named_step(bench: Bench, world: World) -> None:
    run = bench.submit(plan_of())
    lease = bench.start("build")
    assert not bench.coordinator.retry(run)
    bench.report(
        lease,
        StepStarted(at=NOW, run=run, job="build", step="__run", number=4, name="x"),
        JobPaused(at=NOW, run=run, job="build", step="__run", number=4),
    )
    world.controls.send(run, RetryJob())
    bench.coordinator.heed(run)
    world.controls.send(run, RetryJob(step=2))
    bench.coordinator.heed(run)
    assert not bench.coordinator.retry(run, job="other")
    assert bench.runners.retried == [(lease, 4), (lease, 2)]


# --- concurrency ------------------------------------------------------------------------------------------------------


def test_a_run_waits_for_its_group_and_goes_on_when_it_is_free(bench: Bench) -> None:
    one, two = bench.submit(grouped(plan_of())), bench.submit(grouped(plan_of()))
    assert [order.run for order in bench.runners.offered.values()] == [one]
    assert [fact.holder for fact in bench.of(ConcurrencyWaiting)] == [f"run {one}"]
    waited = [bench.coordinator.is_waiting]
    bench.finish("build", run=one)
    waited.append(bench.coordinator.is_waiting)
    assert waited == [True, False]
    bench.finish("build", run=two)
    assert bench.coordinator.conclusions == {one: "success", two: "success"}


def test_a_newer_run_replaces_the_one_that_waits(bench: Bench) -> None:
    one, two, three = (bench.submit(grouped(plan_of())) for _ in range(3))
    assert bench.coordinator.conclusions == {two: "cancelled"}
    assert [fact.reason for fact in bench.of(CancelRequested)] == [
        "a higher priority waiting request for 'deploy' exists"
    ]
    bench.finish("build", run=one)
    bench.finish("build", run=three)
    assert bench.coordinator.conclusions == {one: "success", two: "cancelled", three: "success"}


def test_cancel_in_progress_ends_the_holder_and_then_goes_on(bench: Bench) -> None:
    one = bench.submit(grouped(plan_of()))
    lease = bench.start("build", one)
    two = bench.submit(grouped(plan_of(), cancel=True))
    assert bench.runners.stopped == [(lease, "cancelled", False)]
    bench.finish("build", "cancelled", run=one)
    assert bench.coordinator.conclusions == {one: "cancelled"}
    bench.finish("build", run=two)
    assert bench.coordinator.conclusions[two] == "success"


def test_another_process_is_asked_to_make_room_and_says_when_it_has(world: World) -> None:
    here, there = world.process(), world.process()
    one = here.submit(grouped(plan_of()))
    here.start("build")
    two = there.submit(grouped(plan_of(), cancel=True))
    assert there.offers() == []
    here.coordinator.heed(one)
    here.finish("build", "cancelled")
    assert here.coordinator.conclusions == {one: "cancelled"}
    there.coordinator.heed(two)
    assert [fact.group for fact in there.of(ConcurrencyGranted)] == ["deploy"]
    there.finish("build")
    assert there.coordinator.conclusions == {two: "success"}


def test_a_group_that_a_dead_process_held_is_found_by_looking(world: World) -> None:
    here, there = world.process(), world.process()
    one = here.submit(grouped(plan_of()))
    there.submit(grouped(plan_of()))
    world.groups.dead.add(one)
    there.coordinator.tick()
    assert there.offers() == ["build"]


def test_a_cancelled_run_leaves_the_queue(bench: Bench) -> None:
    one, two = bench.submit(grouped(plan_of())), bench.submit(grouped(plan_of()))
    bench.coordinator.cancel(two, "ann", "x")
    assert bench.coordinator.conclusions == {two: "cancelled"}
    assert not bench.coordinator.is_waiting
    bench.finish("build", run=one)
    assert bench.submit(grouped(plan_of())) == "3"
    assert bench.offers() == ["build", "build"]


# --- attempts ---------------------------------------------------------------------------------------------------------


def test_a_failed_job_can_be_run_again_in_another_attempt(bench: Bench, world: World) -> None:
    run = bench.submit(CHAIN)
    bench.finish("lint")
    bench.finish("build", "failure")
    assert bench.coordinator.conclusions == {run: "failure"}
    recalled = recall(world.runs, run)
    assert recalled is not None
    bench.coordinator.resubmit(recalled[1], record_of(run, attempt=2, number=1), "failed")
    assert [order.github["run_attempt"] for order in bench.runners.offered.values()] == ["1", "1", "2"]
    bench.finish("build")
    bench.finish("test")
    assert bench.coordinator.conclusions == {run: "success"}
    assert bench.coordinator.find_run(run) is None
    assert [record.attempt for record in world.runs.list()] == [2]
    again = recall(world.runs, run)
    assert again is not None
    assert again[1].conclusion == "success"


def test_what_cannot_be_run_again_leaves_no_attempt_behind(bench: Bench, world: World) -> None:
    run = bench.submit(plan_of())
    bench.finish("build")
    recalled = recall(world.runs, run)
    assert recalled is not None
    selections: list[Selection] = ["failed", OneJob("none")]
    for selection in selections:
        with pytest.raises(RerunError):
            bench.coordinator.resubmit(recalled[1], record_of(run, attempt=2), selection)
    assert [record.attempt for record in world.runs.list()] == [1]


# --- giving up --------------------------------------------------------------------------------------------------------


def test_abandoned_runs_are_stopped_by_force_and_left_open(bench: Bench, world: World) -> None:
    run = bench.submit(CHAIN)
    lease = bench.start("build")
    bench.coordinator.abandon()
    assert (lease, "cancelled", True) in bench.runners.stopped
    assert bench.coordinator.open_runs == ()
    assert world.runs.ending(run) is None
    assert [record.id for record in world.runs.adopt()] == [run]


def test_a_queued_fact_names_the_lease_that_was_offered(bench: Bench) -> None:
    bench.submit(plan_of())
    (fact,) = bench.of(JobQueued)
    assert fact.lease == bench.lease("build")

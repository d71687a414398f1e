"""What follows for a commit's checks: from runs, and from workflows that could not be run at all."""

import msgspec
import pytest

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.ports.approvals import HeldRun
from homeport.ports.directory import RepositorySettings
from homeport.ports.events import WorkflowStart
from homeport.run.facts import JobFinished, JobsKept, JobStarted, KeptJob, RunFinished
from homeport.store.tables.statuses import combine
from tests.support.forges.bench import SHA, ReportingBench, app, leg, push_of, token
from tests.support.forges.github import GitHubStandIn
from tests.support.plans import plan_of, record_of

FILE = ".github/workflows/ci.yml"
REFUSED = WorkflowStart(
    workflow=FILE,
    name="CI",
    outcome="refused",
    reason="line 3: there is no key 'stpes'",
    diagnostics=(Diagnostic(code="unknown-key", message="there is no key 'stpes'", span=Span(FILE, 3, 5, 3, 10)),),
)


def states(bench: ReportingBench, repository: int) -> dict[str, str]:
    bench.reporting.work_off()
    return {each.context: each.state for each in bench.statuses.latest(repository, SHA)}


def test_a_call_has_no_check_but_its_jobs_have(bench: ReportingBench) -> None:
    repository = bench.add(None)
    run, call, inner = bench.begin("7"), leg("deploy", inputs={}), leg("deploy/test", "deploy / test")
    now = bench.clock.now()
    run.queue(call)
    run.add(JobStarted(at=now, run="7", job="deploy", job_id="deploy", name="deploy", matrix=None, runner=""))
    run.queue(inner)
    run.finish(inner, "success")
    run.finish(call, "success")
    assert states(bench, repository.id) == {"deploy / test": "success"}


@pytest.mark.parametrize(("outcome", "state"), [("skipped", "success"), ("failure", "failure")])
def test_a_call_that_never_began_has_a_check_of_its_own(bench: ReportingBench, outcome: str, state: str) -> None:
    repository = bench.add(None)
    run = bench.begin("7")
    run.finish(leg("deploy", inputs={}), "skipped" if outcome == "skipped" else "failure")
    assert states(bench, repository.id) == {"deploy": state}


def test_what_a_rerun_keeps_stays_as_it_was(bench: ReportingBench) -> None:
    repository = bench.add(None)
    run, build, test = bench.begin("7"), leg("build"), leg("test")
    run.queue(build)
    run.finish(build, "success")
    run.queue(test)
    run.finish(test, "failure")
    kept = KeptJob(key="build", scope="", id="build", leg=build, conclusion="success", outcome="success")
    again = bench.begin("7", attempt=2)
    again.add(JobsKept(at=bench.clock.now(), run="7", jobs=(kept,)))
    assert states(bench, repository.id) == {"build": "success", "test": "pending"}


def test_what_a_rerun_no_longer_has_is_not_left_pending(bench: ReportingBench) -> None:
    repository = bench.add(None)
    run, old, new = bench.begin("7"), leg("test (1)"), leg("test (2)")
    run.queue(old)
    run.finish(old, "failure")
    again = bench.begin("7", attempt=2)
    again.queue(new)
    again.finish(new, "success")
    again.add(RunFinished(at=bench.clock.now(), run="7", workflow=FILE, conclusion="success"))
    assert states(bench, repository.id) == {"test (1)": "success", "test (2)": "success"}
    said = {each.context: each.description for each in bench.statuses.latest(repository.id, SHA)}
    assert said["test (1)"] == "Not part of attempt 2"


def test_a_pull_requests_statuses_go_to_its_head_not_to_the_merge(bench: ReportingBench) -> None:
    repository = bench.add(None)
    plan = plan_of()
    payload = {"pull_request": {"head": {"sha": "b" * 40}}}
    event = msgspec.structs.replace(plan.event, payload=payload, head_ref="topic", base_ref="main")
    bench.begin("7", plan=msgspec.structs.replace(plan, event=event), event="pull_request").finish(leg("a"), "success")
    bench.reporting.work_off()
    assert [each.context for each in bench.statuses.latest(repository.id, "b" * 40)] == ["a"]


def test_a_prefix_goes_before_every_name(bench: ReportingBench) -> None:
    repository = bench.add(None, settings=RepositorySettings(status_prefix="{workflow} ({event}) / "))
    bench.begin("7").finish(leg("test"), "success")
    assert states(bench, repository.id) == {"CI (push) / test": "success"}


def test_in_shadow_mode_names_do_not_meet_those_of_the_forges_own(bench: ReportingBench) -> None:
    repository = bench.add(None, settings=RepositorySettings(is_shadow=True))
    bench.begin("7").finish(leg("test"), "success")
    assert states(bench, repository.id) == {"Homeport / test": "success"}


def test_a_workflow_that_cannot_be_read_is_a_failing_check_that_says_why(bench: ReportingBench) -> None:
    with GitHubStandIn() as github:
        repository = bench.add(github, app(github))
        event = push_of(plan_of())
        stored = bench.events.accept([(repository.id, "d1", event)])[0]
        bench.reporting.report_starts(repository, event, stored, [REFUSED])
        bench.events.conclude(stored, "", [REFUSED]).result()
        bench.tell()
        (check,) = github.checks
        assert (check["name"], check["told"]) == (FILE, ["failure"])
        (annotation,) = github.annotations[check["id"]]
        assert (annotation["path"], annotation["start_line"], annotation["message"]) == (
            FILE,
            3,
            "there is no key 'stpes'",
        )
        assert github.faults == []
    (status,) = bench.statuses.latest(repository.id, SHA)
    assert status.description == "Line 3: there is no key 'stpes'"


def test_the_same_refusal_is_told_once_and_mended_by_a_start(bench: ReportingBench) -> None:
    with GitHubStandIn() as github:
        repository = bench.add(github, token())
        event = push_of(plan_of())
        for _ in range(2):
            bench.reporting.report_starts(repository, event, 1, [REFUSED])
            bench.tell()
        assert github.states(FILE) == ["failure"]
        started = WorkflowStart(workflow=FILE, name="CI", outcome="started", run="7", number=1)
        bench.reporting.report_starts(repository, event, 2, [started])
        bench.tell()
        assert github.states(FILE) == ["failure", "success"]


def test_a_conflict_is_a_check_until_something_can_start(bench: ReportingBench) -> None:
    repository = bench.add(None)
    event = msgspec.structs.replace(push_of(plan_of()), name="pull_request")
    bench.reporting.report_problem(repository, SHA, "pull_request", "it has a conflict", number=1)
    assert states(bench, repository.id) == {"pull_request": "failure"}
    started = WorkflowStart(workflow=FILE, name="CI", outcome="started", run="7", number=1)
    bench.reporting.report_starts(repository, event, 2, [started])
    assert states(bench, repository.id) == {"pull_request": "success"}


def test_a_run_that_waits_for_approval_is_pending_until_somebody_decides(bench: ReportingBench) -> None:
    repository = bench.add(None)
    record = msgspec.structs.replace(record_of("7"), repository_id=repository.id)
    held = HeldRun(
        run="7", repository=repository.id, pull_request=3, head_sha=SHA, author="eve", held_at=bench.clock.now()
    )
    bench.held.hold(held, record, plan_of())
    assert states(bench, repository.id) == {FILE: "pending"}
    bench.held.decide(repository.id, SHA, "rejected", "mona", bench.clock.now())
    assert states(bench, repository.id) == {FILE: "error"}
    bench.held.decide(repository.id, SHA, "approved", "mona", bench.clock.now())
    bench.held.make_way("7")
    bench.begin("7").queue(leg("test"))
    assert states(bench, repository.id) == {FILE: "success", "test": "pending"}


def test_marks_go_with_a_run_that_is_forgotten(bench: ReportingBench) -> None:
    bench.add(None)
    bench.begin("7").finish(leg("test"), "success")
    bench.runs.delete("7")
    assert bench.reports.news() == []


def test_a_repository_that_is_gone_leaves_nothing_behind(bench: ReportingBench) -> None:
    repository = bench.add(None)
    bench.begin("7").finish(leg("test"), "success")
    bench.directory.remove(repository.id)
    bench.reporting.work_off()
    assert bench.reports.news() == []


def test_facts_that_are_refused_leave_no_mark(bench: ReportingBench) -> None:
    """The mark is in the transaction of the facts: neither is there without the other."""
    bench.add(None)
    run = bench.begin("7")
    bench.reporting.work_off()
    bench.runs.abandon("7", 1)
    bench.runs._lengths[7, 1] = 0  # as if another process had written meanwhile: the place is taken
    with pytest.raises(Exception, match="UNIQUE"):
        run.add(
            JobFinished(
                at=bench.clock.now(),
                run="7",
                job="a",
                job_id="a",
                name="a",
                matrix=None,
                conclusion="success",
                outcome="success",
            )
        )
    assert bench.reports.news() == []


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ((), "pending"),
        (("success",), "success"),
        (("success", "pending"), "pending"),
        (("success", "pending", "error"), "failure"),
        (("failure",), "failure"),
    ],
)
def test_statuses_come_to_what_github_says(states: tuple[str, ...], whole: str) -> None:
    assert combine(states) == whole  # type: ignore[arg-type]


def test_a_run_that_a_fault_is_in_the_way_of_holds_up_no_other(
    bench: ReportingBench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    repository = bench.add(None)
    bench.begin("7").queue(leg("broken"))
    bench.begin("8").queue(leg("sound"))
    find = bench.runs.find

    def find_badly(run: str, attempt: int | None = None) -> object:
        return 1 / 0 if run == "7" else find(run, attempt)

    monkeypatch.setattr(bench.runs, "find", find_badly)
    assert states(bench, repository.id) == {"sound": "pending"}
    assert bench.reports.news() == []
    assert "ZeroDivisionError" in caplog.text

"""How facts become what people see."""

from datetime import UTC, datetime, timedelta

from homeport.plan.model import Leg
from homeport.present.failure import render_failed_step
from homeport.present.live import render_live
from homeport.present.run_view import TAIL_LINES, RunsView
from homeport.present.summary import critical_path, render_summary
from homeport.run.facts import (
    AnnotationRaised,
    Conclusion,
    ConcurrencyWaiting,
    Fact,
    JobExpanded,
    JobFinished,
    JobQueued,
    JobsKept,
    JobStarted,
    KeptJob,
    LinesLogged,
    RunFinished,
    RunQueued,
    RunStarted,
    StepFinished,
    StepStarted,
    WorkflowNotStarted,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def job_facts(key: str, begin: float, end: float, *, failed: bool = False) -> list[Fact]:
    """A job with one step that prints three lines."""
    conclusion: Conclusion = "failure" if failed else "success"
    return [
        JobExpanded(at=at(begin), run="1", job=key, legs=(Leg(key=key, job_id=key, name=key.title()),)),
        JobQueued(at=at(begin), run="1", job=key, lease=f"lease-{key}"),
        JobStarted(at=at(begin), run="1", job=key, job_id=key, name=key.title(), matrix=None, runner="here"),
        StepStarted(at=at(begin), run="1", job=key, step="__run", number=1, name="Run tests"),
        LinesLogged(
            at=at(begin),
            run="1",
            job=key,
            step="__run",
            text="##[group]Run tests\nshell: bash\n##[endgroup]\nfirst\n\x1b[31mlast\x1b[0m",
        ),
        AnnotationRaised(
            at=at(end), run="1", job=key, step="__run", severity="error", message="broke", file="a.py", line=3
        ),
        StepFinished(
            at=at(end),
            run="1",
            job=key,
            step="__run",
            number=1,
            name="Run tests",
            outcome=conclusion,
            conclusion=conclusion,
            exit_code=int(failed),
        ),
        JobFinished(
            at=at(end),
            run="1",
            job=key,
            job_id=key,
            name=key.title(),
            matrix=None,
            conclusion=conclusion,
            outcome=conclusion,
        ),
    ]


def failed_run() -> RunsView:
    facts: list[Fact] = [
        RunQueued(at=at(0), run="1", workflow="ci.yml", name="CI", event="push", run_name="CI", number=7),
        RunStarted(at=at(0), run="1"),
        *job_facts("lint", 0, 2),
        *job_facts("unit", 0, 5),
        *job_facts("build", 5, 9, failed=True),
        JobFinished(
            at=at(9),
            run="1",
            job="publish",
            job_id="publish",
            name="publish",
            matrix=None,
            conclusion="skipped",
            outcome="skipped",
            reason="build failed",
        ),
        RunFinished(at=at(9), run="1", workflow="ci.yml", conclusion="failure"),
    ]
    view = RunsView()
    for fact in facts:
        view.fold(fact)
    return view


NEEDS = {"1": {"build": ("lint", "unit"), "publish": ("build",)}}


def test_the_summary_shows_jobs_failures_critical_path_and_the_next_command() -> None:
    text = render_summary(failed_run(), NEEDS, failed_command="homeport run --failed")
    assert text.splitlines()[:6] == [
        "✗ CI #7 (push) failed in 9.0s",
        "  ✓ Lint         2.0s",
        "  ✓ Unit         5.0s",
        "  ✗ Build        4.0s  step 1 'Run tests' failed with exit code 1",
        "  – publish            build failed",
        "  critical path: Unit 5.0s → Build 4.0s",
    ]
    assert "  error: a.py:3: broke (×3)" in text.splitlines()
    assert text.endswith("Re-run just the failed part: homeport run --failed\n")


def test_a_script_that_ended_well_is_not_said_to_have_failed_with_exit_code_0() -> None:
    view = failed_run()
    view.runs["1"].jobs["build"].steps[0].exit_code = 0
    assert "step 1 'Run tests' failed\n" in render_summary(view, NEEDS)


def test_a_job_that_no_runner_could_take_is_named_in_the_last_line() -> None:
    view = RunsView()
    view.fold(RunQueued(at=at(0), run="1", workflow="ci.yml", name="CI", event="push", run_name="CI"))
    view.fold(
        JobFinished(
            at=at(1),
            run="1",
            job="mac",
            job_id="mac",
            name="mac",
            matrix=None,
            conclusion="skipped",
            outcome="skipped",
            reason="no runner here has the label 'macos-latest'",
        )
    )
    view.fold(RunFinished(at=at(1), run="1", workflow="ci.yml", conclusion="success"))
    assert render_summary(view, {}).splitlines()[-1] == "Not run, for want of a runner: mac"


def test_a_workflow_that_did_not_start_is_told_with_its_reason() -> None:
    view = RunsView()
    view.fold(WorkflowNotStarted(at=at(0), workflow="docs.yml", reason="no path matches docs/**"))
    assert render_summary(view, {}) == "– docs.yml did not start: no path matches docs/**\n"


def test_the_critical_path_goes_through_the_need_that_ended_last() -> None:
    run = failed_run().runs["1"]
    assert [job.key for job in critical_path(run, NEEDS["1"])] == ["unit", "build"]


def test_a_failed_step_shows_its_last_lines_without_the_runners_own() -> None:
    job = failed_run().runs["1"].jobs["build"]
    assert job.failed_step is not None
    assert render_failed_step(job, job.failed_step).splitlines() == [
        "✗ Build › Run tests (exit code 1)",
        "  │ first",
        "  │ \x1b[31mlast\x1b[0m",
        "  error: a.py:3: broke",
    ]


def test_only_the_tail_of_a_long_log_is_kept() -> None:
    view = RunsView()
    for fact in job_facts("loud", 0, 1)[:4]:
        view.fold(fact)
    for block in range(100):
        text = "\n".join(str(number) for number in range(block * 100, block * 100 + 100))
        view.fold(LinesLogged(at=at(1), run="1", job="loud", step="__run", text=text))
    tail = view.runs["1"].jobs["loud"].steps[0].tail
    assert tail == [str(number) for number in range(10_000 - TAIL_LINES, 10_000)]


def test_the_live_picture_keeps_what_runs_and_fits_the_terminal() -> None:
    view = RunsView()
    view.fold(RunQueued(at=at(0), run="1", workflow="ci.yml", name="CI", event="push", run_name="CI", number=7))
    legs = tuple(Leg(key=f"unit ({n})", job_id="unit", name=f"unit ({n})", index=n, total=30) for n in range(30))
    view.fold(JobExpanded(at=at(0), run="1", job="unit", legs=legs))
    for fact in job_facts("slow", 0, 9)[:5]:
        view.fold(fact)
    rows = render_live(view, {}, at(3), width=40, height=8, colour=False)
    assert rows[0] == "CI #7 · push · 0/31 jobs · 3.0s"
    assert "Slow         3.0s  Run tests  last" in [row[4:] for row in rows]
    assert rows[-1] == "  … 25 more: 25 waiting"
    assert len(rows) == 8
    assert all(len(row) <= 40 for row in rows)


def test_a_run_that_waits_for_its_group_says_who_holds_it() -> None:
    view = RunsView()
    view.fold(RunQueued(at=at(0), run="1", workflow="ci.yml", name="CI", event="push", run_name="CI"))
    view.fold(ConcurrencyWaiting(at=at(0), run="1", job=None, group="deploy", holder="CI #6"))
    assert "waits for group deploy, held by CI #6" in render_live(view, {}, at(1), width=80, height=5, colour=False)[0]


def test_jobs_that_have_not_come_up_yet_say_what_they_wait_for() -> None:
    view = RunsView()
    for fact in [
        RunQueued(at=at(0), run="1", workflow="ci.yml", name="CI", event="push", run_name="CI", number=7),
        *job_facts("lint", 0, 9)[:4],
    ]:
        view.fold(fact)
    rows = render_live(view, {"1": {"lint": (), "build": ("lint", "unit")}}, at(1), width=80, height=8, colour=False)
    assert rows[0] == "CI #7 · push · 0/2 jobs · 1.0s"
    assert rows[2] == "  ○ build           waits for lint, unit"


def test_a_step_that_only_ended_badly_is_not_explained_twice() -> None:
    view = RunsView()
    facts = job_facts("unit", 0, 1, failed=True)
    notice = "Process completed with exit code 1."
    facts[5] = AnnotationRaised(at=at(1), run="1", job="unit", step="__run", severity="error", message=notice)
    view.fold(RunQueued(at=at(0), run="1", workflow="ci.yml", name="CI", event="push", run_name="CI", number=7))
    for fact in facts:
        view.fold(fact)
    view.fold(RunFinished(at=at(1), run="1", workflow="ci.yml", conclusion="failure"))
    job = view.runs["1"].jobs["unit"]
    assert job.failed_step is not None
    assert notice not in render_failed_step(job, job.failed_step)
    assert notice not in render_summary(view, {})


def test_a_rerun_shows_what_it_kept_from_earlier_attempts() -> None:
    view = RunsView()
    view.fold(
        RunQueued(at=at(20), run="1", workflow="ci.yml", name="CI", event="push", run_name="CI", number=7, attempt=2)
    )
    leg = Leg(key="lint", job_id="lint", name="Lint")
    kept = KeptJob(
        key="lint",
        scope="",
        id="lint",
        leg=leg,
        conclusion="success",
        outcome="success",
        attempt=1,
        started_at=at(0),
        finished_at=at(2),
    )
    view.fold(JobsKept(at=at(20), run="1", jobs=(kept,)))
    for fact in job_facts("build", 20, 24):
        view.fold(fact)
    view.fold(RunFinished(at=at(24), run="1", workflow="ci.yml", conclusion="success"))
    rows = render_summary(view, {"1": {"build": ("lint",)}}).splitlines()
    assert rows[1] == f"  ✓ {'Lint':<5}  {'2.0s':>8}  kept from attempt 1"
    assert not any("critical path" in row for row in rows)


def test_a_kept_leg_stays_so_when_another_leg_of_its_matrix_runs_again() -> None:
    view = RunsView()
    legs = tuple(Leg(key=f"test ({n})", job_id="test", name=f"test ({n})", index=n, total=2) for n in (0, 1))
    call = Leg(key="call", job_id="call", name="call", inputs={})
    kept = tuple(
        KeptJob(key=leg.key, scope="", id=leg.job_id, leg=leg, conclusion="success", outcome="success", attempt=1)
        for leg in (legs[0], call)
    )
    view.fold(JobsKept(at=at(20), run="1", jobs=kept))
    view.fold(JobExpanded(at=at(20), run="1", job="test", legs=legs))
    jobs = view.runs["1"].jobs
    assert [(job.key, job.conclusion, job.is_call) for job in jobs.values()] == [
        ("call", "success", True),
        ("test (0)", "success", False),
        ("test (1)", None, False),
    ]

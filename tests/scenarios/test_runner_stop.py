"""Cancelling, and running out of time: signals in their order, cleanup steps, limits. With real processes and a clock that travels."""

from pathlib import Path

import pytest

from homeport.run.facts import LinesLogged, RunnerFact
from tests.support.jobs import Bench, StopFlag, TravellingClock, at_lines, stop_at_line


@pytest.fixture
def clock() -> TravellingClock:
    return TravellingClock()


@pytest.fixture
def bench(tmp_path: Path, clock: TravellingClock) -> Bench:
    bench = Bench(tmp_path)
    bench.clock = clock
    return bench


CLEANUP = """
      - id: skipped
        run: echo unreachable
      - id: cancelled
        if: cancelled()
        run: echo "cleaning up, ${{ job.status }}"
      - id: always
        if: always()
        run: echo "always, ${{ steps.work.outcome }}"
      - id: failed
        if: failure()
        run: echo unreachable
"""
WAIT = "for _ in $(seq 3000); do sleep 0.1 || true; done"
STEPS = """
    on: push
    jobs:
      one:
        runs-on: ubuntu-latest
        steps:
"""


def workflow(work: str, after: str = CLEANUP) -> str:
    return f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{work}{after}"


def test_a_cancelled_step_is_interrupted_and_its_trap_runs_then_cleanup_steps_do(bench: Bench) -> None:
    work = f"      - id: work\n        run: |\n          trap 'echo trapped; exit 3' INT\n          echo ready\n          {WAIT}"
    report = bench.run(workflow(work), on_fact=stop_at_line("ready"))
    assert report.output("work") == ["ready", "trapped", "##[error]The operation was canceled."]
    assert report.output("cancelled") == ["cleaning up, cancelled"]
    assert report.output("always") == ["always, cancelled"]
    assert report.conclusions == {
        "work": "cancelled",
        "skipped": "skipped",
        "cancelled": "success",
        "always": "success",
        "failed": "skipped",
    }
    assert report.end.conclusion == "cancelled"


def test_a_step_that_does_not_heed_is_terminated_then_killed(bench: Bench, clock: TravellingClock) -> None:
    work = (
        "      - id: work\n        run: |\n          trap 'echo interrupted' INT\n          trap 'echo terminated' TERM\n"
        "          echo ready\n          while true; do sleep 0.05 || true; done"
    )
    report = bench.run(
        workflow(work),
        on_fact=at_lines(
            {
                "ready": lambda flag: flag.stop(),
                "interrupted": lambda _: clock.advance(7.5),
                "terminated": lambda _: clock.advance(2.5),
            }
        ),
    )
    printed = [line for line in report.output("work") if line in {"ready", "interrupted", "terminated"}]
    assert printed == ["ready", "interrupted", "terminated"]
    assert report.step("work").exit_code == 137
    assert report.conclusions["work"] == "cancelled"
    assert report.output("always") == ["always, cancelled"]


def test_the_whole_process_group_is_interrupted(bench: Bench) -> None:
    work = (
        "      - id: work\n        run: |\n"
        "          bash -c 'trap \"echo child trapped; exit 1\" INT; echo ready; for _ in $(seq 3000); do sleep 0.1; done'\n"
        "          echo unreachable"
    )
    report = bench.run(workflow(work), on_fact=stop_at_line("ready"))
    assert "child trapped" in report.output("work")
    assert "unreachable" not in report.output()


def test_a_running_cleanup_step_is_not_interrupted(bench: Bench) -> None:
    work = "      - id: work\n        if: always()\n        run: |\n          echo ready\n          sleep 0.2\n          echo done"
    report = bench.run(workflow(work), on_fact=stop_at_line("ready"))
    assert report.output("work") == ["ready", "done"]
    assert report.conclusions["work"] == "success"
    assert report.output("cancelled") == ["cleaning up, cancelled"]
    assert report.end.conclusion == "cancelled"


def test_cleanup_ends_with_its_time(bench: Bench, clock: TravellingClock) -> None:
    work = f"      - id: work\n        run: |\n          echo ready\n          {WAIT}\n"
    after = f"      - id: slow\n        if: always()\n        run: |\n          echo cleaning\n          {WAIT}\n      - id: last\n        if: always()\n        run: echo unreachable\n"
    report = bench.run(
        workflow(work, after),
        on_fact=at_lines({"ready": lambda flag: flag.stop(), "cleaning": lambda _: clock.advance(120)}),
        leg={"cancel_timeout_minutes": 2.0},
    )
    assert report.conclusions == {"work": "cancelled", "slow": "cancelled", "last": "cancelled"}
    assert report.step("slow").exit_code == 137
    assert "last" not in report.started


def test_a_forced_stop_leaves_cleanup_out(bench: Bench) -> None:
    work = (
        f"      - id: work\n        run: |\n          trap 'echo trapped' INT\n          echo ready\n          {WAIT}"
    )
    report = bench.run(
        workflow(work),
        on_fact=at_lines({"ready": lambda flag: flag.stop(), "trapped": lambda flag: flag.stop(forced=True)}),
    )
    assert report.started == ["work"]
    assert report.step("work").exit_code == 137
    assert report.conclusions["always"] == "cancelled"


def test_a_job_that_is_cancelled_before_it_begins_runs_cleanup_only(bench: Bench) -> None:
    report = bench.run(workflow("      - {id: work, run: echo unreachable}\n", CLEANUP), is_stopped=True)
    assert "work" not in report.started
    assert report.output("always") == ["always, skipped"]
    assert report.end.conclusion == "cancelled"


@pytest.mark.parametrize(
    ("reason", "said"), [("fail-fast", "another job of its matrix"), ("superseded", "a newer run"), ("cancelled", None)]
)
def test_the_end_says_why_a_job_was_stopped(bench: Bench, reason: str, said: str | None) -> None:
    work = f"      - id: work\n        run: |\n          echo ready\n          {WAIT}\n"
    report = bench.run(workflow(work), on_fact=stop_at_line("ready", reason))
    assert report.end.conclusion == "cancelled"
    assert said in report.end.reason if said and report.end.reason else report.end.reason is said


def test_a_job_that_runs_out_of_time_is_cancelled_and_cleans_up(bench: Bench, clock: TravellingClock) -> None:
    work = f"      - id: work\n        run: |\n          echo ready\n          {WAIT}"
    report = bench.run(
        workflow(work), on_fact=at_lines({"ready": lambda _: clock.advance(30)}), leg={"timeout_minutes": 0.5}
    )
    assert report.conclusions["work"] == "cancelled"
    assert report.output("always") == ["always, cancelled"]
    assert report.end.conclusion == "cancelled"
    message = "The job running on runner bench has exceeded the maximum execution time of 0.5 minutes."
    assert report.end.reason == message
    assert message in report.errors


def test_a_step_that_runs_out_of_time_fails(bench: Bench, clock: TravellingClock) -> None:
    work = f"      - id: work\n        name: Long\n        timeout-minutes: 0.5\n        run: |\n          trap 'echo trapped; exit 0' INT\n          echo ready\n          {WAIT}"
    report = bench.run(workflow(work), on_fact=at_lines({"ready": lambda _: clock.advance(30)}))
    assert "trapped" in report.output("work")
    assert report.errors == ["The action 'Long' has timed out after 0.5 minutes."]
    assert report.conclusions["work"] == "failure"
    assert report.conclusions["failed"] == "success"
    assert report.end.conclusion == "failure"


def test_a_background_step_that_runs_out_of_time_says_so_and_fails_what_waits_for_it(
    bench: Bench, clock: TravellingClock
) -> None:
    """actions/runner `BackgroundStepCoordinator`: the message is its own."""
    work = f"      - id: work\n        name: Long\n        background: true\n        timeout-minutes: 0.5\n        run: |\n          echo ready\n          {WAIT}\n      - {{id: w, wait: work}}"
    report = bench.run(workflow(work), on_fact=at_lines({"ready": lambda _: clock.advance(30)}))
    assert report.errors == ["The background step 'Long' has timed out after 0.5 minutes."]
    assert (report.conclusions["work"], report.conclusions["w"]) == ("failure", "failure")
    assert report.end.conclusion == "failure"


def test_time_that_is_over_may_be_forgiven(bench: Bench, clock: TravellingClock) -> None:
    work = f"      - id: work\n        timeout-minutes: ${{{{ 1 }}}}\n        continue-on-error: true\n        run: |\n          echo ready\n          {WAIT}"
    report = bench.run(workflow(work), on_fact=at_lines({"ready": lambda _: clock.advance(60)}))
    assert (report.step("work").outcome, report.step("work").conclusion) == ("failure", "success")
    assert report.end.conclusion == "success"


def test_slow_lines_are_shown_while_the_step_runs(bench: Bench) -> None:
    seen: list[str] = []

    def note(fact: RunnerFact, flag: StopFlag) -> None:
        if isinstance(fact, LinesLogged):
            seen.extend(fact.text.split("\n"))
        if "one" in seen and flag.reason is None:
            flag.stop()

    report = bench.run(
        workflow(f"      - id: work\n        run: |\n          echo one\n          {WAIT}\n          echo two"),
        on_fact=note,
    )
    assert "one" in seen
    assert "two" not in report.output("work")

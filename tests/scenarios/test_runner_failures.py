"""Going on after a failure, looking at it, and faults of the machine and of Homeport itself."""

import os
from pathlib import Path

import msgspec
import pytest

from homeport.language.tokens import StringToken
from homeport.ports.peer import JobOrder
from homeport.run.facts import AnnotationRaised, JobFinished, JobPaused, JobResumed, StepFinished
from homeport.runner.actions.model import NativeAction, Origin, ResolvedAction, Surroundings
from homeport.runner.executors.process import ProcessExecutor
from homeport.runner.host import ActionHost
from homeport.runner.job import JobRunner
from homeport.runner.loop import serve
from homeport.runner.settings import RunnerSettings
from tests.support.disks import small_disk
from tests.support.jobs import Bench, KeepingPeer, Report, StopFlag, Visitor, stop_at_line


def main(host: ActionHost) -> None:
    """The main stage of a native action with a fault in it."""
    raise KeyError(host.inputs.get("secret", "nothing"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def run(bench: Bench, steps: str, **order: object) -> Report:
    return bench.run(f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{steps}", **order)  # type: ignore[arg-type]


# --- going on --------------------------------------------------------------------------------------------------------

FLAKY = """\
      - {id: a, run: 'echo "A=$RANDOM$RANDOM" >> "$GITHUB_ENV"; echo "x=kept" >> "$GITHUB_OUTPUT"'}
      - {id: b, run: 'echo "B=set" >> "$GITHUB_ENV"; echo run >> runs'}
      - {id: c, run: 'echo "$A [$B]"; [ $(wc -l < runs) = 2 ] || exit 1'}
      - {id: d, run: 'echo "${{ steps.a.outputs.x }} ${{ job.status }}"'}
"""


def test_a_paused_job_goes_on_from_a_step_with_its_workspace_as_it_is(bench: Bench) -> None:
    bench.settings = RunnerSettings(name="bench", pause_on_failure=True)
    report = run(bench, FLAKY, retries=[2])
    (paused,) = report.of(JobPaused)
    (resumed,) = report.of(JobResumed)
    assert (paused.step, paused.number, resumed.number) == ("c", 3, 2)
    assert [fact.step for fact in report.of(StepFinished)] == ["a", "b", "c", "b", "c", "d"]
    first, second = (line for line in report.output("c") if not line.startswith("##"))
    assert first == second
    assert report.output("d") == ["kept success"]
    assert report.end.conclusion == "success"


def test_giving_up_a_paused_job_fails_it(bench: Bench) -> None:
    bench.settings = RunnerSettings(name="bench", pause_on_failure=True)
    report = run(bench, FLAKY, retries=[None])
    assert report.conclusions["d"] == "skipped"
    assert report.end.conclusion == "failure"


def test_only_failures_that_count_pause_a_job(bench: Bench) -> None:
    bench.settings = RunnerSettings(name="bench", pause_on_failure=True)
    report = run(bench, "      - {run: exit 1, continue-on-error: true}\n      - {run: 'true'}")
    assert report.of(JobPaused) == []


def test_a_job_can_be_begun_at_a_later_step(bench: Bench) -> None:
    order = bench.order(f"on: push\njobs:\n  one:\n    runs-on: x\n    steps:\n{FLAKY}")
    peer = KeepingPeer(msgspec.structs.replace(order, start_from_step=4), {})
    JobRunner(bench.services(), bench.settings).run(peer._order, peer)
    peer.flag.close()
    report = Report(peer.facts, peer.sequences)
    assert report.started == ["d"]
    assert report.step("a").reason == "begun at step 4"
    assert report.end.conclusion == "success"


def test_a_failed_step_can_be_looked_at_where_it_failed(bench: Bench) -> None:
    visitor = Visitor()
    bench.settings = RunnerSettings(name="bench", on_step_failure=visitor)
    run(
        bench,
        "      - {run: mkdir deep}\n      - {id: b, name: Break, env: {E: mine}, working-directory: deep, run: exit 5}",
    )
    (seen,) = visitor.seen
    assert (seen.job, seen.step, seen.number, seen.name) == ("one", "b", 2, "Break")
    assert seen.working_directory.endswith("/app/app/deep")
    assert (seen.environment["E"], seen.environment["GITHUB_ACTION"]) == ("mine", "b")


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_fault_of_homeport_fails_the_job_visibly_and_is_handed_on(bench: Bench) -> None:
    faults: list[Exception] = []
    bench.settings = RunnerSettings(name="bench", on_fault=faults.append)

    def resolve(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        return NativeAction(origin=Origin(uses=uses.value), module=__name__)

    bench.resolve = resolve
    report = run(bench, "      - {uses: a/b@v1}\n      - {run: echo unreachable}", secrets={"S": "nothing"})
    assert [type(fault) for fault in faults] == [KeyError]
    assert report.end.conclusion == "failure"
    assert report.end.reason == "Homeport failed: KeyError: '***'"
    assert report.errors == [report.end.reason]
    assert sorted(report.conclusions.values()) == ["failure", "skipped"]
    assert list((bench.folder / "work").iterdir()) == []


def test_a_fault_in_a_background_step_fails_the_job_too(bench: Bench) -> None:
    def resolve(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        return NativeAction(origin=Origin(uses=uses.value), module=__name__)

    bench.resolve = resolve
    report = run(bench, "      - {id: a, uses: a/b@v1, background: true}\n      - {wait: a}")
    assert "Homeport failed: KeyError" in str(report.end.reason)


def test_folders_that_cannot_be_made_fail_the_job_with_the_reason(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench.executor = ProcessExecutor(
        work_folder=str(tmp_path / "file" / "work"), tool_cache=str(tmp_path / "t"), host_environment={}
    )
    report = run(bench, "      - {run: echo}")
    assert "Not a directory" in str(report.end.reason)
    assert report.end.conclusion == "failure"


def test_a_full_disk_fails_the_step_with_the_reason(bench: Bench) -> None:
    with small_disk(bench.folder / "small", "64k") as disk:
        bench.executor = ProcessExecutor(
            work_folder=str(disk), tool_cache=str(bench.folder / "t"), host_environment=dict(os.environ)
        )
        report = run(
            bench,
            "      - {run: 'cat /dev/zero > \"$RUNNER_TEMP/full\" || true'}\n      - {id: b, run: echo unreachable}",
        )
    assert report.step("b").conclusion == "failure"
    assert any("No space left on device" in error for error in report.errors)


# --- the loop --------------------------------------------------------------------------------------------------------


class Offers(KeepingPeer):
    """A peer with several jobs to give."""

    def __init__(self, orders: list[JobOrder]) -> None:
        super().__init__(orders[0], {})
        self._orders = list(orders)

    def next_job(self) -> JobOrder | None:
        return self._orders.pop(0) if self._orders else None


def test_jobs_run_beside_each_other_until_there_are_no_more(bench: Bench, tmp_path: Path) -> None:
    script = f"touch {tmp_path}/$GITHUB_JOB; until [ -e {tmp_path}/a ] && [ -e {tmp_path}/b ]; do sleep 0.02; done"
    orders = [
        bench.order(f"on: push\njobs:\n  {name}:\n    runs-on: x\n    steps: [{{run: '{script}'}}]")
        for name in ("a", "b")
    ]
    peer = Offers(orders)
    serve(peer, JobRunner(bench.services(), bench.settings), parallel=2)
    peer.flag.close()
    ended = {fact.job: fact.conclusion for fact in peer.facts if isinstance(fact, JobFinished)}
    assert ended == {"a": "success", "b": "success"}


def test_stopping_is_heard_while_a_job_is_paused(bench: Bench) -> None:
    bench.settings = RunnerSettings(name="bench", pause_on_failure=True)

    def stop_when_paused(fact: object, flag: StopFlag) -> None:
        if isinstance(fact, JobPaused):
            flag.stop()

    report = run(
        bench, "      - {run: exit 1}\n      - {id: c, if: cancelled(), run: echo cleanup}", on_fact=stop_when_paused
    )
    assert report.output("c") == ["cleanup"]
    assert report.end.conclusion == "cancelled"


def test_a_stop_at_the_last_moment_is_no_harm(bench: Bench) -> None:
    report = run(bench, "      - {run: echo ready}", on_fact=stop_at_line("ready"))
    assert report.end.conclusion in {"success", "cancelled"}
    assert [fact for fact in report.of(AnnotationRaised) if fact.severity == "warning"] == []

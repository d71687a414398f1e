"""Concurrency groups between processes on one machine, and requests from one process to another."""

import subprocess
import sys
from pathlib import Path

from tests.support.homeport import TIMEOUT_SECONDS, environment, run_homeport
from tests.support.live import LiveRun
from tests.support.projects import make_repository

WAITING = """
    on: push
    concurrency: {group: deploy%s}
    jobs:
      one:
        runs-on: ubuntu-latest
        steps:
          - id: work
            run: |
              echo started
              while [ -n "${{ vars.GATE }}" ] && [ ! -e "${{ vars.GATE }}" ]; do sleep 0.05; done
"""


def command(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "homeport", *words],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def test_a_second_run_of_the_group_waits_for_the_first(tmp_path: Path) -> None:
    repository, gate = make_repository(tmp_path, WAITING % ""), tmp_path / "gate"
    with LiveRun(["run", "--var", f"GATE={gate}"], cwd=repository) as first:
        first.until_printed("started")
        with LiveRun(["run"], cwd=repository) as second:
            waiting = second.until("concurrency_waiting")
            assert waiting["group"] == "deploy"
            gate.touch()
            one, two = first.rest(), second.rest()
    assert (one.conclusion, two.conclusion) == ("success", "success")
    (ended,) = one.of("run_finished")
    (started,) = two.of("job_started")
    assert ended["at"] <= started["at"]


def test_a_third_run_replaces_the_one_that_waits(tmp_path: Path) -> None:
    repository, gate = make_repository(tmp_path, WAITING % ""), tmp_path / "gate"
    with LiveRun(["run", "--var", f"GATE={gate}"], cwd=repository) as first:
        first.until_printed("started")
        with LiveRun(["run"], cwd=repository) as second:
            second.until("concurrency_waiting")
            with LiveRun(["run"], cwd=repository) as third:
                third.until("concurrency_waiting")
                replaced = second.rest()
                gate.touch()
                one, three = first.rest(), third.rest()
    assert (one.exit_code, replaced.exit_code, three.exit_code) == (0, 1, 0)
    assert replaced.conclusion == "cancelled"
    assert "higher priority waiting request" in replaced.of("cancel_requested")[0]["reason"]
    assert replaced.of("job_started") == []


def test_a_queue_of_runs_keeps_its_order(tmp_path: Path) -> None:
    repository, gate = make_repository(tmp_path, WAITING % ", queue: max"), tmp_path / "gate"
    with LiveRun(["run", "--var", f"GATE={gate}"], cwd=repository) as first:
        first.until_printed("started")
        with LiveRun(["run"], cwd=repository) as second:
            second.until("concurrency_waiting")
            with LiveRun(["run"], cwd=repository) as third:
                third.until("concurrency_waiting")
                gate.touch()
                answers = [first.rest(), second.rest(), third.rest()]
    assert [answer.conclusion for answer in answers] == ["success"] * 3
    ends = [answer.of("run_finished")[0]["at"] for answer in answers]
    assert ends == sorted(ends)


def test_cancel_in_progress_reaches_the_run_of_another_process(tmp_path: Path) -> None:
    workflow = """
        on: push
        concurrency: {group: deploy, cancel-in-progress: true}
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - {id: work, run: 'if [ "${{ vars.FIRST }}" = yes ]; then echo started; sleep 300; fi'}
              - {id: clean, if: always(), run: echo cleaned}
    """
    repository = make_repository(tmp_path, workflow)
    with LiveRun(["run", "--var", "FIRST=yes"], cwd=repository) as first:
        first.until_printed("started")
        second = run_homeport(["run"], cwd=repository)
        one = first.rest()
    assert (one.exit_code, one.conclusion) == (1, "cancelled")
    assert "cleaned" in one.lines("one", "clean")
    assert (second.exit_code, second.conclusion) == (0, "success")
    assert one.of("run_finished")[0]["at"] <= second.of("job_started")[0]["at"]


def test_a_jobs_group_holds_between_processes_too(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          build: {runs-on: ubuntu-latest, steps: [{run: echo built}]}
          deploy:
            needs: build
            runs-on: ubuntu-latest
            concurrency: production
            steps:
              - run: |
                  echo started
                  while [ -n "${{ vars.GATE }}" ] && [ ! -e "${{ vars.GATE }}" ]; do sleep 0.05; done
    """
    repository, gate = make_repository(tmp_path, workflow), tmp_path / "gate"
    with LiveRun(["run", "--var", f"GATE={gate}"], cwd=repository) as first:
        first.until_printed("started")
        with LiveRun(["run"], cwd=repository) as second:
            second.until("job_finished", job="build")
            waiting = second.until("concurrency_waiting", job="deploy")
            assert waiting["holder"] == "job 'deploy' of run 1"
            gate.touch()
            one, two = first.rest(), second.rest()
    assert (one.conclusion, two.conclusion) == ("success", "success")
    assert one.job("deploy")["at"] <= two.of("job_started", job="deploy")[0]["at"]


def test_a_run_that_was_killed_gives_its_group_back(tmp_path: Path) -> None:
    repository, gate = make_repository(tmp_path, WAITING % ""), tmp_path / "gate"
    with LiveRun(["run", "--var", f"GATE={gate}"], cwd=repository) as first:
        first.until_printed("started")
        with LiveRun(["run"], cwd=repository) as second:
            second.until("concurrency_waiting")
            first.process.kill()
            first.process.wait()
            assert second.rest().conclusion == "success"
    gate.touch()  # lets go what the killed process left behind


def test_cancel_ends_a_run_of_another_process_and_its_cleanup_runs(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - run: echo started; sleep 300
              - {id: clean, if: cancelled(), run: echo cleaned}
    """
    repository = make_repository(tmp_path, workflow)
    with LiveRun(["run"], cwd=repository) as live:
        live.until_printed("started")
        listed = command("runs", cwd=repository)
        assert "running" in listed.stdout
        done = command("cancel", "--reason", "not needed", cwd=repository)
        answer = live.rest()
    assert done.returncode == 0, done.stderr
    assert (answer.exit_code, answer.conclusion) == (1, "cancelled")
    assert "cleaned" in answer.lines("one", "clean")
    assert answer.of("cancel_requested")[0]["reason"] == "not needed"
    assert command("cancel", "1", cwd=repository).returncode == 1


def test_logs_follow_a_run_of_another_process_to_its_end(tmp_path: Path) -> None:
    repository, gate = make_repository(tmp_path, WAITING % ""), tmp_path / "gate"
    with LiveRun(["run", "--var", f"GATE={gate}"], cwd=repository) as live:
        live.until_printed("started")
        follower = subprocess.Popen(
            [sys.executable, "-m", "homeport", "logs", "-f", "--job", "one"],
            cwd=repository,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert follower.stdout is not None
        while follower.stdout.readline() != "started\n":
            pass
        gate.touch()
        assert live.rest().conclusion == "success"
        follower.stdout.read()
        follower.stdout.close()
        assert follower.wait(TIMEOUT_SECONDS) == 0

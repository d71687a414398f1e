"""What comes after a failure: running again, going on, and recovering from a killed process."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tests.support.homeport import TIMEOUT_SECONDS, environment, run_homeport
from tests.support.live import LiveRun
from tests.support.projects import make_repository

FLAKY = """
    on: push
    jobs:
      build:
        runs-on: ubuntu-latest
        outputs: {made: '${{ steps.make.outputs.made }}'}
        steps: [{id: make, run: 'echo made=v1 >> $GITHUB_OUTPUT; echo building'}]
      test:
        needs: build
        runs-on: ubuntu-latest
        strategy: {fail-fast: false, matrix: {n: [1, 2]}}
        steps: [{id: try, run: 'echo "testing ${{ needs.build.outputs.made }}"; [ ${{ matrix.n }} = 1 ] || test -e ${{ vars.FIXED }}'}]
      deploy:
        needs: test
        runs-on: ubuntu-latest
        steps: [{run: echo deploying}]
"""


def command(*words: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "homeport", *words],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def is_running(process_id: int) -> bool:
    """Whether a process is there and no zombie: whoever adopted an orphan may take its time to reap it."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def show(*words: str, cwd: Path) -> Any:
    return msgspec.json.decode(command("show", *words, "--format", "json", cwd=cwd).stdout)


def test_rerun_failed_runs_what_failed_and_what_depends_on_it(tmp_path: Path) -> None:
    repository, fixed = make_repository(tmp_path, FLAKY), tmp_path / "fixed"
    first = run_homeport(["run", "--var", f"FIXED={fixed}"], cwd=repository)
    assert first.exit_code == 1
    assert first.conclusions == {"build": "success", "test (1)": "success", "test (2)": "failure", "deploy": "skipped"}
    fixed.touch()
    again = run_homeport(["rerun", "--failed"], cwd=repository)
    assert (again.exit_code, again.conclusion) == (0, "success")
    assert {fact["job"] for fact in again.of("job_started")} == {"test (2)", "deploy"}
    assert "testing v1" in again.lines("test (2)", "try")
    assert [fact["attempt"] for fact in again.of("run_queued")] == [2]
    assert again.of("run_finished")[0]["run"] == first.of("run_finished")[0]["run"]


def test_both_attempts_can_be_looked_at(tmp_path: Path) -> None:
    repository, fixed = make_repository(tmp_path, FLAKY), tmp_path / "fixed"
    run_homeport(["run", "--var", f"FIXED={fixed}"], cwd=repository)
    fixed.touch()
    run_homeport(["rerun", "--failed"], cwd=repository)
    assert (show(cwd=repository)["attempt"], show(cwd=repository)["conclusion"]) == (2, "success")
    assert show("--attempt", "1", cwd=repository)["conclusion"] == "failure"
    assert "building" in command("logs", "--attempt", "1", "--job", "build", cwd=repository).stdout
    assert "building" in command("logs", "--job", "build", cwd=repository).stdout  # kept: read where it ran


def test_rerun_of_one_job_runs_it_and_what_depends_on_it(tmp_path: Path) -> None:
    repository, fixed = make_repository(tmp_path, FLAKY), tmp_path / "fixed"
    fixed.touch()
    assert run_homeport(["run", "--var", f"FIXED={fixed}"], cwd=repository).exit_code == 0
    again = run_homeport(["rerun", "--job", "test (1)"], cwd=repository)
    assert {fact["job"] for fact in again.of("job_started")} == {"test (1)", "deploy"}
    unknown = run_homeport(["rerun", "--job", "none"], cwd=repository)
    assert unknown.exit_code == 1
    assert "no job 'none'" in unknown.stderr


def test_rerun_of_all_runs_all_again(tmp_path: Path) -> None:
    repository, fixed = make_repository(tmp_path, FLAKY), tmp_path / "fixed"
    fixed.touch()
    run_homeport(["run", "--var", f"FIXED={fixed}"], cwd=repository)
    again = run_homeport(["rerun"], cwd=repository)
    assert len(again.of("job_started")) == 4
    assert again.exit_code == 0


def test_rerun_looks_secrets_up_again_and_never_keeps_them(tmp_path: Path, homeport_home: Path) -> None:
    workflow = """
        on: push
        jobs:
          one: {runs-on: ubuntu-latest, steps: [{run: 'test "${{ secrets.TOKEN }}" = "${{ vars.WANTED }}"'}]}
    """
    repository = make_repository(tmp_path, workflow)
    words = ["run", "--secret", "TOKEN", "--var", "WANTED=second-secret"]
    assert run_homeport(words, cwd=repository, env={"TOKEN": "first-secret"}).exit_code == 1
    assert run_homeport(["rerun"], cwd=repository, env={"TOKEN": "second-secret"}).exit_code == 0
    missing = run_homeport(["rerun"], cwd=repository)
    assert missing.exit_code == 2
    assert "no variable TOKEN" in missing.stderr
    kept = b"".join(path.read_bytes() for path in homeport_home.rglob("*") if path.is_file())
    assert b"first-secret" not in kept


def test_rerun_takes_over_how_the_run_was_carried_out(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          one: {runs-on: gpu, steps: [{run: 'test "$EXTRA" = "${{ vars.WANTED }}"'}]}
    """
    repository = make_repository(tmp_path, workflow)
    words = ["run", "--runner", "gpu=process", "--pass-env", "EXTRA", "--var", "WANTED=yes"]
    assert run_homeport(words, cwd=repository, env={"EXTRA": "no"}).exit_code == 1
    again = run_homeport(["rerun"], cwd=repository, env={"EXTRA": "yes"})
    assert (again.exit_code, again.conclusion) == (0, "success")


def test_run_failed_takes_the_workflow_as_it_is_now(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, FLAKY)
    assert run_homeport(["run", "--var", f"FIXED={tmp_path / 'never'}"], cwd=repository).exit_code == 1
    file = repository / ".github/workflows/ci.yml"
    file.write_text(file.read_text().replace("test -e ${{ vars.FIXED }}", "echo mended"))
    again = run_homeport(["run", "--failed"], cwd=repository)
    assert (again.exit_code, again.conclusion) == (0, "success")
    assert {fact["job"] for fact in again.of("job_started")} == {"test (2)", "deploy"}
    assert "mended" in again.lines("test (2)", "try")
    green = run_homeport(["run", "--failed"], cwd=repository)
    assert (green.exit_code, green.facts) == (0, ())
    assert "nothing failed in the last run" in green.stderr


def test_the_command_for_the_failed_part_can_be_pasted_as_it_is(tmp_path: Path) -> None:
    workflow = """
        on: {workflow_dispatch: {inputs: {who: {type: string}}}}
        jobs:
          build: {runs-on: my-machine, steps: [{run: 'test "${{ inputs.who }}" = "Ada B" && test "$TOKEN" = t0ken && exit 3', env: {TOKEN: '${{ secrets.TOKEN }}'}}]}
    """
    repository = make_repository(tmp_path, workflow)
    words = ["--event", "workflow_dispatch", "--input", "who=Ada B", "--runner", "my-machine=process"]
    first = command("run", *words, "--secret", "TOKEN=t0ken", cwd=repository)
    (told,) = [line for line in first.stdout.splitlines() if line.startswith("Re-run just the failed part: ")]
    assert "t0ken" not in told
    homeport, *again = shlex.split(told.partition(": ")[2])
    assert (homeport, again[:2]) == ("homeport", ["run", "--failed"])
    second = command(*again, cwd=repository, env={"TOKEN": "t0ken"})
    assert second.returncode == 1, second.stderr
    assert "attempt 2) failed" in second.stdout
    assert "failed with exit code 3" in second.stdout


def test_a_paused_job_goes_on_when_its_cause_is_mended(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - {id: first, run: 'echo first >> trace'}
              - {id: second, run: 'echo second >> trace; test -e ${{ vars.FIXED }}'}
              - {id: third, run: 'cat trace'}
    """
    repository, fixed = make_repository(tmp_path, workflow), tmp_path / "fixed"
    with LiveRun(["run", "--pause-on-failure", "--var", f"FIXED={fixed}"], cwd=repository) as live:
        paused = live.until("job_paused")
        assert (paused["job"], paused["step"], paused["number"]) == ("one", "second", 2)
        assert Path(paused["workspace"]).is_dir()
        wrong = command("retry", "--job", "none", cwd=repository)
        assert wrong.returncode == 1
        fixed.touch()
        done = command("retry", cwd=repository)
        assert done.returncode == 0, done.stderr
        answer = live.rest()
    assert (answer.exit_code, answer.conclusion) == (0, "success")
    assert [line for line in answer.lines("one", "third") if line in ("first", "second")] == [
        "first",
        "second",
        "second",
    ]


def test_a_paused_job_can_go_on_from_an_earlier_step(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - {run: 'echo first >> trace'}
              - {run: 'echo second >> trace; [ $(wc -l < trace) -ge 4 ]'}
              - {id: third, run: 'cat trace'}
    """
    repository = make_repository(tmp_path, workflow)
    with LiveRun(["run", "--pause-on-failure"], cwd=repository) as live:
        live.until("job_paused")
        assert command("retry", "--from-step", "1", cwd=repository).returncode == 0
        answer = live.rest()
    assert answer.conclusion == "success"
    assert [line for line in answer.lines("one", "third") if line in ("first", "second")] == ["first", "second"] * 2


def test_a_paused_job_can_be_given_up(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - run: exit 1
              - {id: clean, if: always(), run: echo cleaned}
        """,
    )
    with LiveRun(["run", "--pause-on-failure"], cwd=repository) as live:
        live.until("job_paused")
        assert command("cancel", cwd=repository).returncode == 0
        answer = live.rest()
    assert answer.exit_code == 1
    assert "cleaned" in answer.lines("one", "clean")


def test_a_killed_process_is_recovered_from_at_the_next_start(tmp_path: Path, homeport_home: Path) -> None:
    workflow = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps: [{id: work, run: 'echo $$ > ${{ vars.PID }}; echo started; [ -n "${{ vars.GO }}" ] || exec sleep 600'}]
          two: {needs: one, if: always(), runs-on: ubuntu-latest, steps: [{run: echo never}]}
    """
    repository, pid_file = make_repository(tmp_path, workflow), tmp_path / "pid"
    with LiveRun(["run", "--var", f"PID={pid_file}"], cwd=repository) as live:
        live.until_printed("started")
        live.process.kill()
        live.process.wait()
    assert show(cwd=repository)["status"] == "lost"
    orphan = int(pid_file.read_text())
    os.kill(orphan, 0)
    again = run_homeport(["run", "--var", "GO=yes", "--var", f"PID={os.devnull}"], cwd=repository)
    assert again.exit_code == 0
    assert "run 1 was left open by a process that died" in again.stderr
    lost = show("1", cwd=repository)
    assert (lost["status"], lost["conclusion"]) == ("completed", "failure")
    jobs = {job["job"]: (job["conclusion"], job["reason"]) for job in lost["jobs"]}
    assert jobs["one"] == ("failure", "the process that carried it out ended without concluding it")
    assert jobs["two"][0] == "cancelled"
    assert [step["conclusion"] for step in lost["jobs"][0]["steps"]] == ["cancelled"]
    assert list((homeport_home / "work").iterdir()) == []
    assert not is_running(orphan)
    third = run_homeport(["run", "--var", "GO=yes", "--var", f"PID={os.devnull}"], cwd=repository)
    assert "left open" not in third.stderr

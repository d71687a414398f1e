"""`homeport run`: which end gives which exit code, and what is said."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.homeport import TIMEOUT_SECONDS, environment, run_homeport
from tests.support.projects import make_repository

GREEN = """
    on: push
    jobs:
      one: {runs-on: ubuntu-latest, steps: [{run: echo hello}]}
"""
RED = """
    on: push
    jobs:
      one: {runs-on: ubuntu-latest, steps: [{run: exit 3}]}
"""
TAGS_ONLY = """
    name: Release
    on: {push: {tags: ['v*']}}
    jobs:
      one: {runs-on: ubuntu-latest, steps: [{run: echo hello}]}
"""


def homeport(words: list[str], cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "homeport", *words],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_a_green_run_is_0(tmp_path: Path) -> None:
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, GREEN))
    assert (answer.exit_code, answer.conclusion, answer.stderr) == (0, "success", "")


def test_a_red_run_is_1(tmp_path: Path) -> None:
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, RED))
    assert (answer.exit_code, answer.conclusion) == (1, "failure")
    assert answer.step("one", "__run")["exit_code"] == 3


def test_one_red_run_among_green_ones_is_1(tmp_path: Path) -> None:
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, {"a.yml": GREEN, "b.yml": RED}))
    assert answer.exit_code == 1
    assert {fact["workflow"]: fact["conclusion"] for fact in answer.of("run_finished")} == {
        ".github/workflows/a.yml": "success",
        ".github/workflows/b.yml": "failure",
    }


def test_a_run_whose_jobs_are_all_skipped_is_0(tmp_path: Path) -> None:
    workflow = "on: push\njobs: {one: {if: false, runs-on: ubuntu-latest, steps: [{run: x}]}}\n"
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, workflow))
    assert (answer.exit_code, answer.conclusion) == (0, "skipped")


def test_nothing_that_starts_is_0_with_the_reason(tmp_path: Path) -> None:
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, {"release.yml": TAGS_ONLY}))
    assert answer.exit_code == 0
    (fact,) = answer.facts
    assert (fact["type"], fact["workflow"]) == ("workflow_not_started", ".github/workflows/release.yml")
    assert "tag" in fact["reason"]


@pytest.mark.parametrize("name", ["Release", "release.yml", ".github/workflows/release.yml"])
def test_a_named_workflow_that_does_not_start_is_2(tmp_path: Path, name: str) -> None:
    answer = run_homeport(["run", name], cwd=make_repository(tmp_path, {"release.yml": TAGS_ONLY, "ci.yml": GREEN}))
    assert answer.exit_code == 2
    assert [fact["type"] for fact in answer.facts] == ["workflow_not_started"]


def test_workflows_are_chosen_by_name_or_file(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {"release.yml": TAGS_ONLY, "ci.yml": GREEN, "red.yml": RED})
    answer = run_homeport(["run", "ci.yml"], cwd=repository)
    assert answer.exit_code == 0
    assert [fact["workflow"] for fact in answer.of("run_queued")] == [".github/workflows/ci.yml"]


def test_a_workflow_that_github_would_refuse_is_2_and_nothing_runs(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path, {"a.yml": GREEN, "b.yml": "on: push\njobs: {one: {runs-on: x, stepz: []}}\n"}
    )
    answer = run_homeport(["run"], cwd=repository)
    assert answer.exit_code == 2
    assert answer.facts == ()
    assert ".github/workflows/b.yml:2:" in answer.stderr
    assert "stepz" in answer.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--evnt", "push"], "did you mean --event?"),
        (["--event", "pusch"], "did you mean 'push'?"),
        (["none.yml"], "no workflow is called 'none.yml'"),
        (["--job", "onne"], "did you mean one?"),
        (["--matrix", "x"], "expected KEY:VALUE"),
        (["--secret", "NOT_THERE"], "the environment has no variable NOT_THERE"),
        (["--secret-file", "none.env"], "cannot read"),
        (["--executor", "container"], "no job that starts names a `container:`"),
        (["--executor", "vm"], "--executor is 'vm'"),
        (["--actions", "theirs"], "--actions is 'theirs'"),
        (["--runner", "windows-latest=container:"], "there is no target 'container:'"),
        (["--runner", "windows-latest=vm"], "there are: process, sandbox, container:IMAGE"),
        (["--sandbox-network", "off"], "is for sandboxed jobs, and none is"),
        (["--executor", "sandbox", "--limit", "memory=lots"], "memory"),
        (["--runner", "windows-latest"], "expected LABEL=TARGET"),
        (["--parallel", "0"], "at least 1"),
        (["--input", "a=b"], "--input is for workflow_dispatch"),
        (["--shell-on-failure"], "needs a terminal"),
        (["--failed"], "was run here yet"),
    ],
)
def test_a_mistake_in_the_call_is_2_and_says_what_was_meant(tmp_path: Path, words: list[str], said: str) -> None:
    done = homeport(["run", *words], make_repository(tmp_path, GREEN))
    assert done.returncode == 2, done
    assert said in done.stderr
    assert done.stdout == ""


def test_a_store_that_cannot_be_written_is_1_without_a_trace(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = homeport(["run"], make_repository(tmp_path, GREEN), {"HOMEPORT_HOME": str(blocked / "home")})
    assert done.returncode == 1
    assert "Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_nobody_reads_ends_the_run_with_its_cleanup(tmp_path: Path) -> None:
    cleaned = tmp_path / "cleaned"
    repository = make_repository(
        tmp_path,
        f"""
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - run: |
                  trap 'exit 1' INT
                  while true; do echo more; sleep 0.05; done
              - if: always()
                run: touch {cleaned}
        """,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "homeport", "run", "--format", "json"],
        cwd=repository,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(TIMEOUT_SECONDS) == 1
    assert cleaned.exists()
    assert b"Traceback" not in said


def test_a_secret_on_the_command_line_is_warned_about_and_masked(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps: [{id: say, run: 'echo "it is $TOKEN"', env: {TOKEN: '${{ secrets.TOKEN }}'}}]
    """
    answer = run_homeport(["run", "--secret", "TOKEN=hunter22"], cwd=make_repository(tmp_path, workflow))
    assert "it is ***" in answer.lines("one", "say")
    assert "shows in the list of processes" in answer.stderr
    assert "hunter22" not in answer.stderr + json.dumps(answer.facts)


def test_secrets_and_variables_come_from_files_and_the_environment(tmp_path: Path) -> None:
    workflow = """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - id: say
                run: |
                  [ "${{ secrets.A }}" = one ] && [ "${{ secrets.B }}" = two ] && echo "${{ vars.C }} ${{ vars.D }}"
    """
    repository = make_repository(tmp_path, workflow, files={"secrets.env": "A=one\n", "vars.env": "C=file\nD=file\n"})
    words = ["run", "--secret-file", "secrets.env", "--secret", "B", "--var-file", "vars.env", "--var", "D=given"]
    answer = run_homeport(words, cwd=repository, env={"B": "two"})
    assert answer.exit_code == 0, answer.describe()
    assert "file given" in answer.lines("one", "say")


def test_the_facts_of_a_run_have_the_shape_of_the_contract(tmp_path: Path) -> None:
    """The table of facts: every kind that this run has, with at least these fields."""
    workflow = """
        on: push
        jobs:
          one:
            name: First
            runs-on: ubuntu-latest
            strategy: {matrix: {n: [1]}}
            outputs: {x: '${{ steps.out.outputs.x }}'}
            steps:
              - {id: out, run: 'echo x=1 >> $GITHUB_OUTPUT; echo "::warning file=a.c,line=3::careful"'}
    """
    answer = run_homeport(["run"], cwd=make_repository(tmp_path, workflow))
    expected = {
        "run_queued": {"workflow", "name", "event", "run_name"},
        "job_started": {"job", "job_id", "name", "matrix", "runner"},
        "step_started": {"job", "step", "number", "name"},
        "lines_logged": {"job", "step", "lines"},
        "annotation_raised": {"job", "step", "severity", "message", "file", "line", "column", "title"},
        "step_finished": {"job", "step", "name", "outcome", "conclusion", "exit_code", "outputs"},
        "job_finished": {"job", "job_id", "name", "matrix", "conclusion", "outcome", "outputs", "reason"},
        "run_finished": {"run", "workflow", "conclusion"},
    }
    for kind, fields in expected.items():
        facts = answer.of(kind)
        assert facts, f"no {kind}"
        for fact in facts:
            assert fields | {"type", "at", "run"} <= fact.keys()
    job = answer.job("one (1)")
    assert (job["job_id"], job["name"], job["matrix"], job["outputs"]) == ("one", "First (1)", {"n": 1}, {"x": "1"})
    (warning,) = answer.of("annotation_raised")
    assert (warning["severity"], warning["message"], warning["line"]) == ("warning", "careful", 3)
    assert answer.lines("one (1)", "out")[0].startswith("##[group]Run ")


def test_a_dry_run_shows_the_plan_and_runs_nothing(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, GREEN)
    done = homeport(["run", "--dry-run", "--format", "json"], repository)
    assert done.returncode == 0
    (workflow,) = json.loads(done.stdout)["workflows"]
    assert workflow["starts"] is True
    assert [job["id"] for job in workflow["jobs"]] == ["one"]
    assert homeport(["runs", "--format", "json"], repository).stdout == "[]\n"


def test_nothing_is_left_in_the_working_tree(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, GREEN)
    before = sorted(os.listdir(repository))
    run_homeport(["run"], cwd=repository)
    assert sorted(os.listdir(repository)) == before

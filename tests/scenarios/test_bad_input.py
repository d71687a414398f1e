"""Bad input of every kind through the real command line: a clear message with its place, the right exit code, nothing that hangs."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.disks import small_disk
from tests.support.homeport import TIMEOUT_SECONDS, environment, run_homeport
from tests.support.projects import make_repository

JOB = "jobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n"
LEGS = ", ".join(str(number) for number in range(257))


def homeport(words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "homeport", *words],
        cwd=cwd, env=environment(), capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS,
        stdin=subprocess.DEVNULL, errors="replace",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("on: push\njobs: [unclosed\n", "", "ci.yml"),
        ("on: push\njobs:\n\tone: 1\n", ":3:", "tab"),
        ("", ":1:1", "empty"),
        ("on: push\n" + JOB + "# " + "x" * (2 << 20), "", "1,048,576"),
        ("on: " + "[" * 10_000 + "]" * 10_000 + "\n" + JOB, "", "50"),
        ("on: push\nname: a\0b\n" + JOB, ":2:", "ci.yml"),
        ("on: push\njobs:\n  a: {needs: b, runs-on: x, steps: [{run: a}]}\n  b: {needs: a, runs-on: x, steps: [{run: b}]}\n", ":3:", "no job can start"),
        (f"on: push\njobs:\n  a:\n    strategy: {{matrix: {{n: [{LEGS}]}}}}\n    runs-on: x\n    steps: [{{run: a}}]\n", ":4:", "256"),
        ("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: ${{ github.", ":6:", "ci.yml"),
    ],
    ids=["not-yaml", "tab", "empty", "two-mebibytes", "nested-brackets", "nul", "cycle", "257-legs", "unclosed-expression"],
)  # fmt: skip
def test_a_workflow_that_github_would_refuse_is_refused_with_its_place(
    tmp_path: Path, text: str, place: str, words: str
) -> None:
    repository = make_repository(tmp_path, {"ci.yml": text})
    ran = homeport(["run"], repository)
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert f"ci.yml{place}" in ran.stdout + ran.stderr
    assert words in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    checked = homeport(["check"], repository)
    assert checked.returncode == 1
    assert f"ci.yml{place}" in checked.stdout


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {"ci.yml": "on: push\n"})
    (repository / ".github/workflows/ci.yml").write_bytes(b"on: push\nname: \xff\xfe\n")
    ran = homeport(["run"], repository)
    assert ran.returncode == 2
    assert "UTF-8" in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{run: echo, shell: fish-that-is-not-there}", "fish-that-is-not-there"),
        ("{uses: ./no/such/action}", "no/such/action"),
        ("{uses: somebody/something@v1}", "somebody/something"),
        ("{uses: docker://alpine:3}", "docker"),
        ("{run: echo, working-directory: nowhere/at/all}", "nowhere/at/all"),
    ],
    ids=["unknown-shell", "missing-action", "remote-action", "image-action", "missing-folder"],
)
def test_what_is_missing_fails_its_job_by_name(tmp_path: Path, step: str, words: str) -> None:
    repository = make_repository(
        tmp_path, f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - {step}\n"
    )
    answer = run_homeport(["run"], cwd=repository)
    assert answer.conclusions == {"one": "failure"}, answer.describe()
    assert answer.exit_code == 1
    raised = " ".join(fact["message"] for fact in answer.of("annotation_raised", severity="error"))
    assert words in raised + " ".join(answer.lines())


def test_an_expression_that_fails_while_running_points_at_its_line(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo fine\n"
        "      - run: echo ${{ fromJSON('{broken') }}\n",
    )
    answer = run_homeport(["run"], cwd=repository)
    assert answer.conclusion == "failure"
    (annotation,) = answer.of("annotation_raised", severity="error")
    assert annotation["file"].endswith("ci.yml")
    assert (annotation["line"], annotation["column"]) == (7, 23)


def test_a_flood_of_output_is_kept_in_bounded_memory(tmp_path: Path) -> None:
    """A gibibyte of lines, a line of 100 MB and bytes that are no UTF-8."""
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - run: yes "a line of the flood which is some sixty-four bytes long or so it is" | head -c 1G
              - run: head -c 100M /dev/zero | tr '\\0' x
              - run: "printf 'bad \\\\xff\\\\xfe bytes\\\\n'"
              - run: echo the end
        """,
    )
    # started by a small process: the kernel counts what a program's parent had before the program began
    code = (
        "import os, sys; null = os.open(os.devnull, os.O_WRONLY); "
        "actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]; "
        "pid = os.posix_spawn(sys.executable, sys.argv[1:], os.environ, file_actions=actions); "
        "_, status, usage = os.wait4(pid, 0); print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)"
    )
    words = [sys.executable, "-c", code, sys.executable, "-m", "homeport", "run"]
    done = subprocess.run(words, cwd=repository, env=environment(), capture_output=True, text=True, check=True)
    exit_code, peak = map(int, done.stdout.split())
    assert exit_code == 0
    assert peak < 150 * (1024 if sys.platform == "linux" else 1024 * 1024)


def test_invalid_utf8_is_replaced_not_fatal(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - id: bad\n        run: printf 'bad \\xff bytes\\n'\n",
    )
    answer = run_homeport(["run"], cwd=repository)
    assert "bad \ufffd bytes" in answer.lines("one", "bad")


def test_a_child_that_is_killed_is_a_failure_that_says_so(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - {id: dies, run: kill -9 $$}\n",
    )
    answer = run_homeport(["run"], cwd=repository)
    finished = answer.step("one", "dies")
    assert finished["conclusion"] == "failure"
    assert finished["exit_code"] in (137, -signal.SIGKILL)


def test_a_folder_that_is_no_git_repository_still_runs(tmp_path: Path) -> None:
    workflows = tmp_path / "plain" / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ci.yml").write_text(
        "on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}, {run: test -e here}]}}\n"
    )
    (tmp_path / "plain" / "here").write_text("")
    answer = run_homeport(["run"], cwd=tmp_path / "plain")
    assert answer.conclusion == "success", answer.describe()


def test_a_folder_without_workflows_says_what_to_do(tmp_path: Path) -> None:
    ran = homeport(["run"], tmp_path)
    assert ran.returncode == 2
    assert ".github/workflows" in ran.stderr


def test_a_full_disk_is_said_and_nothing_hangs(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: head -c 20M /dev/zero | base64\n      - run: echo after\n",
    )
    with small_disk(tmp_path / "small", "2m") as home:
        process = subprocess.run(
            [sys.executable, "-m", "homeport", "run"],
            cwd=repository, env=environment({"HOMEPORT_HOME": str(home)}),
            capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
    assert process.returncode != 0
    assert "No space left" in process.stdout + process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize("steps", ["", "    steps: []\n"], ids=["none", "empty"])
def test_a_job_without_steps_is_never_green(tmp_path: Path, steps: str) -> None:
    """GitHub: "No steps defined in `steps` and no workflow called in `uses` for the following jobs" (decision 12)."""
    repository = make_repository(tmp_path, f"on: push\njobs:\n  idle:\n    runs-on: ubuntu-latest\n{steps}")
    answer = run_homeport(["run"], cwd=repository)
    assert answer.conclusions == {"idle": "failure"}
    assert "steps" in answer.job("idle")["reason"]
    (annotation,) = answer.of("annotation_raised", severity="error")
    assert (annotation["line"], annotation["column"]) == (3, 3)

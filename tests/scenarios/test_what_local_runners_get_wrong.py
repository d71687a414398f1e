"""One scenario for each thing that today's local runner was seen to get wrong, through the real command line and real processes.

None of them measures time: what must happen before something else is made a condition of the workflow (a step waits, within a
bound, for a file that only the right order of events makes).
"""

import base64
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.homeport import TIMEOUT_SECONDS, environment, run_homeport
from tests.support.projects import make_repository

AWAIT = 'await() { for _ in $(seq 600); do [ -e "$1" ] && return; sleep 0.1; done; echo "no $1"; exit 1; }; '
"""A shell function: wait, at most a minute, for a file."""


def test_a_job_that_runs_out_of_its_fractional_time_is_cancelled_and_its_cleanup_runs(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          slow:
            runs-on: ubuntu-latest
            timeout-minutes: 0.02
            steps:
              - id: long
                run: sleep 300
              - id: cleanup
                if: always()
                run: echo cleaned up
        """,
    )
    answer = run_homeport(["run"], cwd=repository)
    assert answer.conclusions == {"slow": "cancelled"}
    assert "cleaned up" in answer.lines("slow", "cleanup")
    assert answer.exit_code == 1


def test_a_step_that_runs_out_of_its_fractional_time_fails(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - id: long
                timeout-minutes: 0.01
                run: sleep 300
        """,
    )
    answer = run_homeport(["run"], cwd=repository)
    assert answer.step("one", "long")["conclusion"] == "failure"
    assert answer.conclusions == {"one": "failure"}


def test_a_job_may_fail_where_it_says_so_and_what_needs_it_sees_success(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          flaky:
            runs-on: ubuntu-latest
            continue-on-error: true
            steps:
              - run: exit 1
          after:
            needs: flaky
            runs-on: ubuntu-latest
            steps:
              - run: test "${{ needs.flaky.result }}" = success
        """,
    )
    answer = run_homeport(["run"], cwd=repository)
    assert answer.job("flaky")["outcome"] == "failure"
    assert answer.conclusions == {"flaky": "success", "after": "success"}
    assert (answer.conclusion, answer.exit_code) == ("success", 0)


def test_a_newer_run_of_the_group_cancels_the_one_in_progress(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        concurrency:
          group: deploy
          cancel-in-progress: true
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - id: work
                run: |
                  if [ "${{ vars.FIRST }}" = yes ]; then echo started; sleep 300; fi
        """,
    )
    first = subprocess.Popen(
        [sys.executable, "-m", "homeport", "run", "--var", "FIRST=yes", "--format", "json"],
        cwd=repository, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdout is not None
    for line in first.stdout:
        if "lines_logged" in line and "started" in json.loads(line)["lines"]:
            break
    second = run_homeport(["run"], cwd=repository)
    rest, _ = first.communicate(timeout=TIMEOUT_SECONDS)
    finished = [json.loads(line) for line in rest.splitlines()]
    assert second.conclusion == "success", second.describe()
    assert finished[-1]["type"] == "run_finished"
    assert finished[-1]["conclusion"] == "cancelled"
    assert first.returncode == 1


def test_fail_fast_cancels_siblings_and_each_is_reported_as_it_ended(tmp_path: Path) -> None:
    signpost = tmp_path / "green-is-done"
    repository = make_repository(
        tmp_path,
        f"""
        on: push
        jobs:
          legs:
            runs-on: ubuntu-latest
            strategy:
              matrix:
                kind: [green, red, slow, never]
            steps:
              - run: |
                  {AWAIT}
                  case ${{{{ matrix.kind }}}} in
                    green) touch {signpost};;
                    red) await {signpost}; sleep 0.2; exit 1;;
                    *) sleep 300;;
                  esac
        """,
    )
    answer = run_homeport(["run", "--parallel", "3"], cwd=repository)
    assert answer.conclusions == {
        "legs (green)": "success",
        "legs (red)": "failure",
        "legs (slow)": "cancelled",
        "legs (never)": "cancelled",
    }


def test_a_job_starts_when_its_own_needs_are_done_not_when_others_are(tmp_path: Path) -> None:
    signpost = tmp_path / "dependant-ran"
    repository = make_repository(
        tmp_path,
        f"""
        on: push
        jobs:
          slow:
            runs-on: ubuntu-latest
            steps:
              - run: "{AWAIT} await {signpost}"
          fast:
            runs-on: ubuntu-latest
            steps:
              - run: echo fast
          dependant:
            needs: fast
            runs-on: ubuntu-latest
            steps:
              - run: touch {signpost}
        """.replace('"$1"', "$1").replace('"no $1"', "missing"),
    )
    answer = run_homeport(["run", "--parallel", "2"], cwd=repository)
    assert answer.conclusions == {"slow": "success", "fast": "success", "dependant": "success"}, answer.describe()


def test_filters_keep_workflows_away_and_say_why(tmp_path: Path) -> None:
    job = "jobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}"
    repository = make_repository(
        tmp_path,
        {
            "branch.yml": f"on: {{push: {{branches: ['release/**']}}}}\n{job}",
            "path.yml": f"on: {{push: {{paths: ['docs/**']}}}}\n{job}",
            "both.yml": f"on: push\n{job}",
        },
        files={"code.py": "1\n"},
    )
    answer = run_homeport(["run"], cwd=repository)
    reasons = {Path(fact["workflow"]).name: fact["reason"] for fact in answer.of("workflow_not_started")}
    assert set(reasons) == {"branch.yml", "path.yml"}
    assert "release/**" in reasons["branch.yml"]
    assert "main" in reasons["branch.yml"]
    assert "docs/**" in reasons["path.yml"]
    assert [Path(fact["workflow"]).name for fact in answer.of("run_finished")] == ["both.yml"]


def test_services_that_cannot_be_started_fail_the_job_before_a_step_runs(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          with-database:
            runs-on: ubuntu-latest
            services:
              postgres:
                image: nobody/knows-this:16
            steps:
              - run: echo must not be reached
        """,
    )
    answer = run_homeport(["run", "--services", "native"], cwd=repository)
    assert answer.conclusions == {"with-database": "failure"}
    assert "The service 'postgres' cannot be started" in answer.job("with-database")["reason"]
    assert not any("must not be reached" in line for line in answer.lines())
    (annotation,) = answer.of("annotation_raised", severity="error")
    assert annotation["file"].endswith(".yml")
    assert annotation["line"] == 8
    assert answer.exit_code == 1


@pytest.mark.parametrize(("policy", "conclusion", "code"), [("fail", "failure", 1), ("skip", "skipped", 0)])
def test_a_job_without_a_runner_is_never_green(tmp_path: Path, policy: str, conclusion: str, code: int) -> None:
    repository = make_repository(
        tmp_path, "on: push\njobs: {mac: {runs-on: macos-latest, steps: [{run: echo unreachable}]}}"
    )
    answer = run_homeport(["run", "--missing-runner", policy], cwd=repository)
    finished = answer.job("mac")
    assert (finished["conclusion"], answer.exit_code) == (conclusion, code), answer.describe()
    assert "macos-latest" in finished["reason"]
    text = subprocess.run(
        [sys.executable, "-m", "homeport", "run", "--missing-runner", policy],
        cwd=repository, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "mac" in text.stdout + text.stderr
    if policy == "skip":
        last = [line for line in (text.stdout + text.stderr).splitlines() if line.strip()][-1]
        assert "mac" in last


def test_every_form_of_a_secret_is_masked(tmp_path: Path) -> None:
    secret = "first-line-of-it\nsecond+line/of it"
    encoded = base64.b64encode(secret.encode()).decode()
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          leaky:
            runs-on: ubuntu-latest
            env:
              SECRET: ${{ secrets.SECRET }}
            steps:
              - run: |
                  echo "$SECRET"
                  echo "$SECRET" | head -n 1
                  printf %s "$SECRET" | base64 -w0; echo
                  printf %s "user:$SECRET" | base64 -w0; echo
                  printf 'first-line'; sleep 0.1; echo '-of-it'
                  derived=$(printf 'derived%s' -value)
                  echo "::add-mask::$derived"
                  echo "$derived and $(printf %s "$derived" | base64)"
        """,
    )
    answer = run_homeport(["run", "--secret", "SECRET"], cwd=repository, env={"SECRET": secret})
    printed = "\n".join(answer.lines())
    assert answer.conclusion == "success", answer.describe()
    forms = [
        "first-line-of-it",
        "second+line/of it",
        encoded,
        "derived-value and",
        base64.b64encode(b"derived-value").decode(),
    ]
    assert [form for form in forms if form in printed] == []
    whole = base64.b64encode(f"user:{secret}".encode()).decode()
    assert whole not in printed
    assert "***" in printed
    stored = "".join(
        path.read_text(errors="replace") for path in Path(os.environ["HOMEPORT_HOME"]).rglob("*") if path.is_file()
    )
    assert [form for form in ("first-line-of-it", "second+line", encoded) if form in stored] == []


def test_a_background_process_lives_as_long_as_its_job_and_not_longer(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    repository = make_repository(
        tmp_path,
        f"""
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - run: |
                  setsid sleep 3000 &
                  echo $! > {pid_file}
              - id: later
                run: kill -0 $(cat {pid_file}) && echo still alive
        """,
    )
    answer = run_homeport(["run"], cwd=repository)
    assert "still alive" in answer.lines("one", "later"), answer.describe()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_an_interrupt_reaches_the_step_and_its_cleanup_runs(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - id: work
                run: |
                  trap 'echo trapped; exit 3' INT
                  echo ready
                  for _ in $(seq 3000); do sleep 0.1; done
              - id: cancelled
                if: cancelled()
                run: echo cleaned up
              - id: skipped
                run: echo not reached
        """,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "homeport", "run", "--format", "json"],
        cwd=repository, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    facts = []
    for line in process.stdout:
        facts.append(json.loads(line))
        if facts[-1]["type"] == "lines_logged" and "ready" in facts[-1]["lines"]:
            process.send_signal(signal.SIGINT)
    process.communicate(timeout=TIMEOUT_SECONDS)
    lines = [line for fact in facts if fact["type"] == "lines_logged" for line in fact["lines"]]
    assert "trapped" in lines
    assert "cleaned up" in lines
    assert "not reached" not in lines
    assert facts[-1]["conclusion"] == "cancelled"
    assert process.returncode == 130


def test_what_other_local_runners_do_not_know_is_there(tmp_path: Path) -> None:
    """Parallel steps, annotations, problem matchers, summaries, `strategy.*`, run numbers and `run-name`."""
    matcher = {
        "problemMatcher": [
            {"owner": "toy", "pattern": [{"regexp": r"^(\S+):(\d+): (.*)$", "file": 1, "line": 2, "message": 3}]}
        ]
    }
    repository = make_repository(
        tmp_path,
        """
        run-name: Run by ${{ github.actor }}
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            strategy:
              matrix:
                n: [1, 2]
            steps:
              - uses: actions/checkout@v4
              - parallel:
                  - id: left
                    run: echo "side=left" >> "$GITHUB_OUTPUT"
                  - id: right
                    run: echo "side=right" >> "$GITHUB_OUTPUT"
              - id: after
                run: |
                  test "${{ steps.left.outputs.side }}${{ steps.right.outputs.side }}" = leftright
                  echo "index=${{ strategy.job-index }} total=${{ strategy.job-total }} number=${{ github.run_number }}"
                  echo "::notice file=code.py,line=1,title=Look::here"
                  echo "::add-matcher::matcher.json"
                  echo "code.py:7: something is off"
                  echo "# Done" >> "$GITHUB_STEP_SUMMARY"
        """,
        files={"matcher.json": json.dumps(matcher), "code.py": "1\n"},
    )
    run_homeport(["run"], cwd=repository)
    answer = run_homeport(["run", "--actor", "ada"], cwd=repository)
    assert answer.conclusion == "success", answer.describe()
    assert answer.of("run_queued")[0]["run_name"] == "Run by ada"
    assert "index=0 total=2 number=2" in answer.lines("one (1)", "after")
    assert "index=1 total=2 number=2" in answer.lines("one (2)", "after")
    raised = {
        (fact["severity"], fact["message"], fact["file"], fact["line"])
        for fact in answer.of("annotation_raised", job="one (1)")
    }
    assert ("notice", "here", "code.py", 1) in raised
    assert ("error", "something is off", "code.py", 7) in raised
    assert [fact["markdown"].strip() for fact in answer.of("summary_written", job="one (1)")] == ["# Done"]


def test_the_hosts_environment_stays_out(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - id: look
                run: |
                  echo "context: ${{ toJSON(env) }}"
                  env
        """,
    )
    answer = run_homeport(["run"], cwd=repository, env={"MY_PRIVATE_TOKEN": "hosts-own"})
    assert answer.conclusion == "success"
    assert not any("hosts-own" in line for line in answer.lines())
    passed = run_homeport(
        ["run", "--pass-env", "MY_PRIVATE_TOKEN"], cwd=repository, env={"MY_PRIVATE_TOKEN": "hosts-own"}
    )
    assert "MY_PRIVATE_TOKEN=hosts-own" in passed.lines("one", "look")
    assert not any(line.startswith("context:") and "hosts-own" in line for line in passed.lines())


def test_artifacts_go_from_job_to_job_without_being_asked_for(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          make:
            runs-on: ubuntu-latest
            steps:
              - run: echo content > made.txt
              - uses: actions/upload-artifact@v4
                with: {name: made, path: made.txt}
          take:
            needs: make
            runs-on: ubuntu-latest
            steps:
              - uses: actions/download-artifact@v4
                with: {name: made}
              - run: test "$(cat made.txt)" = content
        """,
    )
    answer = run_homeport(["run"], cwd=repository)
    assert answer.conclusions == {"make": "success", "take": "success"}, answer.describe()


def test_a_run_ends_with_a_summary_that_says_what_to_do_next(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          good: {runs-on: ubuntu-latest, steps: [{run: echo fine}]}
          bad: {runs-on: ubuntu-latest, steps: [{name: Break it, run: echo the reason; exit 7}]}
          after: {needs: bad, runs-on: ubuntu-latest, steps: [{run: echo}]}
        """,
    )
    process = subprocess.run(
        [sys.executable, "-m", "homeport", "run"],
        cwd=repository, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = process.stdout + process.stderr
    assert process.returncode == 1
    assert "the reason" in said
    assert "step 1 'Break it' failed with exit code 7" in said or "Break it" in said
    assert "--failed" in said
    assert "\x1b[" not in said


def test_a_shell_opens_where_a_step_failed(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        """
        on: push
        jobs:
          one:
            runs-on: ubuntu-latest
            steps:
              - run: echo evidence > left-behind; exit 1
        """,
    )
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "homeport", "run", "--shell-on-failure"],
        cwd=repository,
        env=environment({"SHELL": "/bin/sh"}),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    os.write(controller, b"cat left-behind; exit\n")
    shown = b""
    # A terminal that was closed at its other end says so by an error (Linux) or an empty read (macOS).
    with contextlib.suppress(OSError):
        while chunk := os.read(controller, 4096):
            shown += chunk
    os.close(controller)
    assert process.wait(TIMEOUT_SECONDS) == 1
    assert b"evidence" in shown

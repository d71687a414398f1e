"""Reusable workflows of other repositories: fetched when a plan needs them, nested ones too, and run as if they were one's own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.git_http import git_server
from tests.support.homeport import Answer, environment, run_homeport
from tests.support.projects import make_repository
from tests.support.published import composite, publish, run

CALL = """
on: push
jobs:
  call:
    uses: o/flows/.github/workflows/outer.yml@v1
    with: {who: Ada}
    secrets: inherit
"""
OUTER = """
on:
  workflow_call:
    inputs: {who: {type: string, required: true}}
    secrets: {TOKEN: {required: false}}
    outputs: {greeting: {value: "${{ jobs.greet.outputs.greeting }}"}}
jobs:
  greet:
    runs-on: ubuntu-latest
    outputs: {greeting: "${{ steps.greet.outputs.text }}"}
    steps:
      - id: greet
        run: echo "text=Hello ${{ inputs.who }}" >> "$GITHUB_OUTPUT"
      - run: echo "said ${{ job.workflow_ref }} ${{ job.workflow_sha }} ${{ job.workflow_file_path }} of ${{ github.workflow_ref }}"
      - uses: $/tools/say
  deeper:
    uses: ./.github/workflows/inner.yml
  deeper-with-secrets:
    uses: $/.github/workflows/inner.yml
    secrets: inherit
"""
INNER = """
on: {workflow_call: {secrets: {TOKEN: {required: false}}}}
jobs:
  inner:
    runs-on: ubuntu-latest
    steps:
      - run: echo "said deep, with ${{ secrets.TOKEN && 'a' || 'no' }} token"
"""


def flows(published: Path, *tags: str, outer: str = OUTER) -> str:
    files = {
        ".github/workflows/outer.yml": outer,
        ".github/workflows/inner.yml": INNER,
        "tools/say/action.yml": composite("run: echo said by its own tool\nshell: bash"),
    }
    return publish(published, "o/flows", files, *tags)


def said(answer: Answer, job: str | None = None) -> list[str]:
    return [line for line in answer.lines(job) if line.startswith("said") and "$" not in line]


def text_of(folder: Path, source: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "homeport", *words],
        cwd=folder,
        env=environment({"HOMEPORT_ACTION_SOURCE": source}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_workflow_of_another_repository_runs_with_all_that_it_calls(tmp_path: Path) -> None:
    published = tmp_path / "published"
    sha = flows(published, "v1")
    caller = (
        CALL
        + "  after:\n    needs: call\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo said ${{ needs.call.outputs.greeting }}'}]\n"
    )
    folder = make_repository(tmp_path, caller)
    with git_server(published) as server:
        source = server.address
        answer = run(folder, source, "--secret", "TOKEN", TOKEN="t0ken-value")
    assert answer.exit_code == 0, answer.describe()
    assert said(answer, "call/greet") == [
        f"said o/flows/.github/workflows/outer.yml@refs/tags/v1 {sha} .github/workflows/outer.yml "
        "of local/project/.github/workflows/ci.yml@refs/heads/main",
        "said by its own tool",
    ]
    assert said(answer, "call/deeper/inner") == ["said deep, with no token"], "secrets are passed on one hop at a time"
    assert said(answer, "call/deeper-with-secrets/inner") == ["said deep, with a token"]
    assert said(answer, "after") == ["said Hello Ada"]
    offline = run(folder, source)
    assert offline.exit_code == 0, offline.describe()
    assert f"{source}/o/flows cannot be reached; o/flows@v1 is used as it was last seen: {sha}" in offline.stderr


@pytest.mark.parametrize("words", [["plan"], ["run", "--dry-run"], ["why", "call/greet"]])
def test_what_only_looks_ahead_fetches_too(tmp_path: Path, words: list[str]) -> None:
    flows(tmp_path / "published", "v1")
    done = text_of(make_repository(tmp_path, CALL), str(tmp_path / "published"), *words)
    assert done.returncode == 0, done.stderr
    assert "greet" in done.stdout


def test_what_does_not_exist_is_refused_as_github_does(tmp_path: Path) -> None:
    flows(tmp_path / "published", "v1")
    text = CALL.replace("outer.yml@v1", "none.yml@v1").replace(
        "jobs:\n", "jobs:\n  other:\n    uses: o/flows/.github/workflows/inner.yml@v9\n"
    )
    done = text_of(make_repository(tmp_path, text), str(tmp_path / "published"), "run")
    assert done.returncode == 2
    assert (
        "ci.yml:5:11: error: the called workflow 'o/flows/.github/workflows/inner.yml@v9' is not valid" in done.stderr
    )
    assert "unable to find version `v9`" in done.stderr
    assert (
        "ci.yml:7:11: error: the called workflow 'o/flows/.github/workflows/none.yml@v1' is not valid: workflow was not found"
        in done.stderr
    )


def test_a_mistake_in_the_called_workflow_is_shown_with_its_text(tmp_path: Path) -> None:
    flows(
        tmp_path / "published",
        "v1",
        outer=OUTER.replace("runs-on: ubuntu-latest", "runs-on: ubuntu-latest\n    stepz: []", 1),
    )
    done = text_of(make_repository(tmp_path, CALL), str(tmp_path / "published"), "run")
    assert done.returncode == 2
    assert "o/flows/.github/workflows/outer.yml@v1" in done.stderr
    assert "stepz" in done.stderr


def test_what_cannot_be_reached_fails_the_job_that_calls_it_and_no_other(tmp_path: Path) -> None:
    text = CALL + "  fine:\n    runs-on: ubuntu-latest\n    steps: [{run: echo said fine}]\n"
    answer = run(make_repository(tmp_path, text), "http://127.0.0.1:9")
    assert answer.exit_code == 1
    assert answer.conclusions == {"call": "failure", "fine": "success"}
    reason = answer.job("call")["reason"]
    assert (
        "The workflow 'o/flows/.github/workflows/outer.yml@v1' of another repository is not here, and cannot be fetched"
        in reason
    )
    assert "http://127.0.0.1:9/o/flows cannot be reached" in reason


def test_what_failed_runs_again_with_the_called_workflow_as_it_was(tmp_path: Path) -> None:
    published = tmp_path / "published"
    failing = "on: workflow_call\njobs: {inner: {runs-on: ubuntu-latest, steps: [{run: 'echo said %s; exit 1'}]}}"
    flows(published, "v1", outer=failing % "old")
    folder = make_repository(tmp_path, "on: push\njobs: {call: {uses: o/flows/.github/workflows/outer.yml@v1}}")
    first = run(folder, published)
    flows(published, "v1", outer=failing % "new")
    source = {"HOMEPORT_ACTION_SOURCE": str(published)}
    assert said(run_homeport(["rerun", "--failed", first.of("run_queued")[0]["run"]], cwd=folder, env=source)) == [
        "said old"
    ]
    assert said(run(folder, published, "--failed")) == ["said old"]
    assert said(run_homeport(["rerun", first.of("run_queued")[0]["run"]], cwd=folder, env=source)) == ["said new"]
    assert said(run(folder, published)) == ["said new"]


def test_workflows_that_call_each_other_without_end_are_refused(tmp_path: Path) -> None:
    text = "on: workflow_call\njobs: {again: {uses: ./.github/workflows/outer.yml}}"
    flows(tmp_path / "published", "v1", outer=text)
    done = text_of(
        make_repository(tmp_path, "on: push\njobs: {call: {uses: o/flows/.github/workflows/outer.yml@v1}}"),
        str(tmp_path / "published"),
        "run",
    )
    assert done.returncode == 2
    assert "in a circle" in done.stderr


def test_more_than_ten_levels_are_refused(tmp_path: Path) -> None:
    files = {
        f".github/workflows/{level}.yml": f"on: workflow_call\njobs: {{next: {{uses: ./.github/workflows/{level + 1}.yml}}}}"
        for level in range(1, 11)
    }
    publish(tmp_path / "published", "o/flows", {**files, ".github/workflows/11.yml": INNER}, "v1")
    text = "on: push\njobs: {call: {uses: o/flows/.github/workflows/%d.yml@v1}}"
    published = str(tmp_path / "published")
    done = text_of(make_repository(tmp_path, text % 2), published, "run")
    assert "more than 10 levels" in done.stderr
    assert run(make_repository(tmp_path, text % 3, name="other"), published).exit_code == 0

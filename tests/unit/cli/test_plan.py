"""`homeport plan` in real folders."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import Captured, call
from tests.support.projects import GIT_ENVIRONMENT, commit_all, git, make_repository

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "USER": "Ada L", **GIT_ENVIRONMENT}
CI = """
    name: CI
    on:
      push: {branches: [main], paths: ['src/**']}
      pull_request:
      workflow_dispatch: {inputs: {level: {type: choice, options: [low, high], required: true}}}
    jobs:
      test:
        strategy: {matrix: {py: ['3.11', '3.12']}}
        runs-on: ubuntu-latest
        steps: [{uses: actions/checkout@v4}, {run: pytest, name: Test}]
      gate: {needs: test, if: always(), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
"""
NIGHTLY = """
    name: Nightly
    on: {schedule: [{cron: '0 3 * * *'}]}
    jobs: {sweep: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_repository(
        tmp_path,
        {"ci.yml": CI, "nightly.yaml": NIGHTLY, "notes.txt": "not a workflow"},
        files={"src/app.py": "x = 1\n"},
    )


def plan(*words: str, folder: Path) -> Captured:
    return call("plan", *words, folder=folder, environment=ENVIRONMENT)


def workflows_of(captured: Captured) -> dict[str, dict[str, Any]]:
    assert captured.said == ""
    return {workflow["name"]: workflow for workflow in captured.json["workflows"]}


def test_json_has_every_workflow_and_why_it_does_not_start(folder: Path) -> None:
    captured = plan("--format", "json", folder=folder)
    assert captured.code == 0
    assert set(captured.json) == {"workflows"}
    workflows = workflows_of(captured)
    assert list(workflows) == ["CI", "Nightly"]
    assert (workflows["CI"]["file"], workflows["CI"]["starts"]) == (".github/workflows/ci.yml", True)
    assert [job["key"] for job in workflows["CI"]["jobs"]] == ["test (3.11)", "test (3.12)", "gate"]
    assert workflows["CI"]["jobs"][0]["matrix"] == {"py": "3.11"}
    assert [step["name"] for step in workflows["CI"]["jobs"][0]["steps"]] == ["Run actions/checkout@v4", "Test"]
    assert workflows["CI"]["jobs"][2]["needs"] == ["test"]
    assert (workflows["Nightly"]["starts"], workflows["Nightly"]["jobs"]) == (False, [])
    assert "'push' does not start it: it has schedule" in workflows["Nightly"]["reason"]


def test_text_shows_the_graph(folder: Path) -> None:
    captured = plan(folder=folder)
    assert captured.code == 0
    assert "CI  (.github/workflows/ci.yml)\n  run: begin\n" in captured.text
    assert "├ test (3.11)  ubuntu-latest · 2 steps" in captured.text
    assert "├ gate         ← test · ubuntu-latest · 1 step · if always()" in captured.text
    assert "Nightly  (.github/workflows/nightly.yaml)\n  does not start: " in captured.text


def test_paths_are_those_of_the_real_diff(folder: Path) -> None:
    (folder / "README.md").write_text("words")
    commit_all(folder, "Words")
    reason = workflows_of(plan("CI", "--format", "json", folder=folder))["CI"]["reason"]
    assert reason == "none of what changed (README.md) matches its 'paths': src/**"
    (folder / "src" / "new.py").write_text("x")
    assert workflows_of(plan("CI", "--format", "json", folder=folder))["CI"]["starts"]


@pytest.mark.parametrize("name", ["ci.yml", "CI", ".github/workflows/ci.yml", "./.github/workflows/ci.yml"])
def test_a_workflow_is_named_by_file_path_or_name(folder: Path, name: str) -> None:
    assert list(workflows_of(plan(name, "--format", "json", folder=folder))) == ["CI"]


def test_a_workflow_is_named_by_a_path_from_where_one_stands(folder: Path) -> None:
    captured = plan("../.github/workflows/ci.yml", "--format", "json", folder=folder / "src")
    assert list(workflows_of(captured)) == ["CI"]


def test_a_name_that_nothing_has_is_a_wrong_command_line(folder: Path) -> None:
    captured = plan("nigtly", folder=folder)
    assert captured.code == 2
    assert "no workflow is called 'nigtly'" in captured.said
    assert "did you mean 'Nightly'?" in captured.said


def test_a_folder_without_workflows_is_a_wrong_command_line(tmp_path: Path) -> None:
    captured = plan(folder=tmp_path)
    assert captured.code == 2
    assert f"there are no workflows in {tmp_path}/.github/workflows" in captured.said


def test_a_folder_without_git_is_planned_too(tmp_path: Path) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "a.yml").write_text(
        "on: {push: {paths: [x]}}\njobs: {a: {runs-on: x, steps: [{run: a}]}}"
    )
    assert workflows_of(plan("--format", "json", folder=tmp_path))[".github/workflows/a.yml"]["starts"]


# --- events ----------------------------------------------------------------------------------------------------------


def test_an_event_is_asked_for_by_name_ref_and_actor(folder: Path) -> None:
    captured = plan("ci.yml", "--ref", "refs/heads/dev", "--actor", "hubot", folder=folder)
    assert captured.text.startswith("push on refs/heads/dev at ")
    assert "by hubot" in captured.text
    assert "the branch 'dev' matches none of its 'branches': main" in captured.text
    assert plan("--event", "pull_request", folder=folder).text.startswith("pull_request on refs/pull/1/merge at ")


def test_who_calls_is_the_actor(folder: Path) -> None:
    assert "by Ada-L\n" in plan(folder=folder).text


def test_a_payload_is_taken_from_a_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "payload.json").write_bytes(b'\xef\xbb\xbf{"action": "closed", "number": 12}')
    captured = plan("CI", "--event", "pull_request", "--payload", "../payload.json", folder=folder)
    assert captured.text.startswith("pull_request on refs/pull/12/merge")
    assert "the activity type 'closed' is not among those" in captured.text


def test_inputs_and_variables_reach_the_plan(folder: Path, tmp_path: Path) -> None:
    path = folder / ".github" / "workflows" / "ci.yml"
    path.write_text("run-name: ${{ inputs.level }} ${{ vars.A }} ${{ vars.B }}" + path.read_text())
    (tmp_path / "vars").write_text("A=from file\nB=from file\n")
    words = (
        "ci.yml",
        "--event",
        "workflow_dispatch",
        "--input",
        "level=high",
        "--var-file",
        "../vars",
        "--var",
        "B=x=y",
    )
    assert workflows_of(plan(*words, "--format", "json", folder=folder))["CI"]["run_name"] == "high from file x=y"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--event", "pusch"), "there is no event 'pusch'"),
        (("--input", "a=b"), "--input is for workflow_dispatch"),
        (("--event", "workflow_dispatch", "--input", "a"), "--input is 'a', expected K=V"),
        (("--var", "=b"), "--var is '=b', expected K=V"),
        (("--payload", "none.json"), "cannot read none.json: No such file"),
        (("--payload", "src/app.py"), "src/app.py is not a JSON object"),
        (("--against", "nothing"), "'nothing' is no commit, branch or tag"),
        (("--against", "--output=x"), "'--output=x' is no commit"),
    ],
)
def test_words_that_do_not_fit_are_exit_2(folder: Path, words: tuple[str, ...], message: str) -> None:
    captured = plan(*words, folder=folder)
    assert captured.code == 2
    assert message in captured.said


# --- refusals --------------------------------------------------------------------------------------------------------


def test_what_github_would_refuse_is_shown_with_its_place_and_exit_2(folder: Path) -> None:
    (folder / ".github" / "workflows" / "bad.yml").write_text("on: push\njobs: {a: {runs-on: x, stepps: []}}\n")
    (folder / "src" / "new.py").write_text("x")
    captured = plan("--format", "json", folder=folder)
    assert captured.code == 2
    assert ".github/workflows/bad.yml:2" in captured.said
    rows = {workflow["file"]: workflow for workflow in captured.json["workflows"]}
    assert rows[".github/workflows/ci.yml"]["starts"]
    assert "GitHub would refuse it: 2:" in rows[".github/workflows/bad.yml"]["reason"]
    assert "GitHub would refuse it" in plan(folder=folder).text


def test_a_broken_workflow_is_in_the_way_only_of_its_own_events(folder: Path) -> None:
    (folder / ".github" / "workflows" / "bad.yml").write_text("on: release\njobs: {a: {runs-on: x, stepps: []}}\n")
    assert plan(folder=folder).code == 0
    assert plan("--event", "release", folder=folder).code == 2


def test_a_file_that_is_not_yaml_is_refused(folder: Path) -> None:
    (folder / ".github" / "workflows" / "bad.yml").write_bytes(b"\x00: [")
    assert plan(folder=folder).code == 2


def test_a_file_that_cannot_be_read_is_refused_not_passed_over(folder: Path) -> None:
    (folder / ".github" / "workflows" / "gone.yml").symlink_to("nowhere")
    (folder / ".github" / "workflows" / "folder.yml").mkdir()
    captured = plan(folder=folder)
    assert captured.code == 2
    assert ".github/workflows/gone.yml:1:1: error: the file cannot be read" in captured.said
    assert "folder.yml" not in captured.said


def test_inputs_that_do_not_fit_are_refused(folder: Path) -> None:
    captured = plan("CI", "--event", "workflow_dispatch", "--input", "level=loud", "--input", "x=1", folder=folder)
    assert captured.code == 2
    assert "Input 'level' is 'loud', expected one of: low, high" in captured.said
    assert "Unexpected input 'x' provided" in captured.said


def test_a_call_that_leaves_the_repository_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.yml").write_text("on: workflow_call\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n")
    (folder / ".github" / "workflows" / "bad.yml").write_text(
        "on: push\njobs: {a: {uses: ./.github/workflows/../../../evil.yml}}\n"
    )
    assert plan("bad.yml", folder=folder).code == 2


# --- against ---------------------------------------------------------------------------------------------------------


def test_an_edit_is_shown_by_what_it_changes_in_the_plan(folder: Path) -> None:
    path = folder / ".github" / "workflows" / "ci.yml"
    path.write_text(
        path.read_text().replace("'3.11', '3.12'", "'3.12', '3.13'").replace("name: Test", "name: Run tests")
    )
    (folder / ".github" / "workflows" / "nightly.yaml").unlink()
    (folder / ".github" / "workflows" / "new.yml").write_text("on: push\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n")
    captured = plan("--against", "HEAD", folder=folder)
    assert captured.code == 0
    assert captured.text.rpartition("against HEAD:\n")[2].splitlines() == [
        "  .github/workflows/ci.yml: this drops the job 'test (3.11)'",
        "  .github/workflows/ci.yml: this adds the job 'test (3.13)'",
        "  .github/workflows/ci.yml: this changes the job 'test (3.12)': strategy changed; "
        "drops the step 'Test'; adds the step 'Run tests'",
        "  .github/workflows/new.yml: this adds the workflow",
        "  .github/workflows/nightly.yaml: this drops the workflow",
    ]


def test_an_edit_that_changes_nothing_says_so(folder: Path) -> None:
    assert plan("--against", "main", folder=folder).text.endswith("against main: nothing changes in the plan\n")


def test_changes_are_in_the_json_too(folder: Path) -> None:
    git(folder, "rm", "-q", ".github/workflows/nightly.yaml")
    captured = plan("--against", "HEAD", "--format", "json", folder=folder)
    assert captured.json["changes"] == [
        {
            "workflow": ".github/workflows/nightly.yaml",
            "job": None,
            "kind": "workflow_dropped",
            "message": "this drops the workflow",
        }
    ]


def test_a_called_workflow_is_compared_as_it_was(folder: Path) -> None:
    called = folder / ".github" / "workflows" / "called.yml"
    called.write_text(
        "on: workflow_call\njobs: {one: {runs-on: x, steps: [{run: a}]}, two: {runs-on: x, steps: [{run: a}]}}\n"
    )
    caller = folder / ".github" / "workflows" / "caller.yml"
    caller.write_text("on: push\njobs: {call: {uses: ./.github/workflows/called.yml}}\n")
    commit_all(folder, "Call")
    called.write_text("on: workflow_call\njobs: {one: {runs-on: x, steps: [{run: b}]}}\n")
    captured = plan("caller.yml", "--against", "HEAD", folder=folder)
    assert "this drops the job 'call/two'" in captured.text
    assert "this changes the job 'call/one': drops the step 'a'; adds the step 'b'" in captured.text


def test_a_workflow_that_is_mended_or_broken_says_so(folder: Path) -> None:
    path = folder / ".github" / "workflows" / "ci.yml"
    good = path.read_text()
    path.write_text("on: push\njobs: {a: {}}\n")
    captured = plan("ci.yml", "--against", "HEAD", folder=folder)
    assert (captured.code, "GitHub would refuse it now" in captured.text) == (2, True)
    commit_all(folder, "Break")
    assert "nothing changes" in plan("ci.yml", "--against", "HEAD", folder=folder).text
    path.write_text(good)
    assert "GitHub would refuse it before" in plan("ci.yml", "--against", "HEAD", folder=folder).text


def test_against_needs_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "a.yml").write_text("on: push\njobs: {a: {runs-on: x, steps: [{run: a}]}}")
    captured = plan("--against", "HEAD", folder=tmp_path)
    assert (captured.code, "--against needs a git repository" in captured.said) == (2, True)


# --- many legs, calls, trouble ---------------------------------------------------------------------------------------


def test_many_legs_are_counted(folder: Path) -> None:
    (folder / ".github" / "workflows" / "many.yml").write_text(
        "on: push\njobs: {a: {strategy: {matrix: {n: [1, 2, 3, 4, 5, 6]}}, runs-on: x, steps: [{run: a}]}}\n"
    )
    assert "├ a: 6 legs  x · 1 step · (1), (2), (3), …" in plan("many.yml", folder=folder).text


def test_a_job_that_cannot_be_expanded_is_told_with_its_place(folder: Path) -> None:
    (folder / ".github" / "workflows" / "sad.yml").write_text(
        "on: push\njobs:\n  a:\n    runs-on: ${{ github.nothing }}\n    steps: [{run: a}]\n"
        "  b: {uses: octo/shared/.github/workflows/x.yml@v1}\n"
    )
    text = plan("sad.yml", folder=folder).text
    assert "cannot run: Unexpected value ''" in text
    assert "(.github/workflows/sad.yml:4:18)" in text
    assert "calls octo/shared/.github/workflows/x.yml@v1 · cannot run: The workflow" in text


def test_a_machine_without_git_is_told(folder: Path) -> None:
    captured = call("plan", folder=folder, environment={**ENVIRONMENT, "PATH": "/nonexistent"})
    assert captured.code == 1
    assert "git cannot be started" in captured.said


def test_the_workflows_of_a_folder_below_are_its_own(folder: Path) -> None:
    below = folder / "examples" / "one"
    (below / ".github" / "workflows").mkdir(parents=True)
    (below / ".github" / "workflows" / "a.yml").write_text(
        "name: Below\non: push\njobs: {a: {runs-on: x, steps: [{run: a}]}}"
    )
    (below / "src").mkdir()
    assert list(workflows_of(plan("--format", "json", folder=below / "src"))) == ["Below"]
    assert list(workflows_of(plan("--format", "json", folder=folder / "examples"))) == ["CI", "Nightly"]


def test_help_names_the_options(folder: Path) -> None:
    captured = plan("--help", folder=folder)
    assert captured.code == 0
    for option in ("--event", "--payload", "--input", "--var", "--ref", "--actor", "--against", "--format"):
        assert option in captured.text

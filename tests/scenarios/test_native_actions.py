"""The native actions in whole runs of the real command line: a pipeline that checks out, sets up Pythons, caches and hands files on."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.homeport import Answer, run_homeport
from tests.support.interpreters import require_pythons
from tests.support.projects import commit_all, git, make_repository
from tests.support.wheels import build_wheel


def run(project: Path, *words: str, **environment: str) -> Answer:
    return run_homeport(["run", *words], cwd=project, env={"PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment})


PIPELINE = """
    on: push
    jobs:
      build:
        strategy:
          matrix:
            version: ['1.0', '2.0']
        runs-on: ubuntu-latest
        steps:
          - uses: actions/checkout@v4
            with: {fetch-depth: 0}
          - id: python
            uses: actions/setup-python@v5
            with: {python-version: '3.12'}
          - run: |
              pip install --no-index --find-links wheels greeter==${{ matrix.version }}
              greeter > greeting.txt
              git describe --tags > version.txt
              python -c 'import sys; print(sys.prefix == sys.base_prefix, sys.prefix)'
          - uses: actions/upload-artifact@v4
            with:
              name: greeting-${{ matrix.version }}
              path: '*.txt'
      collect:
        needs: build
        runs-on: ubuntu-latest
        outputs:
          path: ${{ steps.download.outputs.download-path }}
        steps:
          - id: download
            uses: actions/download-artifact@v4
            with: {pattern: 'greeting-*', path: all}
          - run: cat all/greeting-1.0/greeting.txt all/greeting-2.0/greeting.txt all/greeting-1.0/version.txt
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = make_repository(tmp_path, PIPELINE, files={"README.md": "x\n"})
    for version in ("1.0", "2.0"):
        build_wheel(folder / "wheels", "greeter", version)
    commit_all(folder, "wheels")
    git(folder, "tag", "v0.1")
    return folder


def test_two_jobs_with_one_python_install_different_versions_and_hand_their_files_on(project: Path) -> None:
    require_pythons("3.12")
    before = git(project, "status", "--porcelain")
    answer = run(project)
    assert answer.exit_code == 0, answer.describe()
    assert answer.lines("collect")[-3:] == ["greeter 1.0", "greeter 2.0", "v0.1"]
    prefixes = {
        line for key in ("build (1.0)", "build (2.0)") for line in answer.lines(key) if line.startswith("True /")
    }
    assert len(prefixes) == 2
    assert {fact["name"] for fact in answer.of("artifact_uploaded")} == {"greeting-1.0", "greeting-2.0"}
    resolved = {(fact["kind"], fact["name"]) for fact in answer.of("version_resolved", job="build (1.0)")}
    assert {("action", "actions/checkout@v4"), ("action", "actions/setup-python@v5"), ("tool", "python")} <= resolved
    assert git(project, "status", "--porcelain") == before


def test_nothing_of_a_job_is_left_but_what_the_stores_keep(project: Path, homeport_home: Path) -> None:
    require_pythons("3.12")
    assert run(project).exit_code == 0
    assert list((homeport_home / "work").iterdir()) == []
    files = [path.suffix for path in (homeport_home / "artifacts").rglob("*") if path.is_file()]
    assert sorted(files) == ["", "", ".data", ".data", ".json", ".json"]


def test_post_stages_run_in_reverse_order(project: Path) -> None:
    require_pythons("3.12")
    answer = run(project, "--matrix", "version:1.0", "--job", "build")
    names = [fact["name"] for fact in answer.of("step_finished", job="build (1.0)")]
    assert names[-2:] == ["Post Run actions/setup-python@v5", "Post Run actions/checkout@v4"]


def steps(tmp_path: Path, text: str, **files: str) -> Path:
    """A repository whose workflow is one job with these steps."""
    indented = "\n".join(f"      {line}" for line in text.strip("\n").split("\n"))
    workflow = f"on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{indented}\n"
    named = {name.replace("__", "/").replace("_dot_", "."): content for name, content in files.items()}
    return make_repository(tmp_path, workflow, files=named)


CACHED = """
- uses: actions/checkout@v5
- id: cache
  uses: actions/cache@v4
  with:
    path: |
      ~/.tool
      built
    key: ${{ runner.os }}-${{ hashFiles('lock') }}
    restore-keys: ${{ runner.os }}-
- if: steps.cache.outputs.cache-hit != 'true'
  run: mkdir -p ~/.tool built; echo kept > ~/.tool/x; cp lock built/y
- run: echo "hit=[${{ steps.cache.outputs.cache-hit }}] $(cat ~/.tool/x) $(cat built/y)"
"""


def test_a_cache_is_found_by_the_next_run_exactly_or_by_prefix(tmp_path: Path) -> None:
    project = steps(tmp_path, CACHED, lock="one\n")
    assert run(project).lines("one", "__run_2")[-1] == "hit=[] kept one"
    assert run(project).lines("one", "__run_2")[-1] == "hit=[true] kept one"
    (project / "lock").write_text("two\n")
    assert run(project).lines("one", "__run_2")[-1] == "hit=[false] kept two"
    assert run(project).lines("one", "__run_2")[-1] == "hit=[true] kept two"


def test_a_failed_job_saves_no_cache(tmp_path: Path) -> None:
    project = steps(tmp_path, CACHED + "- run: test ! -e fail\n", lock="one\n", fail="x")
    assert run(project).exit_code == 1
    (project / "fail").unlink()
    assert run(project).lines("one", "__run_2")[-1] == "hit=[] kept one"


def test_a_branch_does_not_see_another_branchs_cache(tmp_path: Path) -> None:
    project = steps(tmp_path, CACHED, lock="one\n")
    git(project, "checkout", "-q", "-b", "feature")
    assert run(project).lines("one", "__run_2")[-1] == "hit=[] kept one"
    git(project, "checkout", "-q", "-b", "other")
    assert run(project).lines("one", "__run_2")[-1] == "hit=[] kept one"
    git(project, "checkout", "-q", "main")
    assert run(project).lines("one", "__run_2")[-1] == "hit=[] kept one"
    git(project, "checkout", "-q", "-b", "third")
    assert run(project).lines("one", "__run_2")[-1] == "hit=[true] kept one"


def test_the_workspace_holds_what_git_would_and_what_no_commit_holds(tmp_path: Path) -> None:
    project = steps(
        tmp_path,
        "- run: ls -A\n- uses: actions/checkout@v4\n- run: ls -A; git status --porcelain; git rev-parse HEAD",
        _dot_gitignore="*.log\n",
        a="a\n",
    )
    sha = git(project, "rev-parse", "HEAD")
    (project / "a").write_text("changed\n")
    (project / "new").write_text("new\n")
    (project / "debug.log").write_text("ignored\n")
    answer = run(project)
    assert answer.lines("one", "__run")[-1] == "##[endgroup]"
    printed = answer.lines("one", "__run_2")
    assert printed[printed.index("##[endgroup]") + 1 :] == [
        *(".git", ".github", ".gitignore", "a", "new"),
        " M a",
        "?? new",
        sha,
    ]


def test_in_place_the_job_works_in_the_users_own_tree(tmp_path: Path) -> None:
    project = steps(tmp_path, "- uses: actions/checkout@v4\n- run: pwd; echo made > made")
    answer = run(project, "--workspace", "in-place")
    assert answer.exit_code == 0, answer.describe()
    assert str(project) in answer.lines("one", "__run")
    assert (project / "made").read_text() == "made\n"


def test_an_unknown_input_is_a_warning_in_githubs_words(tmp_path: Path) -> None:
    project = steps(tmp_path, "- uses: actions/upload-artifact@v4\n  with: {path: nothing, colour: red}")
    answer = run(project)
    assert answer.exit_code == 0
    messages = [fact["message"] for fact in answer.of("annotation_raised", severity="warning")]
    assert messages[0].startswith("Unexpected input(s) 'colour', valid inputs are ['name', 'path', ")
    assert messages[1] == "No files were found with the provided path: nothing. No artifacts will be uploaded."


def test_a_python_that_is_not_here_fails_the_step_and_lists_what_is(tmp_path: Path) -> None:
    require_pythons("3.12")
    project = steps(
        tmp_path, "- uses: actions/setup-python@v6\n  with: {python-version: '3.99'}\n- run: echo not reached"
    )
    answer = run(project, UV_OFFLINE="1")
    assert answer.exit_code == 1
    (error,) = answer.of("annotation_raised", severity="error")
    assert "The version '3.99' with architecture" in error["message"]
    assert [fact["exit_code"] for fact in answer.of("step_finished", outcome="failure")] == [None]
    assert "3.12." in error["message"]
    assert answer.step("one", "__run")["conclusion"] == "skipped"


def test_an_action_that_no_source_has_fails_the_job_before_any_step_at_its_place(tmp_path: Path) -> None:
    project = steps(tmp_path, "- run: echo not reached\n- uses: docker/login-action@v3")
    answer = run(project, HOMEPORT_ACTION_SOURCE=str(tmp_path))
    assert answer.exit_code == 1
    (error,) = answer.of("annotation_raised", severity="error")
    assert "Unable to resolve action. Repository not found: docker/login-action" in error["message"]
    assert (error["file"], error["line"]) == (".github/workflows/ci.yml", 7)
    assert "not reached" not in answer.lines("one")


def test_a_new_attempt_supersedes_an_artifact_that_others_download(tmp_path: Path) -> None:
    """`homeport rerun` of all jobs: the same run, its second attempt."""
    project = steps(
        tmp_path,
        """
- run: echo "attempt ${{ github.run_attempt }}" > f
- uses: actions/upload-artifact@v4
  with: {name: f, path: f}
- uses: actions/download-artifact@v4
  with: {name: f, path: back}
- run: cat back/f
""",
    )
    first = run(project)
    assert first.lines("one", "__run_2")[-1] == "attempt 1"
    identity = first.of("run_queued")[0]["run"]
    again = run_homeport(["rerun", identity], cwd=project)
    assert again.exit_code == 0, again.describe()
    assert again.lines("one", "__run_2")[-1] == "attempt 2"
    listed = run_homeport(["artifacts", identity], cwd=project)
    assert listed.exit_code == 0


OWN_ACTION = """
name: Own
description: of the repository
runs:
  using: composite
  steps:
    - run: cat "$GITHUB_ACTION_PATH/words"; ls -A
      shell: bash
"""


def test_an_action_of_the_repository_runs_before_any_checkout(tmp_path: Path) -> None:
    project = steps(tmp_path, "- uses: $/tools/own", tools__own__action_dot_yml=OWN_ACTION, tools__own__words="hello\n")
    (project / "tools" / "own" / "words").write_text("changed\n")
    answer = run(project)
    assert answer.exit_code == 0, answer.describe()
    assert answer.lines("one")[-1] == "changed"


JAVASCRIPT = """
const fs = require('fs')
const stage = process.argv[1].split('/').pop()
console.log(`${stage} who=${process.env['INPUT_WHO-IS-IT']} state=${process.env.STATE_seen} in ${process.cwd()}`)
fs.appendFileSync(process.env.GITHUB_STATE, 'seen=yes\\n')
fs.appendFileSync(process.env.GITHUB_OUTPUT, `answer=${stage}\\n`)
"""
METADATA = """
name: JavaScript
description: of the repository
inputs: {who-is-it: {default: nobody}}
outputs: {answer: {description: which stage}}
runs: {using: node20, main: main.js, post: post.js}
"""


def test_a_javascript_action_of_the_repository_runs_with_state_and_outputs(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("needs Node.js: install nodejs")
    project = steps(
        tmp_path,
        """
- uses: actions/checkout@v4
- id: js
  uses: ./js
  with: {who-is-it: 'a "b" $c'}
- run: echo "answer=${{ steps.js.outputs.answer }}"
""",
        js__action_dot_yml=METADATA,
        js__main_dot_js=JAVASCRIPT,
        js__post_dot_js=JAVASCRIPT,
    )
    answer = run(project)
    assert answer.exit_code == 0, answer.describe()
    spoken = [line for line in answer.lines("one") if line.startswith(("main.js who", "post.js who"))]
    assert [line.rpartition(" in ")[0] for line in spoken] == [
        'main.js who=a "b" $c state=undefined',
        'post.js who=a "b" $c state=yes',
    ]
    assert answer.lines("one", "__run")[-1] == "answer=main.js"


def test_a_part_of_a_larger_repository_is_its_own_workspace(tmp_path: Path) -> None:
    workflow = "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: ls; git status --porcelain\n"
    outer = make_repository(tmp_path, "on: push\njobs: {}\n", files={"outside": "x", "part/inner": "x"}, name="outer")
    (outer / "part" / ".github" / "workflows").mkdir(parents=True)
    (outer / "part" / ".github" / "workflows" / "ci.yml").write_text(workflow)
    commit_all(outer, "part")
    answer = run(outer / "part")
    assert answer.exit_code == 0, answer.describe()
    printed = answer.lines("one", "__run")
    assert printed[printed.index("##[endgroup]") + 1 :] == ["inner"]


def test_the_users_environment_does_not_decide_what_git_does(tmp_path: Path) -> None:
    project = steps(tmp_path, "- uses: actions/checkout@v4\n- run: cat f | od -c | head -1", f="line\n")
    config = tmp_path / "gitconfig"
    config.write_text('[core]\n\tautocrlf = true\n\thooksPath = /evil\n[filter "x"]\n\tsmudge = false\n')
    answer = run(project, GIT_CONFIG_GLOBAL=str(config), GIT_DIR="/nowhere" if os.name == "nt" else "")
    assert answer.exit_code == 0, answer.describe()
    assert "\\r" not in "".join(answer.lines("one", "__run")[-1:])

"""Which jobs are sandboxed, what is said where that cannot be, and that a run carried out again is carried out the same way."""

import os
from pathlib import Path

import pytest

from tests.support.homeport import run_homeport
from tests.support.projects import make_repository
from tests.support.sandbox import job, list_left, require_sandbox, run_sandboxed

WHO = "id -u; ls -d /etc/shadow 2>/dev/null || echo behind the wall"


def workflow(*jobs: str) -> str:
    return "on: push\njobs:\n" + "".join(jobs)


def test_a_label_puts_single_jobs_behind_the_wall(tmp_path: Path) -> None:
    require_sandbox()
    inside = job(WHO, name="inside").replace("ubuntu-latest", "[self-hosted, Untrusted]")
    project = make_repository(tmp_path, workflow(inside, job(WHO, name="outside")))
    answer = run_homeport(["run", "--runner", "untrusted=sandbox"], cwd=project)
    assert answer.conclusion == "success", answer.describe()
    assert answer.lines("inside", "s1")[-2:] == ["1001", "behind the wall"]
    assert answer.lines("outside", "s1")[-2:] == [str(os.getuid()), "/etc/shadow"]
    assert list_left() == []


def test_a_run_that_is_carried_out_again_is_sandboxed_again(tmp_path: Path) -> None:
    require_sandbox()
    project = make_repository(tmp_path, workflow(job(WHO)))
    run_homeport(["run", "--executor", "sandbox", "--sandbox-network", "off"], cwd=project)
    answer = run_homeport(["rerun"], cwd=project)
    assert answer.lines("one", "s1")[-1] == "behind the wall", answer.describe()


def test_without_bubblewrap_the_call_says_how_to_get_it(tmp_path: Path) -> None:
    project = make_repository(tmp_path, workflow(job("echo never")))
    tools = tmp_path / "bin"
    tools.mkdir()
    answer = run_homeport(["run", "--executor", "sandbox"], cwd=project, env={"PATH": str(tools)})
    assert answer.exit_code == 2
    assert "there is no bubblewrap (bwrap) on this machine" in answer.stderr
    assert "apt-get install bubblewrap" in answer.stderr
    assert not answer.of("job_started")


def test_a_bubblewrap_that_may_not_work_fails_the_job_with_its_words(tmp_path: Path) -> None:
    project = make_repository(tmp_path, workflow(job("echo never")))
    program = tmp_path / "bin" / "bwrap"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    answer = run_homeport(
        ["run", "--executor", "sandbox"], cwd=project, env={"PATH": f"{program.parent}:{os.environ['PATH']}"}
    )
    assert answer.conclusion == "failure"
    assert any("No permissions to create new namespace" in fact["message"] for fact in answer.of("annotation_raised"))
    assert list_left() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "memory=4g"], "--limit is for sandboxed jobs"),
        (["--executor", "sandbox", "--limit", "memory=much"], "expected a size"),
        (["--executor", "sandbox", "--limit", "time=1"], "with a NAME out of memory"),
        (["--executor", "sandbox", "--sandbox-show", "/no/such/place"], "there is no such file or folder"),
        (["--runner", "x=cellar"], "there is no target 'cellar'"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, words: list[str], said: str) -> None:
    project = make_repository(tmp_path, workflow(job("echo never")))
    answer = run_homeport(["run", *words], cwd=project)
    assert answer.exit_code == 2
    assert said in answer.stderr


def test_a_job_that_starts_no_command_leaves_no_half_built_sandbox(tmp_path: Path) -> None:
    """It may be over before bubblewrap has told of its child."""
    require_sandbox()
    for number in range(5):
        answer = run_sandboxed(tmp_path, job("if: false\nrun: echo never"), name=f"project-{number}")
        assert answer.conclusion == "success", answer.describe()


def test_what_is_shown_can_be_read_and_not_written(tmp_path: Path) -> None:
    require_sandbox()
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "file").write_text("for all to see\n")
    answer = run_sandboxed(
        tmp_path,
        job(f"cat {shown}/file; echo x 2>/dev/null > {shown}/file || echo refused"),
        options=("--sandbox-show", str(shown)),
    )
    assert answer.lines("one", "s1")[-2:] == ["for all to see", "refused"], answer.describe()


def test_in_place_the_tree_is_the_jobs_but_not_its_git_folder(tmp_path: Path) -> None:
    """A hook that a job planted would run when the user commits."""
    require_sandbox()
    project = make_repository(
        tmp_path,
        workflow(
            job(
                "uses: actions/checkout@v4",
                "echo made > made; echo x 2>/dev/null > .git/hooks/pre-commit || echo refused",
            )
        ),
    )
    answer = run_homeport(["run", "--executor", "sandbox", "--workspace", "in-place"], cwd=project)
    assert answer.conclusion == "success", answer.describe()
    assert answer.lines("one", "s2")[-1] == "refused"
    assert (project / "made").read_text() == "made\n"
    assert not (project / ".git" / "hooks" / "pre-commit").exists()

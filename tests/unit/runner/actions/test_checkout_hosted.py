"""actions/checkout of a job of the server: the workspace holds the run's commit, read from the server's bare repository."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from homeport.git.hosted import make_hosted
from homeport.runner.actions.native import checkout
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost
from tests.support.git_folders import commit, git, init, write


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A bare repository whose default branch has no commit: only others were pushed."""
    folder = init(tmp_path / "user" / "project")
    write(folder, a_dot_txt="one\n")
    commit(folder, "first")
    write(folder, a_dot_txt="two\n", sub__b_dot_txt="b\n")
    commit(folder, "second")
    git(folder, "tag", "-a", "v1.1", "-m", "annotated")
    git(folder, "checkout", "-q", "-b", "topic")
    write(folder, only_dot_txt="topic\n")
    commit(folder, "on topic")
    bare = tmp_path / "data" / "1.git"
    make_hosted(str(bare), "trunk")
    git(folder, "push", "-q", str(bare), "main", "topic", "v1.1", "topic:refs/pull/7/merge")
    shutil.rmtree(folder)
    return bare


def use(tmp_path: Path, bare: Path, ref: str, github: dict[str, Any] | None = None, /, **inputs: str) -> FolderHost:
    sha = git(bare, "rev-parse", f"{ref}^{{commit}}")
    host = FolderHost(tmp_path / "job", source=bare, github={"sha": sha, "ref": ref, **(github or {})})
    host.sources.is_bare = True
    host.use(checkout, **inputs)
    return host


def test_the_commit_of_the_run_is_written_whatever_the_default_branch_is(tmp_path: Path, bare: Path) -> None:
    host = use(tmp_path, bare, "refs/heads/main")
    workspace = Path(host.paths.workspace)
    assert (workspace / "a.txt").read_text() == "two\n"
    assert (workspace / "sub" / "b.txt").read_text() == "b\n"
    assert not (workspace / "only.txt").exists()
    assert git(workspace, "status", "--porcelain") == ""
    assert git(workspace, "rev-parse", "HEAD") == host.github["sha"]
    assert git(workspace, "branch", "--show-current") == "main"
    assert not any(str(bare) in line for line in host.lines), "where the server keeps things is nobody's business"


def test_nothing_counts_as_uncommitted_where_the_default_branch_is_the_runs(tmp_path: Path, bare: Path) -> None:
    git(bare, "symbolic-ref", "HEAD", "refs/heads/main")
    host = use(tmp_path, bare, "refs/heads/main")
    assert (Path(host.paths.workspace) / "a.txt").read_text() == "two\n"
    assert git(Path(host.paths.workspace), "status", "--porcelain") == ""


def test_a_pull_request_and_a_tag_are_found_by_their_refs(tmp_path: Path, bare: Path) -> None:
    merged = use(tmp_path / "1", bare, "refs/pull/7/merge")
    assert git(Path(merged.paths.workspace), "rev-parse", "refs/remotes/pull/7/merge") == merged.github["sha"]
    tagged = use(tmp_path / "2", bare, "refs/tags/v1.1")
    assert git(Path(tagged.paths.workspace), "describe", "--exact-match") == "v1.1"


def test_another_branch_is_found_by_name(tmp_path: Path, bare: Path) -> None:
    host = use(tmp_path, bare, "refs/heads/main", ref="topic")
    assert (Path(host.paths.workspace) / "only.txt").exists()


def test_the_whole_history_is_there_where_it_is_wanted(tmp_path: Path, bare: Path) -> None:
    workspace = Path(use(tmp_path, bare, "refs/heads/topic", **{"fetch-depth": "0"}).paths.workspace)
    assert git(workspace, "log", "--format=%s").splitlines() == ["on topic", "second", "first"]
    assert "origin/main" in git(workspace, "branch", "-r")


def test_a_commit_that_is_gone_is_said_without_the_place(tmp_path: Path, bare: Path) -> None:
    with pytest.raises(ActionError, match=r"is not in the repository on the server$"):
        use(tmp_path, bare, "refs/heads/main", {"sha": "1" * 40})


def test_submodules_are_fetched(tmp_path: Path, bare: Path) -> None:
    library = init(tmp_path / "server" / "octo" / "library")
    write(library, lib_dot_txt="library\n")
    commit(library)
    project = tmp_path / "again"
    git(tmp_path, "clone", "-q", "-b", "main", str(bare), str(project))
    git(project, "submodule", "add", "-q", str(library), "library")
    commit(project, "with a library")
    git(project, "push", "-q", "origin", "main")
    server = f"file://{tmp_path}/server"
    host = use(tmp_path, bare, "refs/heads/main", {"server_url": server}, submodules="true")
    assert (Path(host.paths.workspace) / "library" / "lib.txt").read_text() == "library\n"

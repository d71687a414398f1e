"""The event that a person asks for in a real folder, and what it changed."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from homeport.cli.changes import find_changed_paths
from homeport.cli.local_event import EventRequest, make_event, make_login
from homeport.cli.workspace import find_workspace
from homeport.event import Event
from tests.support.projects import GIT_ENVIRONMENT, commit_all, git, init_repository

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **GIT_ENVIRONMENT}


def happen(
    folder: Path, name: str = "push", *, payload: Mapping[str, Any] | None = None, ref: str | None = None
) -> Event:
    request = EventRequest(name=name, payload=payload or {}, ref=ref, actor="mona", now="2026-03-01T12:00:00+00:00")
    workspace = find_workspace(str(folder), ENVIRONMENT)
    return make_event(
        workspace, request, is_changed=workspace.git is not None and bool(workspace.git.status(workspace.prefix))
    )


def changed(folder: Path, name: str = "push", **asked: Any) -> list[str] | None:
    paths = find_changed_paths(find_workspace(str(folder), ENVIRONMENT), happen(folder, name, **asked))
    return None if paths is None else list(paths)


def commit_file(folder: Path, name: str, text: str = "x") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return commit_all(folder, f"Write {name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`main` with one commit, and nothing else."""
    root = tmp_path / "app"
    root.mkdir()
    init_repository(root)
    commit_file(root, "first.txt")
    return root


@pytest.fixture
def clone(folder: Path) -> Path:
    """A clone of it, one commit ahead on `main`."""
    other = folder.parent / "clone"
    git(folder.parent, "clone", "-q", str(folder), str(other))
    commit_file(other, "second.txt")
    return other


# --- whose repository ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "full_name", "server"),
    [
        ("https://github.com/octo/hello.git", "octo/hello", "https://github.com"),
        ("https://github.com/octo/hello", "octo/hello", "https://github.com"),
        ("https://user:secret@github.com/octo/hello/", "octo/hello", "https://github.com"),
        ("git@github.com:octo/hello.git", "octo/hello", "https://github.com"),
        ("ssh://git@git.example.invalid:2222/octo/hello.git", "octo/hello", "https://git.example.invalid"),
        ("http://localhost:3000/octo/hello", "octo/hello", "http://localhost:3000"),
        ("https://gitlab.example.invalid/group/sub/hello.git", "sub/hello", "https://gitlab.example.invalid"),
        ("/srv/git/hello.git", "mona/app", "https://github.com"),
        ("../hello", "mona/app", "https://github.com"),
        ("file:///srv/octo/hello.git", "mona/app", "https://github.com"),
    ],
)
def test_the_repository_is_named_by_its_origin(folder: Path, url: str, full_name: str, server: str) -> None:
    git(folder, "remote", "add", "origin", url)
    repository = happen(folder).repository
    assert (repository.full_name, repository.server_url) == (full_name, server)


def test_the_same_name_has_the_same_ids(folder: Path) -> None:
    one, other = happen(folder).repository, happen(folder).repository
    assert one == other
    assert one.id.isdigit()
    assert one.id != one.owner_id


def test_a_folder_inside_a_larger_repository_has_its_own_name(folder: Path) -> None:
    git(folder, "remote", "add", "origin", "https://github.com/octo/mono")
    commit_file(folder, "services/api/.github/workflows/ci.yml")
    event = happen(folder / "services" / "api")
    assert event.repository.full_name == "octo/api"
    assert event.sha == git(folder, "rev-parse", "HEAD")
    assert changed(folder / "services" / "api") == [".github/workflows/ci.yml"]


@pytest.mark.parametrize(
    ("user", "login"), [("ada", "ada"), ("Ada Lovelace", "Ada-Lovelace"), ("", "local"), ("ü", "local")]
)
def test_the_actor_has_a_name_that_a_forge_would_take(user: str, login: str) -> None:
    assert make_login(user) == login


# --- the default branch ----------------------------------------------------------------------------------------------


def test_the_default_branch_is_that_of_the_origin(clone: Path) -> None:
    git(clone, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert happen(clone).repository.default_branch == "trunk"


@pytest.mark.parametrize(
    ("branches", "expected"), [(["main", "dev"], "main"), (["dev", "master"], "master"), (["dev"], "dev")]
)
def test_without_an_origin_it_is_main_or_master_or_the_one_that_is_there(
    tmp_path: Path, branches: list[str], expected: str
) -> None:
    git(tmp_path, "init", "-q", "-b", branches[0])
    commit_all(tmp_path, "Begin")
    for branch in branches[1:]:
        git(tmp_path, "branch", branch)
    assert happen(tmp_path).repository.default_branch == expected


# --- refs and commits ------------------------------------------------------------------------------------------------


def test_a_branch_without_commits_is_an_event_all_the_same(tmp_path: Path) -> None:
    init_repository(tmp_path)
    (tmp_path / "new.txt").write_text("x")
    event = happen(tmp_path)
    assert (event.ref, event.sha.strip("0"), event.payload["head_commit"], event.dirty) == (
        "refs/heads/main",
        "",
        None,
        True,
    )
    assert changed(tmp_path) == ["new.txt"]


def test_a_folder_without_git_is_an_event_all_the_same(tmp_path: Path) -> None:
    event = happen(tmp_path)
    assert (event.ref, event.sha.strip("0"), event.repository.owner) == ("refs/heads/main", "", "mona")
    assert event.repository.name == tmp_path.name
    assert {"ref", "before", "after", "repository"} <= set(event.made_up)
    assert changed(tmp_path) is None


@pytest.mark.parametrize("ref", ["refs/tags/v1", "refs/heads/dev"])
def test_a_folder_without_git_takes_the_ref_that_is_asked_for(tmp_path: Path, ref: str) -> None:
    event = happen(tmp_path, ref=ref)
    assert (event.ref, event.payload["ref"]) == (ref, ref)


def test_a_detached_commit_counts_as_one_of_the_default_branch(folder: Path) -> None:
    git(folder, "checkout", "-q", "--detach")
    event = happen(folder)
    assert (event.ref, "ref" in event.made_up) == ("refs/heads/main", True)


def test_a_tag_that_is_checked_out_is_the_ref(folder: Path) -> None:
    git(folder, "tag", "-a", "v1", "-m", "One")
    git(folder, "checkout", "-q", "v1")
    event = happen(folder)
    assert (event.ref, event.sha, event.payload["commits"]) == ("refs/tags/v1", git(folder, "rev-parse", "HEAD"), [])


def test_an_annotated_tag_stands_for_its_commit(folder: Path) -> None:
    git(folder, "tag", "-a", "v1", "-m", "One")
    commit_file(folder, "later.txt")
    event = happen(folder, ref="v1")
    assert (event.ref, event.sha) == ("refs/tags/v1", git(folder, "rev-parse", "v1^{commit}"))
    assert not event.dirty


def test_a_ref_is_a_branch_before_it_is_a_tag(folder: Path) -> None:
    git(folder, "branch", "v1")
    git(folder, "tag", "v1")
    assert happen(folder, ref="v1").ref == "refs/heads/v1"


def test_a_ref_that_is_not_there_is_made_up_about_what_is_checked_out(folder: Path) -> None:
    event = happen(folder, ref="refs/tags/v9")
    assert (event.ref, event.sha, "ref" in event.made_up) == ("refs/tags/v9", git(folder, "rev-parse", "HEAD"), True)


def test_a_commit_of_the_payload_that_is_here_is_the_commit(folder: Path) -> None:
    first = git(folder, "rev-parse", "HEAD")
    last = commit_file(folder, "later.txt")
    assert happen(folder, payload={"after": first}).sha == first
    assert happen(folder, payload={"after": "f" * 40}).sha == last
    assert happen(folder, "pull_request", payload={"pull_request": {"head": {"sha": first}}}).sha == first


def test_uncommitted_changes_make_the_event_dirty(folder: Path) -> None:
    assert not happen(folder).dirty
    (folder / "new.txt").write_text("x")
    assert happen(folder).dirty


def test_changes_outside_the_folder_do_not(folder: Path) -> None:
    commit_file(folder, "api/.github/workflows/ci.yml")
    (folder / "elsewhere.txt").write_text("x")
    assert not happen(folder / "api").dirty
    (folder / "api" / "new").write_text("x")
    assert happen(folder / "api").dirty


def test_a_folder_that_is_all_new_is_dirty(folder: Path) -> None:
    (folder / "apis" / "one" / ".github" / "workflows").mkdir(parents=True)
    (folder / "apis" / "one" / "new").write_text("x")
    assert happen(folder / "apis" / "one").dirty


# --- what was pushed -------------------------------------------------------------------------------------------------


def test_a_first_commit_is_measured_from_nothing(folder: Path) -> None:
    event = happen(folder)
    assert event.before is not None
    assert (event.before.strip("0"), [commit["message"] for commit in event.payload["commits"]]) == (
        "",
        ["Write first.txt"],
    )
    assert changed(folder) == ["first.txt"]


def test_without_an_origin_the_last_commit_counts_as_pushed(folder: Path) -> None:
    first = git(folder, "rev-parse", "HEAD")
    commit_file(folder, "a.txt")
    second = git(folder, "rev-parse", "HEAD")
    commit_file(folder, "b.txt")
    event = happen(folder)
    assert event.before == second != first
    assert len(event.payload["commits"]) == 1
    assert changed(folder) == ["b.txt"]


def test_what_the_origin_does_not_have_counts_as_pushed(clone: Path) -> None:
    commit_file(clone, "third.txt")
    event = happen(clone)
    assert event.before == git(clone, "rev-parse", "origin/main")
    assert [commit["message"] for commit in event.payload["commits"]] == ["Write second.txt", "Write third.txt"]
    assert changed(clone) == ["second.txt", "third.txt"]


def test_a_branch_is_measured_from_where_it_left_the_default_branch(folder: Path) -> None:
    base = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "-q", "-b", "feature")
    commit_file(folder, "a.txt")
    commit_file(folder, "b.txt")
    git(folder, "checkout", "-q", "main")
    commit_file(folder, "main.txt")
    git(folder, "checkout", "-q", "feature")
    (folder / "new.txt").write_text("x")
    assert happen(folder).before == base
    assert changed(folder) == ["a.txt", "b.txt", "new.txt"]


def test_where_only_uncommitted_changes_are_new_they_are_what_changed(folder: Path) -> None:
    commit_file(folder, "a.txt")
    (folder / "first.txt").write_text("changed")
    event = happen(folder)
    assert (event.before, event.payload["commits"]) == (event.sha, [])
    assert changed(folder) == ["first.txt"]


def test_a_new_branch_without_anything_new_counts_its_last_commit(folder: Path) -> None:
    commit_file(folder, "a.txt")
    git(folder, "checkout", "-q", "-b", "feature")
    assert changed(folder) == ["a.txt"]


def test_a_push_is_compared_with_the_commit_before_it(folder: Path) -> None:
    """Two-dot, also where history was rewritten: docs, "Git diff comparisons"."""
    commit_file(folder, "old.txt")
    replaced = git(folder, "rev-parse", "HEAD")
    git(folder, "reset", "-q", "--hard", "HEAD~1")
    commit_file(folder, "new.txt")
    assert changed(folder, payload={"before": replaced}) == ["new.txt", "old.txt"]


def test_a_commit_before_that_is_not_here_leaves_it_open(folder: Path) -> None:
    assert changed(folder, payload={"before": "f" * 40}) is None


def test_a_new_branch_of_the_payload_is_measured_like_a_local_one(folder: Path) -> None:
    commit_file(folder, "a.txt")
    assert changed(folder, payload={"before": "0" * 40}) == ["a.txt"]


def test_a_pull_request_is_compared_with_where_it_left_its_base(folder: Path) -> None:
    """Three-dot: docs, "Git diff comparisons"."""
    git(folder, "branch", "release")
    git(folder, "checkout", "-q", "-b", "feature")
    commit_file(folder, "a.txt")
    git(folder, "checkout", "-q", "release")
    commit_file(folder, "release.txt")
    git(folder, "checkout", "-q", "main")
    commit_file(folder, "main.txt")
    git(folder, "checkout", "-q", "feature")
    assert changed(folder, "pull_request") == ["a.txt"]
    assert changed(folder, "pull_request", payload={"pull_request": {"base": {"ref": "release"}}}) == ["a.txt"]
    assert changed(folder, "pull_request", payload={"pull_request": {"base": {"ref": "gone", "sha": "f" * 40}}}) is None


def test_an_older_commit_is_compared_without_the_working_tree(folder: Path) -> None:
    git(folder, "tag", "v1")
    commit_file(folder, "a.txt")
    git(folder, "branch", "old")
    commit_file(folder, "b.txt")
    (folder / "new.txt").write_text("x")
    assert changed(folder, ref="old") == ["a.txt"]


def test_more_than_a_thousand_commits_are_not_compared(folder: Path) -> None:
    base = git(folder, "rev-parse", "HEAD")
    script = "".join(
        f"commit refs/heads/main\ncommitter A <a@example.invalid> {1_800_000_000 + number} +0000\ndata 1\nx\n"
        + (f"from {base}\n" if number == 0 else "")
        + f"M 644 inline f{number % 3}.txt\ndata 1\n{number % 10}\n"
        for number in range(1001)
    )
    (folder.parent / "script").write_text(script)
    with (folder.parent / "script").open() as source:
        subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, stdin=source, check=True, env=ENVIRONMENT)
    git(folder, "reset", "-q", "--hard")
    assert changed(folder, payload={"before": base}) is None
    assert changed(folder, payload={"before": git(folder, "rev-parse", "HEAD~1000")}) == ["f0.txt", "f1.txt", "f2.txt"]

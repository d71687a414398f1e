"""The doorway to git, against repositories that git itself made."""

import os
import signal
from pathlib import Path

import pytest

from homeport.git.repository import Change, GitError, GitRepository, find_repository
from tests.support.projects import GIT_ENVIRONMENT, commit_all, git, init_repository

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **GIT_ENVIRONMENT}


def open_repository(folder: Path) -> GitRepository:
    repository = find_repository(str(folder), ENVIRONMENT)
    assert repository is not None
    return repository


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with one commit on `main`."""
    root = tmp_path / "project"
    root.mkdir()
    init_repository(root)
    (root / "a.txt").write_text("a\n")
    (root / "src").mkdir()
    (root / "src" / "b.py").write_text("b\n")
    (root / ".gitignore").write_text("*.log\n")
    commit_all(root, "First\n\nWith a body.")
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


# --- finding it ------------------------------------------------------------------------------------------------------


def test_a_repository_is_found_from_any_folder_in_it(folder: Path) -> None:
    assert open_repository(folder / "src").root == str(folder)


def test_there_may_be_none(tmp_path: Path) -> None:
    assert find_repository(str(tmp_path), ENVIRONMENT) is None


def test_a_folder_called_git_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert find_repository(str(tmp_path), ENVIRONMENT) is None


@pytest.mark.parametrize("text", ["gitdir: nowhere\n", "something else"])
def test_a_file_that_leads_nowhere_is_not_enough(tmp_path: Path, text: str) -> None:
    write(tmp_path / ".git", text)
    assert find_repository(str(tmp_path), ENVIRONMENT) is None


def test_a_linked_worktree_has_its_own_head_and_shares_the_branches(folder: Path) -> None:
    other = folder.parent / "other"
    git(folder, "worktree", "add", "-q", "-b", "feature", str(other))
    commit_all(other, "Second")
    repository = open_repository(other)
    assert (repository.root, repository.head().ref) == (str(other), "refs/heads/feature")
    assert repository.head().sha == git(other, "rev-parse", "HEAD")
    assert repository.find_ref("refs/heads/main") == git(folder, "rev-parse", "main")
    assert [change.path for change in repository.status()] == []


def test_a_submodule_is_a_repository_of_its_own(folder: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    init_repository(inner)
    commit_all(inner, "Inner")
    git(folder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "lib")
    assert open_repository(folder / "lib").head().sha == git(inner, "rev-parse", "HEAD")
    assert "lib" in open_repository(folder).list_files()


def test_a_repository_inside_another_is_the_nearer_one(folder: Path) -> None:
    nested = folder / "nested"
    nested.mkdir()
    init_repository(nested)
    assert open_repository(nested).root == str(nested)
    write(nested / "x", "")
    assert "nested/" in open_repository(folder).list_files()


# --- names -----------------------------------------------------------------------------------------------------------


def test_head_is_a_branch_or_a_commit_or_nothing_yet(folder: Path, tmp_path: Path) -> None:
    sha = git(folder, "rev-parse", "HEAD")
    head = open_repository(folder).head()
    assert (head.ref, head.sha) == ("refs/heads/main", sha)
    git(folder, "checkout", "-q", "--detach")
    head = open_repository(folder).head()
    assert (head.ref, head.sha) == (None, sha)
    empty = tmp_path / "empty"
    empty.mkdir()
    init_repository(empty)
    head = open_repository(empty).head()
    assert (head.ref, head.sha) == ("refs/heads/main", None)


def test_packed_refs_are_read_too(folder: Path) -> None:
    git(folder, "branch", "old/one")
    git(folder, "tag", "-a", "v1", "-m", "One")
    git(folder, "pack-refs", "--all")
    repository = open_repository(folder)
    assert repository.head().sha == repository.find_ref("refs/heads/old/one") == git(folder, "rev-parse", "HEAD")
    assert repository.find_ref("refs/tags/v1") == git(folder, "rev-parse", "v1")
    assert repository.find_ref("refs/tags/v1") != repository.resolve("v1") == repository.head().sha


@pytest.mark.parametrize("ref", ["refs/heads/none", "refs/heads/../../config", "HEAD", "config", "refs/heads"])
def test_what_is_no_ref_is_none(folder: Path, ref: str) -> None:
    assert open_repository(folder).find_ref(ref) is None


def test_refs_that_point_in_a_circle_are_none(folder: Path) -> None:
    write(folder / ".git/refs/heads/one", "ref: refs/heads/two\n")
    write(folder / ".git/refs/heads/two", "ref: refs/heads/one\n")
    assert open_repository(folder).find_ref("refs/heads/one") is None


def test_revisions_are_resolved_to_commits(folder: Path) -> None:
    first = git(folder, "rev-parse", "HEAD")
    second = commit_all(folder, "Second")
    repository = open_repository(folder)
    assert repository.resolve("main~1") == repository.resolve(first[:10]) == first
    assert repository.resolve("HEAD") == second
    assert [repository.resolve(name) for name in ("nothing", "-x", "--all", "HEAD:a.txt", "")] == [None] * 5


def test_tags_at_a_commit_are_sorted_by_version(folder: Path) -> None:
    for tag in ("v1.9", "v1.10", "v1.2"):
        git(folder, "tag", tag)
    git(folder, "tag", "-a", "v2", "-m", "Two")
    repository = open_repository(folder)
    assert repository.tags_at(repository.head().sha or "") == ["v2", "v1.10", "v1.9", "v1.2"]


def test_the_url_of_a_remote_is_found(folder: Path) -> None:
    assert open_repository(folder).find_remote() is None
    assert open_repository(folder).list_remotes() == {}
    git(folder, "remote", "add", "origin", "git@github.com:octo/app.git")
    git(folder, "remote", "add", "other", "https://example.invalid/x")
    assert open_repository(folder).find_remote() == "git@github.com:octo/app.git"
    assert open_repository(folder).list_remotes() == {
        "origin": "git@github.com:octo/app.git",
        "other": "https://example.invalid/x",
    }
    git(folder, "config", "remote.origin.url", 'has "quotes"; and # more')
    assert open_repository(folder).find_remote() == 'has "quotes"; and # more'


def test_what_an_included_file_says_is_left_to_git(folder: Path) -> None:
    write(folder / "more.config", '[remote "origin"]\n\turl = https://example.invalid/octo/more\n')
    git(folder, "config", "include.path", "../more.config")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    repository = open_repository(folder)
    assert repository.find_remote() == "https://example.invalid/octo/more"
    assert repository.head().ref == "refs/heads/main"
    assert repository.head().sha == repository.find_ref("refs/heads/main") == git(folder, "rev-parse", "HEAD")
    assert repository.find_ref("refs/heads/none") is None
    assert repository.find_link("refs/remotes/origin/HEAD") == "refs/remotes/origin/trunk"
    git(folder, "checkout", "-q", "--detach")
    assert open_repository(folder).head().ref is None


def test_a_symbolic_ref_is_followed_by_one_step(folder: Path) -> None:
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    repository = open_repository(folder)
    assert repository.find_link("refs/remotes/origin/HEAD") == "refs/remotes/origin/trunk"
    assert repository.find_link("refs/heads/main") is None
    assert repository.find_link("refs/remotes/none/HEAD") is None


def test_the_user_is_who_git_says(folder: Path) -> None:
    assert open_repository(folder).find_user() == ("", "")
    git(folder, "config", "user.name", "Ada of London")
    git(folder, "config", "user.email", "ada@example.invalid")
    assert open_repository(folder).find_user() == ("Ada of London", "ada@example.invalid")


# --- commits ---------------------------------------------------------------------------------------------------------


def test_a_commit_reads_the_same_loose_and_packed(folder: Path) -> None:
    sha = git(folder, "rev-parse", "HEAD")
    loose = open_repository(folder).read_commit(sha)
    git(folder, "gc", "-q")
    assert not (folder / ".git/objects" / sha[:2] / sha[2:]).exists()
    assert open_repository(folder).read_commit(sha) == loose
    assert open_repository(folder).log(None, sha, limit=5) == [loose]
    assert loose is not None
    assert (loose.message, loose.parents) == ("First\n\nWith a body.", ())
    assert (loose.author.name, loose.author.email) == ("Ada", "ada@example.invalid")
    assert loose.tree == git(folder, "rev-parse", "HEAD^{tree}")
    assert loose.author.at == git(folder, "log", "-1", "--format=%aI").replace("Z", "+00:00")


@pytest.mark.parametrize("zone", ["2026-03-01T12:00:00+0530", "2026-03-01T12:00:00-0330"])
def test_a_commit_keeps_the_time_of_its_place(folder: Path, zone: str) -> None:
    git(folder, "commit", "-q", "--allow-empty", "-m", "x", f"--date={zone}")
    repository = open_repository(folder)
    commit = repository.read_commit(repository.head().sha or "")
    assert commit is not None
    assert commit.author.at == f"{zone[:-2]}:{zone[-2:]}"
    assert repository.log("HEAD~1", "HEAD", limit=1) == [commit]


def test_a_commit_in_another_encoding_is_read(folder: Path) -> None:
    git(
        folder,
        "-c",
        "i18n.commitEncoding=latin1",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "ol\u00e9".encode("latin1").decode("utf-8", "surrogateescape"),
    )
    repository = open_repository(folder)
    commit = repository.read_commit(repository.head().sha or "")
    assert commit is not None
    assert commit.message == "olé"


@pytest.mark.parametrize("sha", ["0" * 40, "f" * 40, "main", "../../../etc/passwd", ""])
def test_what_is_no_commit_is_none(folder: Path, sha: str) -> None:
    assert open_repository(folder).read_commit(sha) is None


def test_a_tree_is_no_commit(folder: Path) -> None:
    assert open_repository(folder).read_commit(git(folder, "rev-parse", "HEAD^{tree}")) is None


def test_a_broken_object_is_an_error_of_git(folder: Path) -> None:
    sha = git(folder, "rev-parse", "HEAD")
    loose = folder / ".git/objects" / sha[:2] / sha[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"not zlib")
    repository = open_repository(folder)
    assert repository.read_commit(sha) is None
    with pytest.raises(GitError, match="git log: "):
        repository.log(None, "HEAD", limit=1)


def test_the_log_is_oldest_first_and_limited(folder: Path) -> None:
    first = git(folder, "rev-parse", "HEAD")
    shas = [commit_all(folder, f"Number {number}") for number in range(4)]
    repository = open_repository(folder)
    assert [commit.sha for commit in repository.log(first, "HEAD", limit=10)] == shas
    assert [commit.sha for commit in repository.log(first, "HEAD", limit=2)] == shas[2:]
    assert repository.count_commits(first, "HEAD", limit=10) == 4
    assert repository.count_commits(first, "HEAD", limit=3) == 3


def test_histories_without_a_common_commit_have_no_base(folder: Path) -> None:
    first = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "-q", "-b", "side")
    side = commit_all(folder, "Side")
    git(folder, "checkout", "-q", "--orphan", "alone")
    alone = commit_all(folder, "Alone")
    repository = open_repository(folder)
    assert repository.merge_base(side, first) == first
    assert repository.merge_base(side, alone) is None


def test_a_repository_with_long_ids_works_too(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256")
    write(tmp_path / "a", "a")
    sha = commit_all(tmp_path, "First")
    repository = open_repository(tmp_path)
    assert len(sha) == 64
    assert repository.head().sha == sha
    commit = repository.read_commit(sha)
    assert commit is not None
    assert commit.sha == sha


# --- files -----------------------------------------------------------------------------------------------------------


def test_the_status_names_what_is_not_committed(folder: Path) -> None:
    assert open_repository(folder).status() == []
    write(folder / "a.txt", "changed\n")
    write(folder / "new.txt", "")
    write(folder / "many" / "files.txt", "")
    write(folder / "noise.log", "")
    (folder / "src" / "b.py").unlink()
    write(folder / "staged", "")
    git(folder, "add", "staged")
    assert set(open_repository(folder).status()) == {
        Change(" M", "a.txt"),
        Change(" D", "src/b.py"),
        Change("A ", "staged"),
        Change("??", "new.txt"),
        Change("??", "many/"),
    }


def test_changed_paths_have_new_files_and_both_names_of_renamed_ones(folder: Path) -> None:
    base = git(folder, "rev-parse", "HEAD")
    git(folder, "mv", "a.txt", "z.txt")
    commit_all(folder, "Rename")
    write(folder / "src" / "b.py", "changed")
    write(folder / "many" / "files.txt", "")
    write(folder / "noise.log", "")
    repository = open_repository(folder)
    assert repository.changed_paths(base) == ["a.txt", "many/files.txt", "src/b.py", "z.txt"]
    assert repository.changed_paths(base, "HEAD") == ["a.txt", "z.txt"]


@pytest.mark.parametrize("name", ["größe.txt", "two\nlines", 'quo"te', "a b\tc", "*.py"])
def test_any_name_of_a_file_is_kept(folder: Path, name: str) -> None:
    write(folder / "src" / name, "x")
    repository = open_repository(folder)
    assert f"src/{name}" in repository.list_files()
    assert repository.list_files(f"src/{name}") == [f"src/{name}"]
    assert repository.changed_paths("HEAD") == [f"src/{name}"]
    assert repository.status() == [Change("??", f"src/{name}")]


def test_files_are_those_that_git_would_keep(folder: Path) -> None:
    write(folder / "new.txt", "")
    write(folder / "noise.log", "")
    (folder / "a.txt").unlink()
    repository = open_repository(folder)
    assert sorted(repository.list_files()) == [".gitignore", "a.txt", "new.txt", "src/b.py"]
    assert repository.list_files("src") == ["src/b.py"]


def test_files_of_a_commit_are_shown_as_they_were(folder: Path) -> None:
    sha = git(folder, "rev-parse", "HEAD")
    write(folder / "a.txt", "later")
    repository = open_repository(folder)
    assert repository.show(sha, "a.txt") == b"a\n"
    assert repository.show(sha, "none.txt") is None
    assert repository.show(sha, "src") is None
    assert repository.list_tree(sha, "src") == ["src/b.py"]
    assert repository.list_tree(sha, "none") == []


# --- safety ----------------------------------------------------------------------------------------------------------


def test_no_question_runs_what_the_repository_names(folder: Path) -> None:
    """fsmonitor, filters, external diffs, text conversions, hooks, pagers and includes of the repository's own configuration."""
    mark = folder.parent / "ran"
    program = folder.parent / "program"
    write(program, f"#!/bin/sh\ntouch '{mark}'\ncat\n")
    program.chmod(0o755)
    write(folder / ".gitattributes", "*.txt filter=evil diff=evil\n*.py filter=e.v=il\n")
    base = commit_all(folder, "Attributes")
    for key in (
        "core.fsmonitor",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "core.pager",
        "core.editor",
    ):
        git(folder, "config", key, str(program))
    write(
        folder / "more.config",
        f'[filter "evil"]\n\tclean = {program}\n\tsmudge = {program}\n\trequired = true\n'
        f'[filter "e.v=il"]\n\tprocess = {program}\n\tclean = {program}\n',
    )
    git(folder, "config", "include.path", "../more.config")
    for hook in ("post-index-change", "reference-transaction"):
        write(folder / ".git/hooks" / hook, f"#!/bin/sh\ntouch '{mark}'\n")
        (folder / ".git/hooks" / hook).chmod(0o755)
    for name in ("a.txt", "src/b.py"):
        write(folder / name, "changed, as long\n")
        os.utime(folder / name, (1, 1))
    mark.unlink(missing_ok=True)
    repository = open_repository(folder)
    assert {change.path for change in repository.status()} == {"a.txt", "src/b.py", "more.config"}
    assert "a.txt" in repository.changed_paths(base)
    assert repository.log(None, "HEAD", limit=1)
    assert repository.list_files()
    assert repository.show(base, "a.txt") == b"a\n"
    assert not mark.exists()


def test_git_is_not_pointed_elsewhere_by_its_own_variables(folder: Path, tmp_path: Path) -> None:
    """A hook of git that calls Homeport has them set."""
    other = tmp_path / "other"
    other.mkdir()
    init_repository(other)
    environment = {
        **ENVIRONMENT,
        "GIT_DIR": str(other / ".git"),
        "GIT_INDEX_FILE": "/nonexistent",
        "GIT_WORK_TREE": "/",
    }
    repository = find_repository(str(folder), environment)
    assert repository is not None
    assert "a.txt" in repository.list_files()


def test_a_repository_of_somebody_else_can_be_read(folder: Path) -> None:
    """Git refuses one that it found by itself. Only root can give a folder away; for others this reads their own."""
    owner = 12345 if os.geteuid() == 0 else os.getuid()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, -1)
    assert "a.txt" in open_repository(folder).list_files()


def test_a_machine_without_git_says_so(folder: Path) -> None:
    repository = find_repository(str(folder), {"PATH": "/nonexistent"})
    assert repository is not None
    assert repository.head().ref == "refs/heads/main"
    with pytest.raises(GitError, match="git cannot be started"):
        repository.status()


def test_output_of_any_size_is_read(folder: Path) -> None:
    for number in range(3000):
        (folder / f"a-rather-long-name-of-a-file-{number:05}.txt").touch()
    assert len(open_repository(folder).list_files()) == 3003


# --- many questions --------------------------------------------------------------------------------------------------


def test_one_git_answers_all_questions_about_objects_as_one_for_each_would(folder: Path) -> None:
    git(folder, "tag", "-a", "v1", "-m", "One")
    git(folder, "gc", "-q")  # no object is in a file of its own
    repository = open_repository(folder)
    head = repository.resolve("HEAD")
    assert head is not None

    def ask() -> list[object]:
        revisions = ["main", "HEAD", "v1", head, head[:7], "HEAD~1", "nothing", "f" * 40, f"{head}:src", "two\nlines"]
        files = ["a.txt", "src/b.py", "src", "none", "./a.txt", ".gitignore"]
        return [
            *(repository.resolve(revision) for revision in revisions),
            *(repository.read_commit(sha) for sha in (head, "f" * 40)),
            *(repository.show(head, name) for name in files),
            *(repository.list_tree(head, name) for name in ("src", "none", "a.txt", "src/")),
        ]

    each = ask()
    with repository.reading():
        assert ask() == each
        with repository.reading():
            assert repository.resolve("main") == head
        write(folder / "new.txt", "new")
        commit_all(folder, "Second")
        assert repository.show("main", "new.txt") == b"new"


def test_a_git_that_died_between_two_questions_is_an_error_once(folder: Path) -> None:
    repository = open_repository(folder)
    with repository.reading():
        head = repository.resolve("main")
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        with pytest.raises(GitError, match="has ended"):
            repository.resolve("main")
        assert repository.resolve("main") == head

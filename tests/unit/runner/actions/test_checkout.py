"""actions/checkout of the running repository: the workspace then holds what git would, and what no commit holds yet."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import checkout
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost
from tests.support.git_folders import commit, git, init, snapshot, write

Use = Callable[..., FolderHost]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with three commits, a branch, two tags, ignored and executable files and a link."""
    folder = init(tmp_path / "user" / "project")
    write(folder, _dot_gitignore="*.log\n/build/\n", a_dot_txt="one\n", pkg__b_dot_txt="b\n")
    commit(folder, "first")
    git(folder, "tag", "v1.0")
    write(folder, a_dot_txt="two\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("pkg/b.txt")
    commit(folder, "second")
    git(folder, "tag", "-a", "v1.1", "-m", "annotated")
    git(folder, "checkout", "-q", "-b", "other")
    write(folder, only_dot_txt="other\n")
    commit(folder, "on other")
    git(folder, "checkout", "-q", "main")
    write(folder, a_dot_txt="three\n")
    commit(folder, "third")
    return folder


@pytest.fixture
def use(tmp_path: Path, source: Path) -> Use:
    """Check out in a new job."""
    count = 0

    def use(folder: Path | None = None, **inputs: str) -> FolderHost:
        nonlocal count
        count += 1
        host = make_host(tmp_path / f"job{count}", folder or source)
        return host.use(checkout, **inputs)

    return use


def make_host(root: Path, folder: Path, **options: Any) -> FolderHost:
    sha = git(folder, "rev-parse", "HEAD") if git_has_head(folder) else "0" * 40
    github = {"sha": sha, "ref": "refs/heads/main", **options.pop("github", {})}
    return FolderHost(root, source=folder, github=github, **options)


def git_has_head(folder: Path) -> bool:
    try:
        git(folder, "rev-parse", "--verify", "HEAD")
    except AssertionError:
        return False
    return True


def files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if (path.is_file() or path.is_symlink()) and ".git" not in path.relative_to(folder).parts
    )


# --- what is in the workspace ----------------------------------------------------------------------------------------


def test_a_clean_tree_is_checked_out_as_git_would(use: Use, source: Path) -> None:
    host = use()
    assert files(host.workspace) == [".gitignore", "a.txt", "link", "pkg/b.txt", "run.sh"]
    assert git(host.workspace, "status", "--porcelain") == ""
    assert (host.workspace / "run.sh").stat().st_mode & 0o111
    assert os.readlink(host.workspace / "link") == "pkg/b.txt"
    assert git(host.workspace, "rev-parse", "HEAD") == host.github["sha"]
    assert git(host.workspace, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert host.outputs == {"ref": "refs/heads/main", "commit": host.github["sha"]}


def test_uncommitted_changes_come_along_and_ignored_files_do_not(use: Use, source: Path) -> None:
    write(
        source,
        a_dot_txt="changed\n",
        new_dot_txt="new\n",
        pkg__deep__er_dot_txt="x",
        debug_dot_log="no",
        build__out="no",
    )
    (source / "pkg" / "b.txt").unlink()
    (source / "run.sh").chmod(0o644)
    (source / "link").unlink()
    (source / "link").symlink_to("a.txt")
    host = use()
    assert files(host.workspace) == [".gitignore", "a.txt", "link", "new.txt", "pkg/deep/er.txt", "run.sh"]
    assert (host.workspace / "a.txt").read_text() == "changed\n"
    assert git(host.workspace, "status", "--porcelain", "-uall").splitlines() == [
        " M a.txt",
        " M link",
        " D pkg/b.txt",
        " M run.sh",
        "?? new.txt",
        "?? pkg/deep/er.txt",
    ]
    assert any("4 changed or new files, 1 deleted ones" in line or "5 changed" in line for line in host.lines)


def test_staged_changes_come_along_too(use: Use, source: Path) -> None:
    write(source, a_dot_txt="staged\n", added_dot_txt="x")
    git(source, "add", "-A")
    git(source, "mv", "pkg/b.txt", "pkg/c.txt")
    host = use()
    assert files(host.workspace) == [".gitignore", "a.txt", "added.txt", "link", "pkg/c.txt", "run.sh"]
    assert (host.workspace / "a.txt").read_text() == "staged\n"


def test_a_file_that_became_a_folder_and_a_folder_that_became_a_file(use: Use, source: Path) -> None:
    (source / "a.txt").unlink()
    write(source, a_dot_txt__inner="x")
    shutil.rmtree(source / "pkg")
    write(source, pkg="file now")
    host = use()
    assert (host.workspace / "a.txt" / "inner").read_text() == "x"
    assert (host.workspace / "pkg").read_text() == "file now"


def test_names_of_any_kind_come_along(use: Use, source: Path) -> None:
    names = [
        "sp ace",
        "ünï☃",
        'quo"te',
        "new\nline",
        "tab\t",
        "-dash",
        b"\xff-bytes".decode("utf-8", "surrogateescape"),
    ]
    for name in names:
        (source / name).write_text(name.encode("utf-8", "surrogateescape").hex())
    host = use()
    for name in names:
        assert (host.workspace / name).read_text() == name.encode("utf-8", "surrogateescape").hex()


def test_nothing_of_the_users_repository_is_touched(use: Use, source: Path) -> None:
    write(source, a_dot_txt="changed\n", new_dot_txt="new\n")
    os.utime(source / "run.sh", (1, 1))  # git would like to refresh its index
    before = snapshot(source)
    host = use(fetch_depth="0", submodules="recursive")
    git(host.workspace, "add", "-A")
    git(host.workspace, "commit", "-q", "-m", "the job commits")
    git(host.workspace, "branch", "job-branch")
    git(host.workspace, "tag", "job-tag")
    git(host.workspace, "gc", "-q", "--prune=now")
    assert snapshot(source) == before


def test_a_repository_inside_is_left_out_and_said(use: Use, source: Path) -> None:
    inner = init(source / "vendor" / "inner")
    write(inner, x="x")
    commit(inner)
    host = use()
    assert not (host.workspace / "vendor").exists()
    assert any("vendor/inner" in line and "repository of its own" in line for line in host.lines)


def test_the_users_own_ignore_file_counts(use: Use, source: Path) -> None:
    (source / ".git" / "info" / "exclude").write_text("private.txt\n")
    write(source, private_dot_txt="x", public_dot_txt="x")
    assert "private.txt" not in files(use().workspace)
    assert "public.txt" in files(use().workspace)


# --- history ---------------------------------------------------------------------------------------------------------


def test_one_commit_is_shown_by_default(use: Use) -> None:
    host = use()
    assert git(host.workspace, "rev-list", "--count", "HEAD") == "1"
    assert git(host.workspace, "rev-parse", "--is-shallow-repository") == "true"
    assert git(host.workspace, "tag") == ""
    assert git(host.workspace, "for-each-ref", "--format=%(refname)") == "refs/heads/main\nrefs/remotes/origin/main"


@pytest.mark.parametrize(
    ("depth", "count"), [("1", "1"), ("2", "2"), ("3", "3"), ("50", "3"), ("0", "3"), ("-1", "3"), ("x", "3")]
)
def test_the_depth_is_that_of_the_history(use: Use, depth: str, count: str) -> None:
    assert git(use(fetch_depth=depth).workspace, "rev-list", "--count", "HEAD") == count


@pytest.mark.parametrize("depth", [2, 3, 40])
def test_a_merge_is_cut_off_on_all_its_sides(use: Use, source: Path, depth: int) -> None:
    git(source, "merge", "-q", "--no-ff", "-m", "merge", "other")
    for number in range(3):
        write(source, a_dot_txt=str(number))
        commit(source, f"more {number}")
    host = use(fetch_depth=str(depth))
    clone = source.parent / f"clone{depth}"
    git(source.parent, "clone", "-q", f"--depth={depth}", f"file://{source}", str(clone))
    ours, gits = (git(folder, "rev-list", "HEAD") for folder in (host.workspace, clone))
    assert sorted(ours.split()) == sorted(gits.split())


def test_the_whole_history_has_all_branches_and_tags(use: Use, source: Path) -> None:
    host = use(fetch_depth="0")
    assert git(host.workspace, "describe", "--tags", "--long").startswith("v1.1-1-g")
    assert git(host.workspace, "tag").split() == ["v1.0", "v1.1"]
    assert git(host.workspace, "cat-file", "-t", "v1.1") == "tag"
    branches = git(host.workspace, "branch", "-r", "--format=%(refname:short)").split()
    assert branches == ["origin/main", "origin/other"]
    assert git(host.workspace, "log", "--format=%s", "origin/other").splitlines()[0] == "on other"
    assert git(host.workspace, "merge-base", "origin/other", "HEAD") == git(source, "rev-parse", "v1.1^{commit}")


def test_what_was_last_seen_of_the_remote_goes_before_the_local_branch(use: Use, source: Path) -> None:
    git(source, "update-ref", "refs/remotes/origin/other", "v1.0")
    git(source, "update-ref", "refs/remotes/origin/gone", "v1.0")
    host = use(fetch_depth="0")
    assert git(host.workspace, "rev-parse", "origin/other") == git(source, "rev-parse", "v1.0")
    assert git(host.workspace, "rev-parse", "origin/gone") == git(source, "rev-parse", "v1.0")
    assert git(host.workspace, "rev-parse", "origin/main") == host.github["sha"]


def test_tags_can_be_had_without_history(use: Use) -> None:
    host = use(fetch_tags="true")
    assert git(host.workspace, "tag").split() == ["v1.0", "v1.1"]
    assert git(host.workspace, "rev-list", "--count", "HEAD") == "1"


def test_a_shallow_original_stays_shallow(use: Use, source: Path) -> None:
    clone = source.parent / "shallow"
    git(source.parent, "clone", "-q", "--depth=2", f"file://{source}", str(clone))
    host = use(clone, fetch_depth="0")
    assert git(host.workspace, "rev-list", "--count", "HEAD") == "2"
    assert git(host.workspace, "fsck", "--no-dangling") == ""


def test_a_linked_worktree_is_checked_out_like_any_other(use: Use, source: Path) -> None:
    git(source, "worktree", "add", "-q", "../linked", "other")
    linked = source.parent / "linked"
    write(linked, dirty_dot_txt="x")
    host = use(linked, fetch_depth="0")
    assert "only.txt" in files(host.workspace)
    assert "dirty.txt" in files(host.workspace)


# --- refs ------------------------------------------------------------------------------------------------------------


def test_another_branch_is_its_committed_state(use: Use, source: Path) -> None:
    write(source, new_dot_txt="dirty")
    host = use(ref="other")
    assert files(host.workspace) == [".gitignore", "a.txt", "link", "only.txt", "pkg/b.txt", "run.sh"]
    assert git(host.workspace, "symbolic-ref", "HEAD") == "refs/heads/other"
    assert host.outputs == {"ref": "other", "commit": git(source, "rev-parse", "other")}
    assert any("uncommitted changes stayed behind" in line for line in host.lines)


@pytest.mark.parametrize("ref", ["v1.0", "refs/tags/v1.0"])
def test_a_tag_is_checked_out_detached(use: Use, source: Path, ref: str) -> None:
    host = use(ref=ref)
    assert git(host.workspace, "rev-parse", "HEAD") == git(source, "rev-parse", "v1.0")
    assert git(host.workspace, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert git(host.workspace, "describe", "--tags") == "v1.0"


def test_the_event_of_an_annotated_tag_keeps_the_tag(tmp_path: Path, source: Path) -> None:
    sha = git(source, "rev-parse", "v1.1^{commit}")
    host = make_host(tmp_path / "job", source, github={"ref": "refs/tags/v1.1", "sha": sha}).use(checkout)
    assert git(host.workspace, "cat-file", "-t", "v1.1") == "tag"
    assert git(host.workspace, "describe") == "v1.1"
    assert git(host.workspace, "rev-parse", "HEAD") == sha


def test_a_pull_request_is_detached_at_its_merge(tmp_path: Path, source: Path) -> None:
    host = make_host(tmp_path / "job", source, github={"ref": "refs/pull/7/merge"}).use(checkout)
    assert git(host.workspace, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert git(host.workspace, "rev-parse", "refs/remotes/pull/7/merge") == host.github["sha"]


def test_a_commit_can_be_named(use: Use, source: Path) -> None:
    first = git(source, "rev-parse", "v1.0")
    host = use(ref=first)
    assert (host.workspace / "a.txt").read_text() == "one\n"
    assert host.outputs == {"ref": "", "commit": first}


def test_naming_what_is_checked_out_keeps_the_changes(use: Use, source: Path) -> None:
    write(source, new_dot_txt="dirty")
    for ref in ("main", "refs/heads/main", git(source, "rev-parse", "HEAD")):
        assert "new.txt" in files(use(ref=ref).workspace)


def test_the_sha_of_the_run_goes_before_what_is_checked_out_now(tmp_path: Path, source: Path) -> None:
    """A re-run keeps its commit, whatever the user did meanwhile."""
    old = git(source, "rev-parse", "HEAD")
    write(source, a_dot_txt="four\n")
    commit(source, "fourth")
    write(source, new_dot_txt="dirty")
    host = make_host(tmp_path / "job", source, github={"sha": old}).use(checkout)
    assert git(host.workspace, "rev-parse", "HEAD") == old
    assert (host.workspace / "a.txt").read_text() == "three\n"
    assert "new.txt" not in files(host.workspace)


def test_a_branch_that_only_the_remote_has_is_found(use: Use, source: Path) -> None:
    git(source, "update-ref", "refs/remotes/origin/far", "v1.0")
    host = use(ref="far")
    assert git(host.workspace, "symbolic-ref", "HEAD") == "refs/heads/far"
    assert (host.workspace / "a.txt").read_text() == "one\n"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"ref": "nope"}, "A branch or tag with the name 'nope' could not be found"),
        ({"ref": "f" * 40}, "is not in the repository on this machine"),
        ({"ref": "--upload-pack=evil"}, "could not be found"),
        ({"repository": "not-a-name"}, "Invalid repository 'not-a-name'. Expected format {owner}/{repo}"),
        ({"path": "../outside"}, "is not under"),
        ({"path": "/etc"}, "is not under"),
        ({"ssh_key": "KEY"}, "'ssh-key' is not supported"),
    ],
)
def test_what_cannot_be_checked_out_fails_with_the_reason(use: Use, inputs: dict[str, str], message: str) -> None:
    with pytest.raises(ActionError, match=message):
        use(**inputs)


def test_the_same_repository_in_other_letters_is_the_same(use: Use) -> None:
    assert files(use(repository="OCTO/Repo", github_server_url="https://github.com").workspace)


# --- where it goes ---------------------------------------------------------------------------------------------------


def test_a_path_below_the_workspace(use: Use) -> None:
    host = use(path="./sub/dir/")
    assert "a.txt" in files(host.workspace / "sub" / "dir")
    assert not (host.workspace / ".git").exists()


def test_what_stood_in_the_way_is_gone(tmp_path: Path, source: Path) -> None:
    host = make_host(tmp_path / "job", source)
    write(host.workspace, left_over="x", folder__file="x")
    (host.workspace / "sub").write_text("a file")
    host.use(checkout, path="sub")
    assert (host.workspace / "left_over").exists()
    host.use(checkout)
    assert files(host.workspace) == [".gitignore", "a.txt", "link", "pkg/b.txt", "run.sh"]


def test_links_of_the_job_lead_nothing_out_of_the_workspace(tmp_path: Path, source: Path) -> None:
    host = make_host(tmp_path / "job", source).use(checkout)
    outside = tmp_path / "outside"
    write(outside, sub__precious="x")
    shutil.move(host.workspace / ".git", outside / "moved")
    (host.workspace / ".git").symlink_to(outside / "moved")
    (host.workspace / "door").symlink_to(outside)
    before = snapshot(outside)
    with pytest.raises(ActionError, match="is not under"):
        host.use(checkout, path="door/sub")
    host.use(checkout, path="door")
    host.use(checkout)
    assert snapshot(outside) == before
    assert not (host.workspace / ".git").is_symlink()


def test_a_second_checkout_cleans_and_one_without_clean_does_not(tmp_path: Path, source: Path) -> None:
    host = make_host(tmp_path / "job", source).use(checkout)
    for clean, kept in (("false", True), ("true", False)):
        write(host.workspace, a_dot_txt="job\n", new_dot_txt="x", left_dot_log="ignored by git")
        (host.workspace / "run.sh").unlink()
        git(host.workspace, "config", "user.name", "the job")
        host.use(checkout, clean=clean)
        assert (host.workspace / "a.txt").read_text() == "three\n"
        assert (host.workspace / "run.sh").exists()
        assert (host.workspace / "new.txt").exists() is kept
        assert (host.workspace / "left.log").exists() is kept
    assert git(host.workspace, "status", "--porcelain") == ""


def test_a_second_checkout_does_not_follow_the_jobs_settings(tmp_path: Path, source: Path) -> None:
    write(source, _dot_gitattributes="* filter=evil\n")
    commit(source)
    host = make_host(tmp_path / "job", source).use(checkout)
    proof = tmp_path / "proof"
    git(host.workspace, "config", "filter.evil.smudge", f"touch {proof}; cat")
    git(host.workspace, "config", "core.fsmonitor", f"touch {proof}")
    hook = host.workspace / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    write(host.workspace, a_dot_txt="job\n")
    host.use(checkout)
    assert (host.workspace / "a.txt").read_text() == "three\n"
    assert not proof.exists()


def test_switching_to_another_ref_in_one_workspace(tmp_path: Path, source: Path) -> None:
    host = make_host(tmp_path / "job", source).use(checkout)
    host.use(checkout, ref="other")
    assert "only.txt" in files(host.workspace)
    host.use(checkout)
    assert "only.txt" not in files(host.workspace)
    assert git(host.workspace, "status", "--porcelain") == ""


def test_what_the_job_committed_is_gone_after_a_second_checkout(tmp_path: Path, source: Path) -> None:
    host = make_host(tmp_path / "job", source).use(checkout)
    write(host.workspace, a_dot_txt="job\n", job_dot_txt="job\n")
    git(host.workspace, "checkout", "-q", "-b", "of-the-job")
    commit(host.workspace, "the job's")
    write(host.workspace, staged_dot_txt="x")
    git(host.workspace, "add", "-A")
    host.use(checkout)
    assert files(host.workspace) == [".gitignore", "a.txt", "link", "pkg/b.txt", "run.sh"]
    assert (host.workspace / "a.txt").read_text() == "three\n"
    assert git(host.workspace, "status", "--porcelain") == ""
    assert git(host.workspace, "branch", "--format=%(refname:short)") == "main"
    assert git(host.workspace, "fsck", "--no-dangling") == ""


def test_origin_is_named_as_on_github_and_read_from_this_machine(use: Use, source: Path) -> None:
    host = use()
    assert git(host.workspace, "config", "remote.origin.url") == "https://github.com/octo/repo"
    git(host.workspace, "fetch", "-q", "origin", "other", "--tags")
    assert git(host.workspace, "log", "-1", "--format=%s", "FETCH_HEAD") == "on other"
    git(host.workspace, "fetch", "-q", "--unshallow", "origin")
    assert git(host.workspace, "rev-list", "--count", "HEAD") == "3"
    assert git(host.workspace, "remote", "get-url", "--push", "origin") == "https://github.com/octo/repo"


def test_in_place_nothing_is_copied(tmp_path: Path, source: Path) -> None:
    before = snapshot(source)
    host = make_host(tmp_path / "job", source, in_place=True)
    host.use(checkout)
    assert list(host.workspace.iterdir()) == []
    assert host.outputs == {"ref": "refs/heads/main", "commit": host.github["sha"]}
    for inputs in ({"path": "sub"}, {"ref": "other"}):
        with pytest.raises(ActionError, match="in place"):
            host.use(checkout, **inputs)
    assert snapshot(source) == before


# --- other kinds of folders ------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_repository_is_copied_whole_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    write(folder, _dot_gitignore="*.log\n", a_dot_txt="a", b_dot_log="kept", deep__c="c", _dot_git__x="not this")
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("a.txt")
    host = FolderHost(tmp_path / "job", source=folder).use(checkout)
    assert files(host.workspace) == [".gitignore", "a.txt", "b.log", "deep/c", "link"]
    assert (host.workspace / "empty").is_dir()
    assert not (host.workspace / ".git").exists()
    assert any("not a git repository" in line for line in host.lines)


def test_a_folder_that_holds_the_jobs_own_folders_is_not_copied_into_itself(tmp_path: Path) -> None:
    write(tmp_path, a_dot_txt="a")
    host = FolderHost(tmp_path / "jobs" / "one", source=tmp_path).use(checkout)
    assert files(host.workspace) == ["a.txt"]


def test_a_ref_in_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(ActionError, match="not a git repository"):
        FolderHost(tmp_path / "job", source=tmp_path / "plain").use(checkout, ref="main")


def test_a_repository_without_commits_is_its_files(tmp_path: Path) -> None:
    folder = init(tmp_path / "fresh")
    write(folder, a_dot_txt="a", _dot_gitignore="*.log", x_dot_log="no")
    host = make_host(tmp_path / "job", folder).use(checkout)
    assert files(host.workspace) == [".gitignore", "a.txt"]
    assert git(host.workspace, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_part_of_a_larger_repository_is_the_root_of_the_workspace(use: Use, tmp_path: Path, source: Path) -> None:
    """HEAD is the real commit; status and diff compare with the part alone."""
    part = source / "examples" / "sdk"
    write(part, pyproject_dot_toml="[project]\n", src__m_dot_py="x = 1\n")
    commit(source, "with examples")
    write(part, src__m_dot_py="x = 2\n", new_dot_py="y\n")
    write(source, outside_dot_txt="dirty elsewhere")
    host = use(part, fetch_depth="0")
    assert files(host.workspace) == ["new.py", "pyproject.toml", "src/m.py"]
    assert git(host.workspace, "rev-parse", "HEAD") == git(source, "rev-parse", "HEAD")
    assert git(host.workspace, "status", "--porcelain").splitlines() == [" M src/m.py", "?? new.py"]
    assert git(host.workspace, "diff", "--stat", "HEAD").splitlines()[0].strip().startswith("src/m.py")
    assert git(host.workspace, "log", "-1", "--format=%an %s") == "Ada with examples"
    assert git(host.workspace, "describe", "--tags").startswith("v1.1-2-g")
    git(host.workspace, "add", "-A")
    git(host.workspace, "commit", "-q", "-m", "the job commits")
    assert git(host.workspace, "ls-tree", "-r", "--name-only", "HEAD").split() == [
        "new.py",
        "pyproject.toml",
        "src/m.py",
    ]


def test_a_new_part_that_no_commit_has_is_all_new(use: Use, source: Path) -> None:
    part = source / "brand" / "new"
    write(part, f_dot_txt="x")
    host = use(part)
    assert files(host.workspace) == ["f.txt"]
    assert git(host.workspace, "status", "--porcelain") == "?? f.txt"


def test_sha256_repositories_work(tmp_path: Path) -> None:
    folder = tmp_path / "wide"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main", "--object-format=sha256")
    write(folder, a_dot_txt="a", sub__b="b")
    commit(folder)
    write(folder, sub__b="c")
    host = make_host(tmp_path / "job", folder).use(checkout)
    assert git(host.workspace, "status", "--porcelain") == " M sub/b"
    part = make_host(tmp_path / "part", folder / "sub").use(checkout)
    assert git(part.workspace, "status", "--porcelain") == " M b"


# --- sparse, submodules, large files ---------------------------------------------------------------------------------


def test_a_sparse_checkout_takes_its_folders_and_their_changes(use: Use, source: Path) -> None:
    write(source, docs__a="a", src__x__b="b", src__y__c="c")
    commit(source)
    write(source, docs__a="dirty", docs__new="n", src__x__b="dirty", src__x__new="n", top_dot_new="n")
    host = use(sparse_checkout="src/x\n")
    assert files(host.workspace) == [".gitignore", "a.txt", "link", "run.sh", "src/x/b", "src/x/new", "top.new"]
    assert (host.workspace / "src/x/b").read_text() == "dirty"
    assert git(host.workspace, "sparse-checkout", "list") == "src/x"
    assert git(host.workspace, "status", "--porcelain").splitlines() == [" M src/x/b", "?? src/x/new", "?? top.new"]


def test_a_sparse_checkout_by_patterns(use: Use, source: Path) -> None:
    write(source, docs__a_dot_md="a", docs__b_dot_txt="b")
    commit(source)
    write(source, docs__new_dot_md="n", docs__new_dot_txt="n", a_dot_txt="dirty but not asked for")
    host = use(sparse_checkout="*.md\n/run.sh", sparse_checkout_cone_mode="false")
    assert files(host.workspace) == ["docs/a.md", "docs/new.md", "run.sh"]


def test_a_filter_switches_sparse_off(use: Use) -> None:
    assert "a.txt" in files(use(sparse_checkout="pkg", filter="blob:none").workspace)


@pytest.fixture
def with_submodule(tmp_path: Path, source: Path) -> Path:
    """A repository whose submodule has a submodule."""
    inner, middle = init(tmp_path / "remotes" / "inner"), init(tmp_path / "remotes" / "middle")
    write(inner, i="inner")
    commit(inner)
    write(middle, m="middle")
    git(middle, "submodule", "--quiet", "add", str(inner), "deps/inner")
    commit(middle)
    git(source, "submodule", "--quiet", "add", "--name", "lib/mid", str(middle), "vendor/middle")
    git(source, "submodule", "--quiet", "update", "--init", "--recursive")
    commit(source, "with submodule")
    return source


def test_submodules_are_empty_folders_by_default(use: Use, with_submodule: Path) -> None:
    host = use()
    assert list((host.workspace / "vendor" / "middle").iterdir()) == []
    assert git(host.workspace, "submodule", "status").startswith("-")


def test_submodules_are_working_copies_of_their_own(use: Use, with_submodule: Path) -> None:
    host = use(submodules="true")
    middle = host.workspace / "vendor" / "middle"
    assert (middle / "m").read_text() == "middle"
    assert list((middle / "deps" / "inner").iterdir()) == []
    assert git(host.workspace, "submodule", "status").startswith(" ")
    assert git(host.workspace, "status", "--porcelain") == ""
    assert git(middle, "rev-parse", "HEAD") == git(with_submodule / "vendor" / "middle", "rev-parse", "HEAD")
    nested = use(submodules="recursive").workspace / "vendor" / "middle" / "deps" / "inner"
    assert (nested / "i").read_text() == "inner"


def test_submodules_survive_a_second_checkout(tmp_path: Path, with_submodule: Path) -> None:
    host = make_host(tmp_path / "job", with_submodule)
    middle = host.workspace / "vendor" / "middle"
    for _ in range(2):
        host.use(checkout, submodules="recursive")
        assert git(host.workspace, "status", "--porcelain") == ""
        assert (middle / "deps" / "inner" / "i").read_text() == "inner"
        write(middle, m="job", left_over="x")
    assert (middle / "m").read_text() == "job"


def test_what_is_checked_out_in_a_submodule_comes_along(use: Use, with_submodule: Path) -> None:
    middle = with_submodule / "vendor" / "middle"
    write(middle, dirty="x")
    host = use(submodules="true")
    assert (host.workspace / "vendor" / "middle" / "dirty").exists()
    (middle / "dirty").unlink()
    write(middle, m="moved on")
    moved = commit(middle)
    host = use(submodules="true")
    assert git(host.workspace / "vendor" / "middle", "rev-parse", "HEAD") == moved
    assert git(host.workspace, "status", "--porcelain") == " M vendor/middle"


def test_a_submodule_that_is_not_here_is_an_error(use: Use, with_submodule: Path) -> None:
    git(with_submodule, "submodule", "--quiet", "deinit", "-f", "vendor/middle")
    with pytest.raises(ActionError, match="'vendor/middle' is not on this machine"):
        use(submodules="true")


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{0}\nsize 5\n"


def test_large_files_are_pointers_unless_asked_for(use: Use, source: Path) -> None:
    identity = "ab" * 32
    write(
        source, _dot_gitattributes="*.bin filter=lfs diff=lfs merge=lfs -text\n", big_dot_bin=POINTER.format(identity)
    )
    commit(source)
    assert (use().workspace / "big.bin").read_text() == POINTER.format(identity)
    with pytest.raises(ActionError, match=r"big\.bin.*git lfs fetch"):
        use(lfs="true")
    content = source / ".git" / "lfs" / "objects" / "ab" / "ab" / identity
    content.parent.mkdir(parents=True)
    content.write_text("LARGE")
    assert (use(lfs="true").workspace / "big.bin").read_text() == "LARGE"


# --- credentials -----------------------------------------------------------------------------------------------------


def header(workspace: Path) -> str:
    return git(workspace, "config", "--get", "--includes", "--default", "", "http.https://github.com/.extraheader")


def test_a_token_is_kept_for_the_job_and_forgotten_after_it(tmp_path: Path, source: Path) -> None:
    host = make_host(tmp_path / "job", source).use(checkout, token="s3cret")
    assert header(host.workspace).startswith("AUTHORIZATION: basic ")
    assert header(host.workspace).split()[-1] in host.masked
    assert "s3cret" not in (host.workspace / ".git" / "config").read_text()
    checkout.post(host)
    assert header(host.workspace) == ""
    assert list(Path(host.paths.temp).iterdir()) == []


def test_a_token_is_not_kept_where_that_is_not_wanted_or_there_is_none(use: Use) -> None:
    assert header(use(token="s3cret", persist_credentials="false").workspace) == ""
    host = use()
    assert header(host.workspace) == ""
    checkout.post(host)

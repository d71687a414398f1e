"""Bare repositories that Homeport itself keeps: made, opened, their refs listed, and what a push did to them found out.

Source: git's documentation, "gitrepository-layout", "git-config" (`core.logAllRefUpdates`, `receive.*`), "git-receive-pack".
"""

import os
import re
import shutil
from collections.abc import Mapping
from typing import Final

from homeport.git.discovery import Layout, read_small_file
from homeport.git.process import GitError, GitProcess, git_environment
from homeport.git.refs import read_ref
from homeport.git.repository import GitRepository

NO_SHA = "0" * 40
"""What git writes where there is no commit."""

_CONFIG = """[core]
\trepositoryformatversion = 0
\tbare = true
\tlogAllRefUpdates = always
[receive]
\tfsckObjects = true
[receive "fsck"]
\tzeroPaddedFilemode = ignore
\tmissingSpaceBeforeDate = ignore
\tbadTimezone = ignore
[uploadpack]
\tallowAnySHA1InWant = true
\tallowFilter = true
[gc]
\tauto = 0
"""
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^\.|\.lock(/|$)|/$|\.$")


def is_ref_name(ref: str) -> bool:
    """Whether git takes it as a full ref (git's documentation, "git-check-ref-format")."""
    return ref.startswith("refs/") and ref.count("/") >= 2 and _FORBIDDEN.search(ref) is None


def make_hosted(git_dir: str, default_branch: str) -> None:
    """Make a repository where there is none yet. It is whole when it is there. Raises `GitError`."""
    if os.path.isdir(git_dir):
        return
    draft = f"{git_dir}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            os.makedirs(os.path.join(draft, folder), 0o700)
        _write(os.path.join(draft, "config"), _CONFIG)
        _write(os.path.join(draft, "HEAD"), f"ref: refs/heads/{default_branch}\n")
        os.rename(draft, git_dir)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not os.path.isdir(git_dir):  # nobody else has made it meanwhile
            raise GitError(f"{git_dir}: {error.strerror}") from error


def open_hosted(git_dir: str, environment: Mapping[str, str]) -> GitRepository | None:
    """The repository; None where there is none. Not to be shared by threads."""
    if not os.path.isdir(git_dir):
        return None
    return GitRepository(_layout(git_dir), environment)


def find_hosted_ref(git_dir: str, ref: str) -> str | None:
    """What a full ref stands for now, read from git's files."""
    return read_ref(_layout(git_dir), ref) if is_ref_name(ref) else None


def set_default_branch(git_dir: str, branch: str) -> None:
    """What a clone checks out. Raises `GitError`."""
    draft = os.path.join(git_dir, f"HEAD.{os.urandom(4).hex()}")
    try:
        _write(draft, f"ref: refs/heads/{branch}\n")
        os.rename(draft, os.path.join(git_dir, "HEAD"))
    except OSError as error:
        raise GitError(f"{git_dir}: {error.strerror}") from error


def merge_for_test(git_dir: str, base: str, head: str, environment: Mapping[str, str]) -> str | None:
    """The commit that merges `head` into `base`, the same whenever it is made; None for a conflict. Raises `GitError`."""
    told = git_environment(environment, git_dir, git_dir, ())
    tree = _run(git_dir, ["merge-tree", "--write-tree", "--no-messages", base, head], told, allowed=(0, 1))
    if "\n" in tree:
        return None
    when = _run(git_dir, ["show", "--no-patch", "--format=%cI", "--end-of-options", head], told)
    people = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Homeport"), ("EMAIL", "noreply@homeport.invalid"), ("DATE", when))
    }
    words = ["commit-tree", tree, "-p", base, "-p", head, "-m", f"Merge {head} into {base}"]
    return _run(git_dir, words, {**told, **people})


def write_ref(git_dir: str, ref: str, sha: str, environment: Mapping[str, str]) -> None:
    """Let a ref stand for a commit. Raises `GitError`."""
    _run(git_dir, ["update-ref", ref, sha], git_environment(environment, git_dir, git_dir, ()))


def delete_ref(git_dir: str, ref: str, environment: Mapping[str, str]) -> None:
    """Let there be no such ref. Raises `GitError`."""
    _run(git_dir, ["update-ref", "-d", ref], git_environment(environment, git_dir, git_dir, ()))


def was_applied(git_dir: str, old: str, new: str, ref: str, user: str) -> bool:
    """Whether a push by `user` (`BackendRequest.user`, another one for each push) has changed a ref so, also where it was changed again
    since. Git writes each change into the ref's log, with who has made it, and removes the log with the ref.
    """
    if not is_ref_name(ref):
        return False
    log = read_small_file(os.path.join(git_dir, "logs", ref)) or ""
    if new.strip("0"):
        return any(line.startswith(f"{old} {new} {user} <") for line in log.splitlines())
    values = [line.split(" ", 2)[1] for line in log.splitlines() if line.count(" ") > 1]
    return find_hosted_ref(git_dir, ref) is None or old not in values


def _run(git_dir: str, words: list[str], environment: Mapping[str, str], *, allowed: tuple[int, ...] = (0,)) -> str:
    return GitProcess(git_dir, words, environment).finish(allowed=allowed).decode("utf-8", "replace").rstrip("\n")


def _layout(git_dir: str) -> Layout:
    return Layout(git_dir, git_dir, git_dir)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(text)
        file.flush()
        os.fsync(file.fileno())

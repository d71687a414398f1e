"""What a folder of this machine is: the working tree of a git repository, a part of one, or no repository at all."""

import os
import pwd
from collections.abc import Mapping, Sequence

import msgspec

from homeport.git.discovery import Layout, bare_layout, find_layout, read_small_file
from homeport.git.process import GitError, GitProcess, git_environment
from homeport.git.refs import Head
from homeport.git.repository import Change, GitRepository


class WorkingCopyError(Exception):
    """The working copy cannot be made as it was asked for; the message is for the user."""


class SourceTree:
    """A folder, and the git repository whose working tree holds it. Every question costs one start of git.

    Raises `GitError` where git is needed and missing.
    """

    def __init__(self, folder: str, layout: Layout | None, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.layout = layout
        self.head = Head(None, None) if layout is None else GitRepository(layout, environment).head()
        """what is checked out"""
        self._environment = environment

    @property
    def is_bare(self) -> bool:
        """Whether there are only commits: no branch is checked out, and nothing is uncommitted."""
        return self.layout is not None and self.layout.is_bare

    @property
    def prefix(self) -> str:
        """The folder's path below the root of its repository; empty for the root itself."""
        if self.layout is None:
            return ""
        path = os.path.relpath(os.path.realpath(self.folder), self.layout.work_tree)
        return "" if path == "." else path

    def resolve(self, revision: str) -> str | None:
        """The commit that a revision means."""
        return None if self.layout is None else GitRepository(self.layout, self._environment).resolve(revision)

    def changes(self) -> list[Change]:
        """What differs from HEAD in this folder, file by file; paths are relative to the root of the repository."""
        if self.layout is None:
            return []
        return GitRepository(self.layout, self._environment).status(self.prefix, each_file=True)

    def list_refs(self, *patterns: str) -> dict[str, str]:
        """Full refs below these names, with the objects that they name (tags as they are, annotated or not)."""
        lines = self.ask(["for-each-ref", "--format=%(objectname) %(refname)", *patterns]).splitlines()
        return {ref: sha for sha, _, ref in (line.partition(" ") for line in lines)}

    def list_shallow(self) -> list[str]:
        """The commits at which this repository's own history is cut off."""
        if self.layout is None:
            return []
        return (read_small_file(os.path.join(self.layout.common_dir, "shallow")) or "").split()

    def ask(self, words: Sequence[str], *, allowed: Sequence[int] = (0,)) -> str:
        """The output of a git command about this repository. Raises `GitError`."""
        if self.layout is None:
            raise GitError(f"{self.folder} is not in a git repository")
        environment = git_environment(self._environment, self.layout.git_dir, self.layout.work_tree, ())
        process = GitProcess(self.layout.work_tree, words, environment)
        return process.finish(allowed=allowed).decode("utf-8", "surrogateescape")

    def at(self, folder: str) -> "SourceTree":
        """Another folder, seen with the same eyes (a submodule's)."""
        return SourceTree(folder, find_layout(folder), self._environment)


class Target(msgspec.Struct, frozen=True):
    """A working copy that is being made: its folder, and where its git folder stands."""

    folder: str
    git_dir: str


def inspect_source(folder: str, search_path: str, *, is_bare: bool = False) -> SourceTree:
    """Look at a folder, which `is_bare` where it is a repository of the server's own. Git runs with the user's own settings (their global ignore file counts), found below their home folder.

    Raises `GitError` as `SourceTree` does.
    """
    environment = {"PATH": search_path, "HOME": pwd.getpwuid(os.getuid()).pw_dir}
    if is_bare:
        layout = bare_layout(folder)
        if layout is None:
            raise WorkingCopyError("the server has no commits of this repository")
        return SourceTree(folder, layout, {**environment, "GIT_CONFIG_GLOBAL": os.devnull})
    return SourceTree(folder, find_layout(folder), environment)


def run_in_copy(target: Target, words: Sequence[str], search_path: str, *, allowed: Sequence[int] = (0,)) -> str:
    """The output of a git command in a working copy, without anybody's settings but its own. Raises `GitError`."""
    return start_in_copy(target, words, search_path).finish(allowed=allowed).decode("utf-8", "surrogateescape")


def start_in_copy(target: Target, words: Sequence[str], search_path: str) -> GitProcess:
    """Start a git command in a working copy."""
    environment = git_environment({"PATH": search_path}, target.git_dir, target.folder, ())
    del environment["GIT_LITERAL_PATHSPECS"]
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_LFS_SKIP_SMUDGE": "1"}
    return GitProcess(target.folder, words, environment | alone)

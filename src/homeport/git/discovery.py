"""Finds the repository that a folder belongs to, and reads what can be read without starting git.

Source: git's own documentation, "gitrepository-layout" and "git-worktree" (a `.git` file, `commondir`), "git-config" (the format).
"""

import os
from os import path

import msgspec

_MAX_SIZE = 1 << 28


class Layout(msgspec.Struct, frozen=True):
    """Where a repository keeps its parts; all paths are absolute."""

    work_tree: str
    git_dir: str
    """`HEAD` and the index; a linked worktree has its own"""
    common_dir: str
    """refs, objects and the configuration, shared by all worktrees"""

    @property
    def is_bare(self) -> bool:
        """Whether there is no working tree: `work_tree` is the repository itself then."""
        return self.work_tree == self.git_dir


def find_layout(folder: str) -> Layout | None:
    """The repository whose working tree holds the folder; None where there is none, or only a bare one."""
    current = path.realpath(folder)
    while True:
        git_dir = _read_git_dir(path.join(current, ".git"))
        if git_dir is not None:
            return Layout(current, git_dir, _read_common_dir(git_dir))
        parent = path.dirname(current)
        if parent == current:
            return None
        current = parent


def bare_layout(folder: str) -> Layout | None:
    """The bare repository that a folder is; None where it is none. For folders of Homeport's own only: what a job or a user has might
    hold settings that make git run programs.
    """
    folder = path.realpath(folder)
    is_bare = path.isdir(path.join(folder, "objects")) and path.isfile(path.join(folder, "HEAD"))
    return Layout(folder, folder, folder) if is_bare else None


def read_small_file(name: str) -> str | None:
    """The text of a file of git's own, None where there is none that can be read."""
    data = read_bytes(name)
    return None if data is None else data.decode("utf-8", "surrogateescape")


def read_bytes(name: str) -> bytes | None:
    """The content of a file, None where there is none that can be read."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        return os.read(descriptor, size) if size <= _MAX_SIZE else None
    except OSError:  # a folder
        return None
    finally:
        os.close(descriptor)


def read_config(layout: Layout) -> str:
    """The text of the repository's own configuration, that of the worktree included."""
    texts = (
        read_small_file(path.join(layout.common_dir, "config")),
        read_small_file(path.join(layout.git_dir, "config.worktree")),
    )
    return "\n".join(text for text in texts if text)


def includes_files(config: str) -> bool:
    """Whether a configuration may include other files, so that only git knows what it says."""
    return "include" in config.lower()


def find_setting(config: str, section: str, key: str) -> str | None:
    """The last value of `section.key` (`remote "origin"` and `url`) where it is written in the simplest form; None otherwise."""
    found: str | None = None
    current = ""
    for line in config.splitlines():
        text = line.strip()
        if text.startswith("["):
            current = text.partition("]")[0][1:].strip()
        elif current.lower() == section.lower():
            name, equals, value = text.partition("=")
            if equals and name.strip().lower() == key:
                found = value.strip()
    return None if found is None or '"' in found or "\\" in found or "#" in found or ";" in found else found


def _read_git_dir(name: str) -> str | None:
    if path.isdir(name):
        return name if path.exists(path.join(name, "HEAD")) else None
    text = read_small_file(name) if path.isfile(name) else None
    if text is None or not text.startswith("gitdir:"):
        return None
    target = path.join(path.dirname(name), text.removeprefix("gitdir:").strip())
    return path.normpath(target) if path.exists(path.join(target, "HEAD")) else None


def _read_common_dir(git_dir: str) -> str:
    text = read_small_file(path.join(git_dir, "commondir"))
    return git_dir if text is None else path.normpath(path.join(git_dir, text.strip()))

"""Sparse working copies: which paths are in, by git's own patterns."""

import os
from collections.abc import Callable, Sequence

from homeport.git.repository import Change
from homeport.runner.actions.working_copy.source import Target, run_in_copy
from homeport.runner.folders import make_folder

_BATCH = 500


def set_patterns(target: Target, patterns: Sequence[str], *, cone: bool, search_path: str) -> None:
    """Make the working copy sparse, before its files are written. Raises `GitError`."""
    run_in_copy(target, ["sparse-checkout", "set", "--cone" if cone else "--no-cone", *patterns], search_path)


def find_wanted(target: Target, changes: Sequence[Change], prefix: str, search_path: str) -> Callable[[str], bool]:
    """Asks git which of the changed paths the patterns take in; they have the syntax and rules of ignore files."""
    paths = [os.path.relpath(change.path, prefix) if prefix else change.path for change in changes]
    rules = os.path.join(target.git_dir, "info", "sparse-checkout")
    empty = Target(os.path.join(target.git_dir, "empty"), target.git_dir)
    make_folder(empty.folder)
    wanted: set[str] = set()
    for start in range(0, len(paths), _BATCH):
        words = ["-c", f"core.excludesFile={rules}", "check-ignore", "--no-index", "--", *paths[start : start + _BATCH]]
        wanted.update(run_in_copy(empty, words, search_path, allowed=(0, 1)).splitlines())
    os.rmdir(empty.folder)
    return wanted.__contains__

"""Puts what no commit holds into a working copy: changed and new files of the original, and the absence of deleted ones."""

import os
import stat
from collections.abc import Callable, Sequence

import msgspec

from homeport.git.repository import Change
from homeport.runner.actions.file_copies import copy_entry
from homeport.runner.folders import make_folder, remove_tree


class Overlay(msgspec.Struct, frozen=True):
    """How many files were brought along, how many taken away, and which other repositories were left out."""

    copied: int
    removed: int
    repositories: tuple[str, ...]


def apply_changes(
    changes: Sequence[Change], source: str, prefix: str, target: str, is_wanted: Callable[[str], bool]
) -> Overlay:
    """Make a copy of the commit a copy of the working tree.

    `source` is the original's folder, `prefix` its path in its repository, to which the changes' paths are relative. `is_wanted` is
    asked with paths below the folder. Raises `OSError`.
    """
    removed, nested = 0, []
    present: list[tuple[str, os.stat_result]] = []
    for change in changes:
        path = os.path.relpath(change.path, prefix) if prefix else change.path
        if change.path.endswith("/"):
            nested.append(path)
            continue
        if not is_wanted(path):
            continue
        status = _find_status(os.path.join(source, path))
        if status is None:
            removed += _remove(target, path)
        elif not stat.S_ISDIR(status.st_mode):
            present.append((path, status))
    copied = sum(_replace(os.path.join(source, path), target, path, status) for path, status in present)
    return Overlay(copied, removed, tuple(nested))


def _find_status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _remove(target: str, path: str) -> bool:
    """Remove a file, and the folders that it leaves empty, as git does."""
    place = os.path.join(target, path)
    try:
        os.unlink(place)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    folder = os.path.dirname(place)
    while folder != target:
        try:
            os.rmdir(folder)
        except OSError:
            break
        folder = os.path.dirname(folder)
    return True


def _replace(source: str, target: str, path: str, status: os.stat_result) -> bool:
    place = os.path.join(target, path)
    _clear_parents(target, path)
    remove_tree(place)
    make_folder(os.path.dirname(place))
    return copy_entry(source, place, status)


def _clear_parents(target: str, path: str) -> None:
    """A file or link of the commit where the working tree has a folder gives way."""
    folder = target
    for name in path.split("/")[:-1]:
        folder = os.path.join(folder, name)
        status = _find_status(folder)
        if status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(folder)
            return

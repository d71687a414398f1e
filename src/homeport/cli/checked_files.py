"""Finds the files that `homeport check` is asked about, and the repository that each belongs to. It needs no git."""

import os
from collections.abc import Iterable, Iterator
from os import path

import msgspec

from homeport.cli.errors import UsageError
from homeport.language.lint import is_action_file

_GITHUB = ".github"
_WORKFLOWS = ".github/workflows"
_ACTIONS = ".github/actions"
_ENDINGS = (".yml", ".yaml")
_NEVER_ENTERED = frozenset({".git", "node_modules", "__pycache__", ".venv", "venv", ".tox"})


class Target(msgspec.Struct, frozen=True):
    """Files of one repository; `root` is its folder, absolute, and `files` are the paths below it, each once."""

    root: str
    files: tuple[str, ...]
    is_whole: bool = False
    """all of the repository was asked for: what its files use belongs to it"""


class FolderFiles:
    """The files below a folder, for `language.project`."""

    def __init__(self, root: str) -> None:
        self._root = root

    def read(self, file: str) -> bytes | None:
        """The content of a file; None where there is none that can be read."""
        try:
            with open(path.join(self._root, file), "rb") as opened:  # noqa: PTH123 - pathlib is slow to import
                return opened.read()
        except (OSError, ValueError):
            return None

    def has(self, file: str) -> bool:
        """Whether there is such a file."""
        return path.isfile(path.join(self._root, file))


def find_targets(wanted: Iterable[str], folder: str) -> list[Target]:
    """The files and folders that are named, seen from `folder`; the repository around `folder`, where none is.

    Raises `UsageError` for a path that does not exist, and where there is nothing to check.
    """
    named = list(wanted)
    if not named:
        return [_find_all(_find_root(folder, folder, mark=_WORKFLOWS))]
    found = [_find_target(path.normpath(path.join(folder, name)), name, folder) for name in named]
    merged: dict[str, Target] = {}
    for target in found:
        before = merged.get(target.root, Target(target.root, ()))
        files = tuple(dict.fromkeys((*before.files, *target.files)))
        merged[target.root] = Target(target.root, files, before.is_whole or target.is_whole)
    return list(merged.values())


def find_root_of_text(folder: str) -> str:
    """The folder of the repository that a text from standard input belongs to."""
    return _find_root(folder, folder)


def _find_target(place: str, name: str, folder: str) -> Target:
    if path.isfile(place):
        return _make_target(_find_root(path.dirname(place), folder), [place])
    if not path.isdir(place):
        raise UsageError(f"there is no file or folder {name!r}")
    if path.basename(place) == _GITHUB:
        place = path.dirname(place)
    if path.isdir(path.join(place, _GITHUB)):
        return _find_all(place)
    files = [path.join(place, file) for file in _list(place) if file.endswith(_ENDINGS)]
    files += [file for file in _find_actions(place) if file not in files]
    if not files:
        raise UsageError(f"there are no workflows and no actions in {name!r}")
    return _make_target(_find_root(place, folder), files)


def _find_all(root: str) -> Target:
    workflows = path.join(root, _WORKFLOWS)
    files = [path.join(workflows, file) for file in _list(workflows) if file.endswith(_ENDINGS)]
    files += [path.join(root, file) for file in _list(root) if is_action_file(file)]
    files += _find_actions(path.join(root, _ACTIONS))
    if not files:
        raise UsageError(f"there are no workflows in {workflows}", "`homeport check FILE` checks any file")
    return _make_target(root, files, is_whole=True)


def _make_target(root: str, files: list[str], *, is_whole: bool = False) -> Target:
    return Target(root, tuple(path.relpath(file, root).replace(os.sep, "/") for file in files), is_whole)


def _find_root(start: str, folder: str, *, mark: str = _GITHUB) -> str:
    """The nearest folder from `start` upwards that holds `mark` or is the root of a working tree.

    Where there is none, it is `folder`, if that is above, else `start` itself.
    """
    current = start
    while not (path.isdir(path.join(current, mark)) or path.exists(path.join(current, ".git"))):
        parent = path.dirname(current)
        if parent == current:
            return folder if path.commonpath([folder, start]) == folder else start
        current = parent
    return current


def _find_actions(folder: str) -> Iterator[str]:
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NEVER_ENTERED)
        yield from (path.join(current, file) for file in sorted(files) if is_action_file(file))


def _list(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if path.isfile(path.join(folder, name)))
    except OSError:
        return []

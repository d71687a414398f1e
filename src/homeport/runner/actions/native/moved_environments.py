"""Moves the environments that pre-commit made for its hooks to where another job has its folders.

Environments name folders in full: in the first lines of their programs, in `pyvenv.cfg`, in links to their Python, and pre-commit's own
database names each of them. Source: pre-commit `store.py` (the tables), `languages/*.py`; the venv documentation ("environments are
not portable", and why).
"""

import os
from collections.abc import Iterator, Mapping

from homeport.runner.folders import read_file, remove_tree, write_file

_DATABASE = "db.db"
_NAMED = ("pyvenv.cfg",)
_ENDINGS = (".pth", ".egg-link", "direct_url.json")
_LARGEST = 1 << 20
"""Longer files are programs, not scripts"""


class MovedError(Exception):
    """The environments cannot be moved; the message says why."""


def move_environments(folder: str, moves: Mapping[str, str]) -> None:
    """Let everything below a folder name the new folders. Raises `OSError`, `MovedError`."""
    changes = {old: new for old, new in moves.items() if old != new}
    if not changes:
        return
    for path in _list_files(folder):
        if os.path.islink(path):
            _move_link(path, changes)
        elif _may_name_folders(path):
            _move_text(path, changes)
    database = os.path.join(folder, _DATABASE)
    if os.path.exists(database):
        _move_rows(database, changes)


def _list_files(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        for name in [*files, *(each for each in folders if os.path.islink(os.path.join(parent, each)))]:
            yield os.path.join(parent, name)


def _may_name_folders(path: str) -> bool:
    name, parent = os.path.basename(path), os.path.basename(os.path.dirname(path))
    return parent == "bin" or name in _NAMED or name.endswith(_ENDINGS)


def _move_link(path: str, changes: Mapping[str, str]) -> None:
    target = os.readlink(path)
    for old, new in changes.items():
        if target == old or target.startswith(old + "/"):
            os.unlink(path)
            os.symlink(new + target[len(old) :], path)
            return


def _move_text(path: str, changes: Mapping[str, str]) -> None:
    status = os.stat(path)
    if status.st_size > _LARGEST:
        return
    content = read_file(path)
    if b"\0" in content:
        return
    moved = content
    for old, new in changes.items():
        moved = moved.replace(os.fsencode(old), os.fsencode(new))
    if moved != content:
        remove_tree(path)
        write_file(path, moved)
        os.chmod(path, status.st_mode & 0o777)


def _move_rows(database: str, changes: Mapping[str, str]) -> None:
    import sqlite3  # noqa: PLC0415 - only where environments came back

    try:
        connection = sqlite3.connect(database)
        with connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for old, new in changes.items():
                if "repos" in tables:
                    connection.execute(
                        "UPDATE repos SET path = ? || substr(path, ?) WHERE substr(path, 1, ?) = ?",
                        (new, len(old) + 1, len(old) + 1, f"{old}/"),
                    )
            if "configs" in tables:
                connection.execute("DELETE FROM configs")  # which it keeps only to know what may be collected
        connection.close()
    except sqlite3.Error as error:
        raise MovedError(f"its database: {error}") from error

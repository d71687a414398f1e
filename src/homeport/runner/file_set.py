"""The files through which one step speaks, on disk."""

import os
import stat

from homeport.runner.confined import read_plain_file
from homeport.runner.folders import write_file

LONGEST_FILE = 10 * 1024 * 1024
"""A longer command file is refused: it would have to be held in memory."""
_PREFIXES = {
    "env": "set_env_",
    "output": "set_output_",
    "path": "add_path_",
    "state": "save_state_",
    "step_summary": "step_summary_",
    "artifacts": "artifacts_",
}
NO_ARTIFACTS = b'{"version":1,"subjects":[]}'


class CommandFileSet:
    """Made empty, but for the list of what earlier steps have declared, which is for reading only.

    `github` names them for the `github` context, `variables` for the environment.
    """

    def __init__(self, folder: str, suffix: str, artifacts_list: bytes) -> None:
        self._files = {name: f"{folder}{prefix}{suffix}" for name, prefix in _PREFIXES.items()}
        self._list = f"{folder}artifacts_list_{suffix}"
        self.github = {**self._files, "artifacts_list": self._list}
        self.variables = {f"GITHUB_{name.upper()}": path for name, path in self.github.items()}
        for path in self._files.values():
            write_file(path, b"")
        write_file(self._list, artifacts_list)
        self._list_status = _find_status(self._list)

    def find_written(self) -> dict[str, int]:
        """Which files hold something, and how much. A file that is gone, or no file any more, is -1."""
        sizes = {name: _find_size(path) for name, path in self._files.items()}
        return {name: size for name, size in sizes.items() if size}

    @property
    def is_list_untouched(self) -> bool:
        """Whether nobody wrote to what is only to be read."""
        return _find_status(self._list) == self._list_status

    def read(self, name: str) -> bytes:
        """The content of one of them. Raises `OSError`, also where a step put a link in its place."""
        return read_plain_file(self._files[name], LONGEST_FILE)


def _find_size(path: str) -> int:
    """A link counts as written: it is refused when it is read. A pipe or a folder in the place of a file holds nothing, as on GitHub
    (actions/runner `FileCommandManager` passes over what does not exist as a file or has no length).
    """
    try:
        status = os.lstat(path)
    except OSError:
        return -1
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    return 1 if stat.S_ISLNK(status.st_mode) else -1


def _find_status(path: str) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns

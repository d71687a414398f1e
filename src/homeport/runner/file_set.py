"""The files through which one step speaks, on disk."""

import os

from homeport.runner.folders import read_file, write_file

LONGEST_FILE = 10 * 1024 * 1024
"""A longer command file is refused: it would have to be held in memory."""
_PREFIXES = {
    "env": "set_env_",
    "output": "set_output_",
    "path": "add_path_",
    "state": "save_state_",
    "step_summary": "step_summary_",
}


class CommandFileSet:
    """Made empty. `github` names them for the `github` context, `variables` for the environment."""

    def __init__(self, folder: str, suffix: str) -> None:
        self.github = {name: f"{folder}{prefix}{suffix}" for name, prefix in _PREFIXES.items()}
        self.variables = {f"GITHUB_{name.upper()}": path for name, path in self.github.items()}
        for path in self.github.values():
            write_file(path, b"")

    def find_written(self) -> dict[str, int]:
        """Which files hold something, and how much. A file that is gone is -1."""
        sizes = {name: _find_size(path) for name, path in self.github.items()}
        return {name: size for name, size in sizes.items() if size}

    def read(self, name: str) -> bytes:
        """The content of one of them. Raises `OSError`."""
        return read_file(self.github[name])


def _find_size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1

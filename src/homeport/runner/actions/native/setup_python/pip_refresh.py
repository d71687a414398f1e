"""Brings a recent pip into the tool cache where this machine has only an old one: `--group` needs 25.1.

Where the index cannot be asked the pip that is here is used, and it is asked again an hour later.
"""

import os

from homeport.runner.actions.native.setup_python.discovery import Interpreter
from homeport.runner.actions.native.setup_python.pip_source import find_pip, wheel_folder
from homeport.runner.actions.native.setup_python.prefix import find_prepared_pip
from homeport.runner.actions.native.setup_python.tool_python import ToolPipError, run_pip
from homeport.runner.folders import make_folder, remove_tree, write_file
from homeport.runner.host import ActionHost

_RECENT = (25, 1)
_OLDEST_PYTHON = (3, 9)
"""the oldest that a recent pip runs on"""
_ASKED_SECONDS = 3600


def refresh_pip(host: ActionHost, interpreter: Interpreter, here: list[Interpreter]) -> None:
    """Fetch the newest pip that runs on an interpreter, where none of this machine is recent."""
    try:
        if find_prepared_pip(interpreter, here, host.paths.tool_cache) >= _RECENT:
            return
    except OSError:
        return  # the interpreter has gone, which making the prefix will say
    folder = wheel_folder(host.paths.tool_cache)
    known = find_pip(interpreter, here, folder)
    version = f"{interpreter.version.major}.{interpreter.version.minor}"
    asked = os.path.join(folder, f"asked-{version}")
    if (known is not None and known.order >= _RECENT) or interpreter.version.triple < _OLDEST_PYTHON:
        return
    try:
        make_folder(folder)
        if _is_recent(asked, host.paths.temp):
            return
        options = ("--quiet", "--only-binary=:all:", "--no-deps", "--retries=0", "--python-version", version)
        run_pip(host, "download", *options, "--dest", folder, "pip")
    except (ToolPipError, OSError) as error:
        used = f"pip {known.version}, the newest that is here," if known is not None else "no pip"
        host.log(f"A recent pip could not be fetched ({error}): {used} is used")
        _touch(asked)


def _is_recent(path: str, temp: str) -> bool:
    """Whether a file was written within the hour, by the clock of the disk."""
    try:
        written = os.stat(path).st_mtime
    except OSError:
        return False
    probe = os.path.join(temp, f"homeport-clock-{os.urandom(4).hex()}")
    write_file(probe, b"")
    now = os.stat(probe).st_mtime
    os.unlink(probe)
    return 0 <= now - written < _ASKED_SECONDS


def _touch(path: str) -> None:
    try:
        remove_tree(path)
        write_file(path, b"")
    except OSError:
        return  # it is asked again by the next job

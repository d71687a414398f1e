"""The tool cache in GitHub's layout: `<tool>/<version>/<architecture>`, complete when `<architecture>.complete` stands beside it.

Source: @actions/tool-cache `find`, `findAllVersions`, `cacheDir`. What stands there is found by the original actions too.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from homeport.runner.actions.native.semver import Version, parse_version
from homeport.runner.folders import make_folder, remove_tree, write_file


def list_cached(root: str, tool: str, architecture: str) -> dict[Version, str]:
    """The complete versions of a tool, and the folder of each."""
    found: dict[Version, str] = {}
    try:
        names = os.listdir(os.path.join(root, tool))
    except OSError:
        return found
    for name in names:
        folder = os.path.join(root, tool, name, architecture)
        version = parse_version(name)
        if version is not None and os.path.exists(f"{folder}.complete") and os.path.isdir(folder):
            found[version] = folder
    return found


def keep_tool(root: str, tool: str, version: Version, architecture: str, fill: Callable[[str], None]) -> str:
    """Make the folder of a version, whole or not at all, and give its path. Of two jobs at once one makes it, both may use it.

    `fill` puts the files into a new folder. What it raises is raised here, and `OSError`.
    """
    folder = os.path.join(root, tool, str(version), architecture)
    mark = f"{folder}.complete"
    building = f"{folder}.{os.urandom(4).hex()}.new"
    make_folder(os.path.dirname(folder))
    make_folder(building)
    try:
        fill(building)
        with _lock(os.path.join(root, tool)):
            if not (os.path.exists(mark) and os.path.isdir(folder)):
                remove_tree(folder)  # what a process left that died before it was complete
                os.rename(building, folder)
                remove_tree(mark)
                write_file(mark, b"")
    finally:
        remove_tree(building)
    return folder


@contextmanager
def _lock(folder: str) -> Iterator[None]:
    """Keep other processes of this machine from completing a version at the same moment."""
    descriptor = os.open(os.path.join(folder, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

"""The tool cache in GitHub's layout: `<tool>/<version>/<architecture>`, complete when `<architecture>.complete` stands beside it.

Source: @actions/tool-cache `find`, `findAllVersions`, `cacheDir`. What stands there is found by the original actions too.
"""

import os
from collections.abc import Callable

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
        if not os.path.exists(mark):
            remove_tree(folder)  # what a process left that died before it was complete
        _move_into_place(building, folder)
        _mark(mark)
    finally:
        remove_tree(building)
    return folder


def _move_into_place(building: str, folder: str) -> None:
    try:
        os.rename(building, folder)
    except OSError:
        if not os.path.isdir(folder):  # else another job has made it meanwhile
            raise


def _mark(path: str) -> None:
    try:
        write_file(path, b"")
    except FileExistsError:
        return


def share_file(source: str, target: str) -> bool:
    """Give a file a second name; False where the two places are not on one disk, or the disk has no such links."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True

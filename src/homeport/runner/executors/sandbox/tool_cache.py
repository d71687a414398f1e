"""A tool cache for one job: what the machine's has, as links to what cannot be written, and room for the job's own.

What a hostile job puts into a shared tool cache would be run by every job after it. So its own additions end with it, as on GitHub's
machines, and those of other jobs are seen through read-only mounts.
"""

import os

_DEPTH = 3
"""tool/version/architecture, as @actions/tool-cache lays it out"""


def link_tools(source: str, target: str, depth: int = _DEPTH) -> None:
    """Make the folders down to a depth, and links to what is below them. Raises `OSError`."""
    try:
        entries = list(os.scandir(source))
    except FileNotFoundError:
        return
    for entry in entries:
        path = f"{target}/{entry.name}"
        if depth > 1 and entry.is_dir(follow_symlinks=False):
            os.mkdir(path)
            link_tools(entry.path, path, depth - 1)
        else:
            os.symlink(entry.path, path)

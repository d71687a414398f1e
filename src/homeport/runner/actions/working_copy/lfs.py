"""Files that git keeps as pointers (Git LFS): puts their content, as far as this machine has it, into a working copy.

Source: git-lfs, "Git LFS Specification" (the pointer's form, `lfs/objects` below the git folder).
"""

import os
import re

from homeport.runner.actions.file_copies import copy_entry
from homeport.runner.actions.working_copy.source import SourceTree, Target, WorkingCopyError, run_in_copy

_POINTER = re.compile(rb"version https://git-lfs[^\n]*\n(?:[^\n]*\n)*?oid sha256:([0-9a-f]{64})\n")
_LONGEST_POINTER = 1024
_NAMED = 5
"""how many missing files an error names"""


def fill_pointers(target: Target, source: SourceTree, search_path: str) -> int:
    """Replace every pointer by its content; gives how many that were. Raises `WorkingCopyError` where some are not on this machine."""
    listed = run_in_copy(target, ["ls-files", "-z", "--", ":(attr:filter=lfs)"], search_path)
    missing: list[str] = []
    count = 0
    for path in filter(None, listed.split("\0")):
        place = os.path.join(target.folder, path)
        identity = _read_pointer(place)
        if identity is None:
            continue
        content = _find_content(source, identity)
        if content is None:
            missing.append(path)
            continue
        mode = os.stat(place).st_mode
        os.unlink(place)
        copy_entry(content, place, os.stat(content))
        os.chmod(place, mode & 0o777)
        count += 1
    if missing:
        names = ", ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
        raise WorkingCopyError(
            f"the content of {len(missing)} Git LFS file(s) is not on this machine ({names}): run `git lfs fetch` in {source.folder}"
        )
    return count


def _read_pointer(place: str) -> str | None:
    try:
        if os.path.islink(place) or os.stat(place).st_size > _LONGEST_POINTER:
            return None
        with open(place, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            match = _POINTER.match(file.read(_LONGEST_POINTER))
    except FileNotFoundError:
        return None
    return match[1].decode() if match else None


def _find_content(source: SourceTree, identity: str) -> str | None:
    if source.layout is None:
        return None
    path = os.path.join(source.layout.common_dir, "lfs", "objects", identity[:2], identity[2:4], identity)
    return path if os.path.isfile(path) else None

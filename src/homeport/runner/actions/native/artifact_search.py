"""Finds the files of an upload, and the folder that their names in the artifact are relative to.

Source: actions/upload-artifact `src/shared/search.ts`; its README, "Upload using Multiple Paths and Exclusions".
"""

import os
from collections.abc import Sequence

import msgspec

from homeport.runner.hash_files import GlobPattern, find_files, find_roots
from homeport.runner.host import ActionHost


class SearchResult(msgspec.Struct, frozen=True):
    """Absolute paths of files, and the root of the artifact."""

    files: tuple[str, ...]
    root: str


def search_files(host: ActionHost, lines: Sequence[str], *, hidden: bool) -> SearchResult:
    """What the lines of `path` select: folders whole, links followed, broken ones left out, sockets and pipes too.

    With several search paths the root is their least common ancestor; with one it is that path (its folder, for a single file).
    """
    patterns = [GlobPattern(line, host.paths.workspace, host.paths.home) for line in lines if not line.startswith("#")]
    roots = find_roots(patterns)
    files = tuple(path for path in find_files(patterns, follow_links=True, hidden=hidden) if os.path.isfile(path))
    _warn_of_case(host, files)
    if len(roots) > 1:
        host.log("Multiple search paths detected. Calculating the least common ancestor of all paths")
        root = os.path.commonpath(roots)
        host.log(f"The least common ancestor is {root}. This will be the root directory of the artifact")
    elif len(files) == 1 and list(files) == roots:
        root = os.path.dirname(files[0])
    else:
        root = roots[0] if roots else host.paths.workspace
    return SearchResult(files, root)


def list_folder(folder: str, *, hidden: bool) -> list[str]:
    """All files below a folder; without `hidden`, what begins with a dot is left out, with all that is below it."""
    pattern = GlobPattern(folder, folder, folder)
    return [path for path in find_files([pattern], follow_links=False, hidden=hidden) if os.path.isfile(path)]


def _warn_of_case(host: ActionHost, files: Sequence[str]) -> None:
    seen: set[str] = set()
    for path in files:
        if path.lower() in seen:
            host.log(
                f"Uploads are case insensitive: {path} was detected that it will be overwritten by another file with the same path"
            )
        seen.add(path.lower())

"""How much history a working copy shows: where it is cut off, and which refs it has."""

from collections.abc import Iterable

from homeport.git.refs import is_id
from homeport.runner.actions.working_copy.source import SourceTree

_LEVELS = 32
"""up to this depth the history is read level by level, beyond it in one go"""


def find_boundary(source: SourceTree, sha: str, depth: int) -> tuple[str, ...]:
    """The commits behind which nothing is shown, for a history `depth` commits deep; 0 is all there is."""
    own = source.list_shallow()
    if depth <= 0:
        return tuple(own)
    if depth == 1:
        return (sha,)
    parents: dict[str, list[str]] = {}
    if depth > _LEVELS:
        parents = _read_parents(source.ask(["rev-list", "--parents", sha]).splitlines())
    level, seen = {sha}, {sha}
    for _ in range(depth - 1):
        if depth <= _LEVELS:
            parents |= _read_parents(source.ask(["rev-list", "--no-walk", "--parents", *sorted(level)]).splitlines())
        level = {parent for commit in level for parent in parents.get(commit, ())} - seen
        seen |= level
        if not level:
            return tuple(own)
    return (*level, *own)


def _read_parents(lines: Iterable[str]) -> dict[str, list[str]]:
    pairs = (line.split() for line in lines)
    return {words[0]: words[1:] for words in pairs if words}


def collect_refs(source: SourceTree, *, branches: bool, tags: bool) -> dict[str, str]:
    """The refs of the original as a clone of it would name them.

    Branches become `refs/remotes/origin/…`: what this machine last saw of the remote, and its own branch where it never saw one.
    """
    patterns = [*(("refs/heads", "refs/remotes/origin") if branches else ()), *(("refs/tags",) if tags else ())]
    if not patterns:
        return {}
    found = {ref: sha for ref, sha in source.list_refs(*patterns).items() if is_id(sha)}
    refs = {ref: sha for ref, sha in found.items() if ref.startswith("refs/tags/")}
    for ref, sha in found.items():
        if ref.startswith("refs/heads/"):
            refs[f"refs/remotes/origin/{ref.removeprefix('refs/heads/')}"] = sha
    remote = {ref: sha for ref, sha in found.items() if ref.startswith("refs/remotes/") and not ref.endswith("/HEAD")}
    return refs | remote

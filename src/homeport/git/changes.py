"""Says what an event changed, as GitHub's path filters see it: which commits, and which paths.

Source: docs "Workflow syntax: Git diff comparisons" (two-dot for pushes, three-dot for pull requests, at most 1,000 commits; a new
branch is compared with the parent of the ancestor of its deepest pushed commit).
"""

from collections.abc import Sequence

from homeport.event import Commit, Event
from homeport.git.repository import GitRepository

MAX_COMMITS = 1000
"""A push of more is not filtered by paths."""
MAX_LISTED_COMMITS = 2048
"""Docs, "Webhook events and payloads: push"."""
_EMPTY_TREES = (
    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
)


def empty_tree(sha: str) -> str:
    """What a first commit is compared with: git knows it in every repository, by SHA-1 and by SHA-256."""
    return _EMPTY_TREES[0 if len(sha) == len(_EMPTY_TREES[0]) else 1]


def is_too_much(git: GitRepository, base: str, head: str) -> bool:
    """Whether there are more commits between the two than paths are filtered for."""
    return base not in _EMPTY_TREES and git.count_commits(base, head, limit=MAX_COMMITS + 1) > MAX_COMMITS


def list_commits(git: GitRepository, base: str | None, commit: Commit) -> tuple[Commit, ...]:
    """What a push brought, oldest first. The usual case, one commit on top of its parent, needs no git."""
    if base == commit.sha:
        return ()
    if commit.parents == (() if base is None else (base,)):
        return (commit,)
    return tuple(git.log(base, commit.sha, limit=MAX_LISTED_COMMITS))


def find_event_paths(git: GitRepository, event: Event) -> Sequence[str] | None:
    """The paths that a forge's event changed; None where that cannot be said: filters of paths hold then. Raises `GitError`."""
    commit = git.read_commit(event.sha)
    if commit is None:
        return None
    base = _find_base(git, event, commit)
    if base is None or is_too_much(git, base, event.sha):
        return None
    return git.changed_paths(base, event.sha)


def _find_base(git: GitRepository, event: Event, commit: Commit) -> str | None:
    match event.name, event.payload:
        case "pull_request" | "pull_request_target", {
            "pull_request": {"base": {"sha": str(base)}, "head": {"sha": str(head)}}
        }:
            return _merge_base(git, base, head)
        case "push", {"before": str(before)} if before.strip("0"):
            return git.resolve(before)
        case "push", _:
            return _find_base_of_new_branch(git, event, commit)
        case _:
            return None


def _merge_base(git: GitRepository, base: str, head: str) -> str | None:
    tip, other = git.resolve(base), git.resolve(head)
    return None if tip is None or other is None else git.merge_base(tip, other)


def _find_base_of_new_branch(git: GitRepository, event: Event, commit: Commit) -> str:
    """The parent of the oldest of the commits that the push brought; with none of them, its own parent."""
    match event.payload:
        case {"commits": [{"id": str(oldest)}, *_]}:
            first = git.read_commit(oldest) or commit
        case _:
            first = commit
    return first.parents[0] if first.parents else empty_tree(event.sha)

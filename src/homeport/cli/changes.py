"""Says what a local event changed: which commits, and which paths.

Source: docs "Workflow syntax: Git diff comparisons" (two-dot for pushes, three-dot for pull requests, at most 1,000 commits).
"""

from collections.abc import Sequence

from homeport.cli.workspace import Workspace
from homeport.event import Commit, Event
from homeport.git.changes import empty_tree, is_too_much
from homeport.git.repository import GitRepository


def find_changed_paths(workspace: Workspace, event: Event) -> Sequence[str] | None:
    """The paths, below the workspace's folder, that a local event changed; None where that cannot be said. Raises `GitError`.

    A push is measured from its `before`, a pull request from where its branch left the base. Where the event is about the commit
    that is checked out, files that are not committed count too.
    """
    git = workspace.git
    if git is None:
        return None
    head = git.head().sha
    commit = git.read_commit(event.sha)
    if commit is None:
        return _below(workspace, git.list_files()) if head is None else None
    base = _find_diff_base(git, event, commit)
    if base is None:
        return None
    if is_too_much(git, base, event.sha):
        return None
    paths = git.changed_paths(base, None if event.sha == head else event.sha)
    return _below(workspace, paths)


def find_base(
    git: GitRepository, default_branch: str, branch: str | None, commit: Commit, *, is_dirty: bool
) -> str | None:
    """The commit that a local push is measured from: where the branch left the default branch.

    On the default branch that is its state at the origin. Where nothing is new since then it is the commit itself, if there are
    changes that are not committed, else its parent: the last commit counts as pushed. None for a first commit.
    """
    refs = [f"refs/remotes/origin/{default_branch}"]
    if branch is not None and branch != default_branch:
        refs.append(f"refs/heads/{default_branch}")
    tip = next((found for ref in refs if (found := git.find_ref(ref)) is not None), None)
    base = None if tip is None or tip == commit.sha else git.merge_base(tip, commit.sha)
    if base is not None and base != commit.sha:
        return base
    if is_dirty:
        return commit.sha
    return commit.parents[0] if commit.parents else None


def _below(workspace: Workspace, paths: Sequence[str]) -> list[str]:
    """Paths of the git repository as those of the workspace's folder; the others are left out."""
    start = f"{workspace.prefix}/" if workspace.prefix else ""
    return [name.removeprefix(start) for name in paths if name.startswith(start)]


def _find_diff_base(git: GitRepository, event: Event, commit: Commit) -> str | None:
    """The commit to compare with; the empty tree for what has no past, None for one that is not here."""
    match event.name, event.payload:
        case "pull_request" | "pull_request_target", {"pull_request": {"base": {"sha": str(sha), "ref": str(ref)}}}:
            names = [sha, f"refs/remotes/origin/{ref}", f"refs/heads/{ref}"]
            if ref != event.repository.default_branch:
                names = [*names[1:], sha]
            tip = next((found for name in names if (found := git.resolve(name)) is not None), None)
            return None if tip is None else git.merge_base(tip, commit.sha)
        case "push", {"before": str(before)} if before.strip("0"):
            return git.resolve(before)
        case _:
            branch = event.ref.removeprefix("refs/heads/")
            base = find_base(git, event.repository.default_branch, branch, commit, is_dirty=event.dirty)
            return base or empty_tree(commit.sha)

"""Makes the working copy from which a job's `$/path` actions are run."""

import os

from homeport.git.process import GitError
from homeport.runner.actions.model import Surroundings
from homeport.runner.actions.working_copy import (
    CopyRequest,
    Target,
    WorkingCopyError,
    inspect_source,
    make_working_copy,
)
from homeport.runner.folders import remove_tree


class OwnCopyError(Exception):
    """The repository could not be read for its own actions."""


def make_own_copy(folder: str, surroundings: Surroundings) -> None:
    """Fill a folder with the repository at the running commit, and what no commit holds; whole or not at all."""
    growing = f"{folder}.{os.urandom(8).hex()}"  # a name that no job can have put a link under
    search_path = surroundings.environment.get("PATH", "")
    if os.path.islink(os.path.dirname(folder)):
        raise OwnCopyError("the folder of actions is a link")
    try:
        os.mkdir(growing)
        source = inspect_source(surroundings.sources.folder, search_path, is_bare=surroundings.sources.is_bare)
        head = source.head.sha
        sha = str(surroundings.order.github.get("sha") or "") if source.is_bare or head is not None else None
        request = CopyRequest(
            sha=sha, with_changes=sha == head and not source.is_bare, leave_out=(surroundings.paths.root,)
        )
        make_working_copy(source, Target(growing, os.path.join(growing, ".git")), request, search_path)
        os.rename(growing, folder)
    except (GitError, WorkingCopyError, OSError) as error:
        remove_tree(growing)
        raise OwnCopyError(f"the repository cannot be read for its own actions: {error}") from error

"""Where a file that a tool names stands in the workflow's own repository: what an annotation may point at.

Source: actions/runner `OutputManager.ConvertToIssue` and `GetRepositoryPath`. Apart from it, a file that stands in no repository counts
as one of the workspace: a local workspace need not be a clone.
"""

import os

from homeport.runner.folders import read_file


def find_in_repository(file: str, workspace: str, repository: str) -> str | None:
    """A file's path below its clone of `repository` (`owner/name`), or below the workspace; None for what is not there.

    Files of other repositories that were cloned below the workspace are left out; those of submodules belong to the clone around.
    """
    path = os.path.normpath(os.path.join(workspace, file))
    if not path.startswith(workspace + "/") or not os.path.isfile(path):
        return None
    folder = os.path.dirname(path)
    while folder != workspace and not os.path.isfile(f"{folder}/.git/config"):
        folder = os.path.dirname(folder)
    return os.path.relpath(path, folder) if _is_clone_of(repository, f"{folder}/.git/config") else None


def _is_clone_of(repository: str, configuration: str) -> bool:
    """Whether a remote is this repository, or none is named."""
    try:
        lines = read_file(configuration).decode("utf-8", "replace").lower().splitlines()
    except OSError:
        return True
    urls = [value.strip(' \t"') for key, _, value in (line.partition("=") for line in lines) if key.strip() == "url"]
    endings = (f"/{repository.lower()}", f":{repository.lower()}")
    return not urls or any(url.removesuffix("/").removesuffix(".git").endswith(endings) for url in urls)

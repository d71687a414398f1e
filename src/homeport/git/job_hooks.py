"""What a job may not push: commits that make or change workflows, which would run with secrets that the job was never given.

Only git can look at a push before it changes refs, in a hook. This one is the same for all repositories; the folders are told to it as
settings of git's, not as a part of its text. Source: git's documentation, "githooks" (`pre-receive`: what was pushed can be read, refs are
as they were); GitHub docs, "Permissions required for GitHub Apps" (`workflows`), which `GITHUB_TOKEN` never has.
"""

import os
from collections.abc import Sequence

from homeport.git.process import GitError

_SETTING = "homeport.workflows"
_HOOK = f"""#!/bin/sh
set -uf
IFS='
'
folders=$(git config --get-all {_SETTING}) || exit 1
while read -r line; do
  rest=${{line#* }} new=${{line#* }} new=${{new%% *}}
  case $new in
    *[!0]*) ;;
    *) continue ;;
  esac
  changed=$(git --literal-pathspecs log -1 --format=%H --full-history "$new" --not --all -- $folders) || exit 1
  if [ -n "$changed" ]; then
    echo "refusing to let a job make or change a workflow: no permission of its token is for that ($changed, ${{rest#* }})" >&2
    exit 1
  fi
done
"""


def make_job_hooks(folder: str) -> None:
    """Write the hook where it is not, or is another one. Raises `GitError`."""
    path = os.path.join(folder, "pre-receive")
    draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        if _read(path) == _HOOK and os.access(path, os.X_OK):
            return
        os.makedirs(folder, 0o700, exist_ok=True)
        with open(draft, "w") as file:  # noqa: PTH123 - as everywhere in git
            file.write(_HOOK)
        os.chmod(draft, 0o700)
        os.rename(draft, path)
    except OSError as error:
        raise GitError(f"{path}: {error.strerror}") from error
    if not os.access(path, os.X_OK):  # git would pass over it
        raise GitError(f"{path} cannot be executed where it is, so jobs cannot push")


def settings_for_jobs(folder: str, workflow_folders: Sequence[str]) -> tuple[str, ...]:
    """Git's settings for the push of a job, to a repository whose workflows are in these folders."""
    return (f"core.hooksPath={folder}", *(f"{_SETTING}={each}" for each in workflow_folders))


def _read(path: str) -> str:
    try:
        with open(path) as file:  # noqa: PTH123 - as everywhere in git
            return file.read()
    except FileNotFoundError:
        return ""

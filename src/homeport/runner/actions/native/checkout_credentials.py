"""Keeps the job's token for git commands that it runs itself, as long as the job lasts.

Up to v5 it stands in the working copy's own configuration; v6 keeps it in a file below RUNNER_TEMP, which that configuration includes.
Source: actions/checkout README ("persist-credentials") and `src/git-auth-helper.ts`, v4 and v6.
"""

import os

from homeport.runner.actions.native.checkout_git import find_token, make_header
from homeport.runner.actions.native.inputs import is_true, used_major
from homeport.runner.actions.working_copy import Target
from homeport.runner.actions.working_copy.git_folder import quote
from homeport.runner.folders import remove_tree, write_file
from homeport.runner.host import ActionHost

_FILE_STATE = "credentials"
_FOLDER_STATE = "repositoryPath"
_KEY_STATE = "credentialsKey"
_APART_SINCE = 6


def keep_credentials(host: ActionHost, target: Target, server: str) -> None:
    """Let git commands in the working copy send the token to one server."""
    token = find_token(host)
    if not token or not is_true(host, "persist-credentials"):
        return
    header = make_header(host, token)
    section = f"[http {quote(server + '/')}]\n\textraheader = {quote(header)}\n"
    if (used_major(host) or _APART_SINCE) < _APART_SINCE:
        host.save_state(_FOLDER_STATE, target.folder)
        host.save_state(_KEY_STATE, f"http.{server}/.extraheader")
        _append(target, section)
        return
    path = os.path.join(host.paths.temp, f"git-credentials-{os.urandom(8).hex()}.config")
    write_file(path, section.encode())
    host.save_state(_FILE_STATE, path)
    _append(target, f"[includeIf {quote(f'gitdir:{target.git_dir}')}]\n\tpath = {quote(path)}\n")


def forget_credentials(host: ActionHost) -> None:
    """Remove what was kept. Configuration that includes a file is quiet about one that is not there."""
    path, folder, key = (host.state.get(name, "") for name in (_FILE_STATE, _FOLDER_STATE, _KEY_STATE))
    if path or folder:
        host.log("Removing auth")
    if path:
        remove_tree(path)
    if folder and os.path.isfile(os.path.join(folder, ".git", "config")):
        words = ["git", "config", "--file", os.path.join(folder, ".git", "config"), "--unset-all", key]
        code, output = host.capture(words)
        if code not in {0, 5}:  # 5: the job has removed it already
            host.annotate("warning", f"Failed to remove '{key}' from the git config: {output.strip()}")


def _append(target: Target, text: str) -> None:
    descriptor = os.open(
        os.path.join(target.git_dir, "config"), os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    )
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)

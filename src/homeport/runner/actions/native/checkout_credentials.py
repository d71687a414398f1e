"""Keeps the job's token for git commands that it runs itself, in a file that goes when the job ends.

Source: actions/checkout v6, README ("persist-credentials": a file below RUNNER_TEMP, included by the repository's configuration).
"""

import os

from homeport.runner.actions.native.inputs import get_text, is_true
from homeport.runner.actions.working_copy import Target
from homeport.runner.actions.working_copy.git_folder import quote
from homeport.runner.folders import remove_tree, write_file
from homeport.runner.host import ActionHost

_STATE = "credentials"


def keep_credentials(host: ActionHost, target: Target) -> None:
    """Let git commands in the working copy send the token to the run's server."""
    token = get_text(host, "token")
    if not token or not is_true(host, "persist-credentials"):
        return
    from base64 import b64encode  # noqa: PLC0415 - `homeport run` has a token only where somebody gave one

    basic = b64encode(f"x-access-token:{token}".encode()).decode()
    host.mask(basic)
    path = os.path.join(host.paths.temp, f"git-credentials-{os.urandom(8).hex()}.config")
    server = str(host.github.get("server_url") or "")
    write_file(
        path, f"[http {quote(server + '/')}]\n\textraheader = {quote(f'AUTHORIZATION: basic {basic}')}\n".encode()
    )
    descriptor = os.open(os.path.join(target.git_dir, "config"), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        os.write(descriptor, f"[includeIf {quote(f'gitdir:{target.git_dir}')}]\n\tpath = {quote(path)}\n".encode())
    finally:
        os.close(descriptor)
    host.save_state(_STATE, path)


def forget_credentials(host: ActionHost) -> None:
    """Remove the file; the configuration that includes it is quiet about files that are not there."""
    path = host.state.get(_STATE)
    if path:
        host.log("Removing auth")
        remove_tree(path)

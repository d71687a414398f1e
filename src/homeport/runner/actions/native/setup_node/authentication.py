"""Writes the `.npmrc` with which npm, Yarn and pnpm sign in to a registry; the token stays in a variable.

Source: actions/setup-node `src/authutil.ts`. v7 no longer makes up a token where none is given (its pull request 1558); `always-auth` was
honoured up to v5.
"""

import os
import re

from homeport.runner.actions.native.inputs import get_text, is_true, used_major
from homeport.runner.folders import read_file, remove_tree, write_file
from homeport.runner.host import ActionError, ActionHost

_NO_TOKEN = "XXXXX-XXXXX-XXXXX-XXXXX"  # noqa: S105 - what the original exports where there is none
_LAST_WITH_MADE_UP_TOKEN = 6
_LAST_WITH_ALWAYS_AUTH = 5


def write_settings(host: ActionHost) -> None:
    """Write the file into the job's temporary folder, and announce it."""
    registry = get_text(host, "registry-url")
    if re.match(r"https?://[^/]", registry) is None:
        raise ActionError(f"Invalid registry-url: '{registry}' is not an http(s) address")
    registry = registry if registry.endswith("/") else f"{registry}/"
    scope = _find_scope(host, registry)
    major = used_major(host)
    path = os.path.join(host.paths.temp, ".npmrc")
    lines = [line for line in _read_lines(path) if not line.lower().startswith(f"{scope}registry")]
    lines += [re.sub(r"^\w+:", "", registry) + ":_authToken=${NODE_AUTH_TOKEN}", f"{scope}registry={registry}"]
    if major is not None and major <= _LAST_WITH_ALWAYS_AUTH:
        lines.append(f"always-auth={str(is_true(host, 'always-auth')).lower()}")
    try:
        remove_tree(path)
        write_file(path, "\n".join(lines).encode())
    except OSError as error:
        raise ActionError(f"{path} cannot be written: {error.strerror}") from error
    host.export_variable("NPM_CONFIG_USERCONFIG", path)
    token = host.environment.get("NODE_AUTH_TOKEN")
    if major is not None and major <= _LAST_WITH_MADE_UP_TOKEN:
        host.export_variable("NODE_AUTH_TOKEN", token or _NO_TOKEN)
    elif token is not None:
        host.export_variable("NODE_AUTH_TOKEN", token)


def _find_scope(host: ActionHost, registry: str) -> str:
    """`@owner:`; empty for a registry of everything."""
    scope = get_text(host, "scope")
    if not scope and "npm.pkg.github.com" in registry:
        scope = str(host.github.get("repository_owner") or "") or str(host.github.get("repository") or "").split("/")[0]
    if not scope:
        return ""
    return f"{scope if scope.startswith('@') else '@' + scope}:".lower()


def _read_lines(path: str) -> list[str]:
    try:
        return [line for line in read_file(path).decode("utf-8", "replace").split("\n") if line]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ActionError(f"{path} cannot be read: {error.strerror}") from error

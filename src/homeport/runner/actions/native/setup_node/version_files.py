"""Reads the version of Node.js that a file of the project asks for.

Source: actions/setup-node `src/util.ts` (`getNodeVersionFromFile`), its "Advanced usage" page ("Node version file").
"""

import os
import re
from typing import Any

import msgspec

from homeport.runner.folders import read_file
from homeport.runner.host import ActionError, ActionHost

_IN_ACTION = re.compile(r"^\s+using:\s*['\"]?node(\d+)['\"]?\s*(?:#.*)?$", re.MULTILINE)
_PLAIN = re.compile(r"^(?:node(?:js)?\s+)?v?(\S+)$", re.MULTILINE)
_MOST_LINKS = 10
"""of Volta workspaces that extend each other"""


def read_version_file(host: ActionHost, file: str) -> str:
    """The version that a file names; empty, with a warning, where it names none. Raises `ActionError`."""
    path = os.path.join(host.paths.workspace, file)
    version = _read(host, path, _MOST_LINKS)
    if not version:
        host.annotate("warning", f"Could not determine node version from {path}. Falling back")
    host.log(f"Resolved {file} as {version}")
    return version


def _read(host: ActionHost, path: str, depth: int) -> str:
    if not os.path.exists(path):
        raise ActionError(f"The specified node version file at: {path} does not exist")
    try:
        text = read_file(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ActionError(f"The node version file {path} cannot be read: {error}") from error
    try:
        manifest = msgspec.json.decode(text)
    except msgspec.DecodeError:
        host.log("Node version file is not JSON file")
        manifest = None
    if isinstance(manifest, dict):
        return _read_manifest(host, path, manifest, depth)
    return _read_text(text)


def _read_manifest(host: ActionHost, path: str, manifest: dict[str, Any], depth: int) -> str:
    """A `package.json`: Volta's pin, then the engines of developers, then those of users, then a Volta workspace."""
    volta = _table(manifest.get("volta"))
    runtimes = _table(manifest.get("devEngines")).get("runtime")
    for found in (
        _text(volta.get("node")),
        _find_runtime(runtimes),
        _text(_table(manifest.get("engines")).get("node")),
    ):
        if found:
            return found
    extended = _text(volta.get("extends"))
    if not extended or not depth:
        return ""
    target = os.path.normpath(os.path.join(os.path.dirname(path), extended))
    host.log(f"Resolving node version from {target}")
    return _read(host, target, depth - 1)


def _find_runtime(runtimes: Any) -> str:
    for each in runtimes if isinstance(runtimes, list) else [runtimes]:
        entry = _table(each)
        if _text(entry.get("name")).lower() == "node" and _text(entry.get("version")):
            return _text(entry.get("version"))
    return ""


def _read_text(text: str) -> str:
    match = _IN_ACTION.search(text) or _PLAIN.search(text.replace("\r", ""))
    return match[1] if match else text.strip()


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

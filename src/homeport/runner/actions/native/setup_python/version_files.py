"""Finds out which versions are asked for: by the input, or by a file of the repository.

Source: actions/setup-python `src/setup-python.ts` (`resolveVersionInput`), `src/utils.ts` (`getVersionInputFrom…`); its "Advanced usage"
page, "Using the python-version-file input".
"""

import os
import re
from typing import Any

from homeport.runner.actions.native.inputs import get_lines, get_text
from homeport.runner.actions.native.semver import parse_range
from homeport.runner.folders import read_file
from homeport.runner.host import ActionError, ActionHost

_DEFAULT_FILE = ".python-version"


def find_wishes(host: ActionHost) -> list[str]:
    """What is asked for, in order; empty where nothing is. Says where it was found. Raises `ActionError`."""
    versions, file = get_lines(host, "python-version"), get_text(host, "python-version-file")
    if versions and file:
        host.annotate(
            "warning",
            "Both python-version and python-version-file inputs are specified, only python-version will be used.",
        )
    if versions:
        return versions
    if file:
        path = os.path.join(host.paths.workspace, file)
        if not os.path.exists(path):
            raise ActionError(f"The specified python version file at: {file} doesn't exist.")
        return _read(host, file, path)
    host.log(
        "[warning]Neither 'python-version' nor 'python-version-file' inputs were supplied. "
        "Attempting to find '.python-version' file."
    )
    path = os.path.join(host.paths.workspace, _DEFAULT_FILE)
    if os.path.exists(path):
        return _read(host, _DEFAULT_FILE, path)
    host.log(f"[warning]{_DEFAULT_FILE} doesn't exist.")
    return []


def _read(host: ActionHost, file: str, path: str) -> list[str]:
    try:
        text = read_file(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ActionError(f"The python version file {file} cannot be read: {error}") from error
    name = os.path.basename(file)
    if name.endswith(".toml"):
        return _read_project(host, file, _parse_toml(file, text))
    if name == "Pipfile":
        return _read_pipfile(host, file, _parse_toml(file, text))
    if name == ".tool-versions":
        return _read_tool_versions(host, file, text)
    return _read_plain(host, file, text)


def _parse_toml(file: str, text: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only where such a file is named

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ActionError(f"{file} is not valid TOML: {error}") from error


def _read_project(host: ActionHost, file: str, content: dict[str, Any]) -> list[str]:
    """`project.requires-python`, or, where there is no `project`, Poetry's `python`."""
    keys = ("project", "requires-python") if "project" in content else ("tool", "poetry", "dependencies", "python")
    return _keep_ranges(host, file, _look_up(content, keys))


def _read_pipfile(host: ActionHost, file: str, content: dict[str, Any]) -> list[str]:
    full = _look_up(content, ("requires", "python_full_version"))
    return _keep_ranges(host, file, full or _look_up(content, ("requires", "python_version")))


def _look_up(content: Any, keys: tuple[str, ...]) -> str:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, str) else ""


def _keep_ranges(host: ActionHost, file: str, version: str) -> list[str]:
    host.log(f"Extracted {version} from {file}")
    text = " ".join(version.split(","))
    if not text:
        return []
    if parse_range(text) is None:
        host.log(f"[warning]The version {text} is not valid SemVer range")
        return []
    return [text]


def _read_tool_versions(host: ActionHost, file: str, text: str) -> list[str]:
    for line in text.splitlines():
        if (match := re.match(r"\s*python\s+v?(\S+)", line)) is not None:
            host.log(f"Found Python version: {match[1]} in {file}")
            return [match[1]]
    host.annotate("warning", f"No Python version found in {file}")
    return []


def _read_plain(host: ActionHost, file: str, text: str) -> list[str]:
    """A version a line; what follows a slash is the name of a virtual environment of pyenv's."""
    lines = [line.strip() for line in text.splitlines()]
    versions = [line.split("/")[0].strip() for line in lines if line and not line.startswith("#")]
    host.log(f"Resolved {file} as {', '.join(versions)}")
    return versions

"""Reads what files of a project say about uv: the version that they require, and where its cache is.

Source: astral-sh/setup-uv `src/version/file-parser.ts`, `requirements-file.ts`, `tool-versions-file.ts`, `uv-lock-file.ts`,
`src/utils/config-file.ts`.
"""

import os
import re
from collections.abc import Iterator
from typing import Any

from homeport.runner.folders import read_file

_REQUIREMENT = re.compile(r"uv(?:\[[^\]]*\])?\s*([=<>~!][^\s;#]*)")


class VersionFileError(Exception):
    """A file cannot be read or understood."""


def read_required_version(path: str) -> str | None:
    """The version or range of uv that a file asks for; None where it says nothing of it. Raises `VersionFileError`."""
    name = os.path.basename(path)
    if name.endswith(".tool-versions"):
        return read_tool_version(path, "uv")
    if name.endswith("uv.toml"):
        return _text(_parse(path).get("required-version"))
    if name.endswith("pyproject.toml"):
        content = _parse(path)
        return _text(_table(content, "tool", "uv").get("required-version")) or _find_dependency(
            _list_dependencies(content)
        )
    if name.endswith("uv.lock"):
        packages = _parse(path).get("package")
        named = packages if isinstance(packages, list) else []
        return next(
            (_text(each.get("version")) for each in named if isinstance(each, dict) and each.get("name") == "uv"), None
        )
    if name.endswith(".txt"):
        return _find_dependency(_read(path).splitlines())
    return None


def read_cache_dir(path: str) -> str | None:
    """`cache-dir` of a `uv.toml`, or of `tool.uv`; None where it is not said, or the file is not there or not understood."""
    if not path.endswith(".toml") or not os.path.exists(path):
        return None
    try:
        content = _parse(path)
    except VersionFileError:
        return None
    table = _table(content, "tool", "uv") if path.endswith("pyproject.toml") else content
    return _text(table.get("cache-dir"))


def read_tool_version(path: str, tool: str) -> str | None:
    """A tool's line of a `.tool-versions` file. Raises `VersionFileError`."""
    if not os.path.exists(path):
        return None
    for line in _read(path).splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] == tool:
            return words[1].removeprefix("v")
    return None


def _read(path: str) -> str:
    try:
        return read_file(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise VersionFileError(str(error)) from error


def _parse(path: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only where such a file is there

    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise VersionFileError(str(error)) from error


def _table(content: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _list_dependencies(content: dict[str, Any]) -> Iterator[str]:
    """Those of the project, of its extras, of its groups."""
    project = _table(content, "project")
    lists = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    lists += _table(content, "dependency-groups").values()
    for entries in lists:
        if isinstance(entries, list):
            yield from (entry for entry in entries if isinstance(entry, str))


def _find_dependency(lines: Any) -> str | None:
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is not None:
            return str(match[1].rstrip("\\").strip())
    return None

"""What `python-version` means: a range of versions, of which implementation, with or without the interpreter lock.

Source: actions/setup-python `src/find-python.ts` (`3.13t`, `3.13-dev`, prereleases), `src/find-pypy.ts`, its "Advanced usage" page.
"""

import re

import msgspec


class Wish(msgspec.Struct, frozen=True):
    """A `python-version` as it is meant: a range, of which implementation, with or without the interpreter lock."""

    text: str
    versions: str
    freethreaded: bool = False
    pypy: bool = False
    pypy_versions: str = ""


def parse_wish(text: str, *, allow_prereleases: bool = False, freethreaded: bool = False) -> Wish:
    """Understand one line of `python-version`. Raises `ValueError` with the original's words for a wrong PyPy version."""
    written = text.strip()
    if written.startswith("pypy"):
        return _parse_pypy(written)
    versions = written
    match = re.fullmatch(r"(\d+\.\d+(?:\.\d+(?:(?:a|b|rc)\d*)?)?)t(-dev)?", versions)
    if match is not None:
        versions, freethreaded = match[1] + (match[2] or ""), True
    versions = re.sub(r"^(\d+)\.(\d+)-dev$", r"~\1.\2.0-0", versions)
    versions = re.sub(r"(\d+\.\d+\.\d+)((?:a|b|rc)\d*)", r"\1-\2", versions)
    if allow_prereleases:
        versions = re.sub(r"^(\d+)\.(\d+)$", r"~\1.\2.0-0", versions)
    return Wish(written, versions, freethreaded)


def _parse_pypy(written: str) -> Wish:
    parts = [part for part in re.sub(r"^pypy-?", "", written).split("-") if part]
    if not parts:
        raise ValueError(
            "Invalid 'version' property for PyPy. PyPy version should be specified as 'pypy<python-version>' or 'pypy-<python-version>'. "
            "See README for examples and documentation."
        )
    if re.fullmatch(r"\d+\.\d+", parts[0]) is None:
        raise ValueError(
            "Invalid format of Python version for PyPy. Python version should be specified in format 'x.y'. "
            "See README for examples and documentation."
        )
    pypy_versions = "-".join(parts[1:]).removeprefix("v") or "x"
    return Wish(written, parts[0], pypy=True, pypy_versions=pypy_versions)

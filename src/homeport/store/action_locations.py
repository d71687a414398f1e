"""Where the repositories of published actions are looked for: what `--action-source` says, taken apart.

- `https://git.example.org`: `<base>/{owner}/{repo}`; `https://git.example.org/{owner}/{repo}.git`
- `/mirrors`, `file:///mirrors`: folders `<base>/owner/repo`, `<base>/owner/repo.git` or `<base>/owner/repo@ref`
- `owner/repo=/path`: one repository
- `owner/repo@ref=/path`: one repository at one ref: the folder as it stands
"""

import os
from collections.abc import Iterable, Sequence

import msgspec

GITHUB = "https://github.com"


class SourceSyntaxError(ValueError):
    """What was given names no source."""


class Location(msgspec.Struct, frozen=True):
    """One place that may have a repository. `is_snapshot`: a folder that is used as it stands, whatever the ref."""

    address: str
    """an address, or an absolute path"""
    is_folder: bool
    is_snapshot: bool = False


class _Mapping(msgspec.Struct, frozen=True):
    repository: str
    ref: str
    address: str
    is_folder: bool


class Locations:
    """The places in the order in which they are asked: those of single repositories, then the bases (GitHub, where none is given)."""

    def __init__(self, mappings: Sequence[_Mapping], bases: Sequence[str]) -> None:
        self._mappings = mappings
        self._bases = bases or (GITHUB,)

    def list(self, repository: str, ref: str) -> list[Location]:
        """Where a repository may be. Folders that are not there are left out."""
        mapped = [
            self._map(mapping)
            for mapping in sorted(self._mappings, key=lambda mapping: not mapping.ref)
            if mapping.repository == repository.lower() and mapping.ref in ("", ref)
        ]
        if mapped:
            return mapped
        return [location for base in self._bases if (location := _find_below(base, repository, ref)) is not None]

    def describe(self) -> str:
        """All bases, for a message."""
        return ", ".join(self._bases)

    def _map(self, mapping: _Mapping) -> Location:
        return Location(mapping.address, mapping.is_folder, mapping.is_folder and bool(mapping.ref))


def parse_sources(texts: Iterable[str], folder: str) -> Locations:
    """Read what was given; relative paths start at `folder`. Raises `SourceSyntaxError`."""
    mappings: list[_Mapping] = []
    bases: list[str] = []
    for text in texts:
        left, equals, right = text.partition("=")
        if equals and "://" not in left and left.count("/") == 1 and not left.startswith((".", "/", "~")):
            repository, _, ref = left.partition("@")
            address, is_folder = _parse_address(right, folder, text)
            mappings.append(_Mapping(repository.lower(), ref, address, is_folder))
        else:
            bases.append(_parse_address(text, folder, text)[0])
    return Locations(mappings, bases)


def _parse_address(text: str, folder: str, whole: str) -> tuple[str, bool]:
    scheme, separator, rest = text.partition("://")
    if not separator:
        if not text:
            raise SourceSyntaxError(f"{whole!r} names no source")
        return os.path.normpath(os.path.join(folder, os.path.expanduser(text))), True
    match scheme.lower():
        case "http" | "https":
            if "@" in rest.partition("/")[0]:
                raise SourceSyntaxError("an address must not hold a name or a password: they belong into ~/.netrc")
            return text.rstrip("/"), False
        case "file" if rest.startswith("/"):
            return os.path.normpath(rest), True
        case _:
            raise SourceSyntaxError(f"{whole!r} is not http://…, https://…, file:///… or a folder")


def _find_below(base: str, repository: str, ref: str) -> Location | None:
    owner, _, name = repository.partition("/")
    if "://" in base:
        if "{owner}" in base or "{repo}" in base:
            return Location(base.replace("{owner}", owner).replace("{repo}", name), is_folder=False)
        return Location(f"{base}/{owner}/{name}", is_folder=False)
    for path, is_snapshot in ((f"{name}@{ref}", True), (name, False), (f"{name}.git", False)):
        found = os.path.normpath(os.path.join(base, owner, path))
        if found.startswith(base.rstrip("/") + "/") and os.path.isdir(found):
            return Location(found, is_folder=True, is_snapshot=is_snapshot)
    return None

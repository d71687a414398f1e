"""Finds the newest pip (and setuptools, for Pythons that bring it) on this machine: nothing is fetched here.

Homeport brings a recent pip along; every Python carries one for `ensurepip`; distributions keep wheels for it; a pip may be installed, or
have been fetched before. Whichever is the newest that runs on a given Python is used.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from homeport.archive.zip_reader import extract_zip
from homeport.runner.actions.file_copies import copy_entry
from homeport.runner.actions.native.setup_python.discovery import Interpreter
from homeport.runner.folders import make_folder, read_file

_WHEEL_FOLDERS = ("/usr/share/python-wheels", "/usr/share/python-pip-wheels")
_WHEEL = re.compile(
    r"(pip|setuptools)-(\d+(?:\.\d+)*)-py(?:2\.)?(?:py)?3-none-any\.whl|(pip|setuptools)-(\d+(?:\.\d+)*)-py3-none-any\.whl"
)
_INSTALLED = re.compile(r"(pip|setuptools)-(\d+(?:\.\d+)*)\.dist-info")
_REQUIRES = re.compile(r"^Requires-Python:\s*(.*)$", re.MULTILINE)

Name = Literal["pip", "setuptools"]


class PackageSource(msgspec.Struct, frozen=True):
    """A package that stands on this machine: a wheel, or an installed one by its `dist-info` folder."""

    name: str
    version: str
    path: str

    @property
    def order(self) -> tuple[int, ...]:
        """By which versions are compared."""
        return tuple(int(number) for number in self.version.split("."))


def wheel_folder(tool_cache: str) -> str:
    """Where wheels of pip are kept that came from an index."""
    return os.path.join(tool_cache, "homeport-python", "wheels")


def find_pip(interpreter: Interpreter, others: Sequence[Interpreter], kept: str = "") -> PackageSource | None:
    """The newest pip that runs on an interpreter; `kept` is a further folder of wheels."""
    wheels = _list_wheels([interpreter, *others], (kept,) if kept else ())
    return _find_newest("pip", interpreter, [*wheels, *_list_installed(others)])


def list_own() -> list[str]:
    """What is installed beside Homeport, by its `dist-info` folder."""
    return [source.path for source in _list_installed(())]


def find_setuptools(interpreter: Interpreter) -> PackageSource | None:
    """The setuptools that comes with a Python before 3.12; later ones have none."""
    if interpreter.version.triple >= (3, 12):
        return None
    return _find_newest("setuptools", interpreter, _list_wheels([interpreter]))


def _find_newest(name: Name, interpreter: Interpreter, sources: Iterable[PackageSource]) -> PackageSource | None:
    found = sorted((source for source in sources if source.name == name), key=lambda source: source.order, reverse=True)
    return next((source for source in found if _runs_on(source, interpreter)), None)


def _list_wheels(interpreters: Iterable[Interpreter], further: Iterable[str] = ()) -> Iterator[PackageSource]:
    bundled = [os.path.join(standard_library(each), "ensurepip", "_bundled") for each in interpreters]
    for folder in dict.fromkeys([*bundled, *_WHEEL_FOLDERS, *further]):
        for name in _names(folder):
            if (match := _WHEEL.fullmatch(name)) is not None:
                yield PackageSource(match[1] or match[3], match[2] or match[4], os.path.join(folder, name))


def _list_installed(interpreters: Iterable[Interpreter]) -> Iterator[PackageSource]:
    """Beside each interpreter, and beside Homeport itself."""
    folders = [os.path.join(standard_library(each), "site-packages") for each in interpreters]
    for folder in dict.fromkeys([*sys.path, *folders]):
        for name in _names(folder):
            match = _INSTALLED.fullmatch(name)
            if match is not None and os.path.isfile(os.path.join(folder, name, "RECORD")):
                yield PackageSource(match[1], match[2], os.path.join(folder, name))


def standard_library(interpreter: Interpreter) -> str:
    """Where an interpreter's own modules are."""
    name = f"{'pypy' if interpreter.pypy else 'python'}{interpreter.short}"
    for folder in ("lib", "lib64"):
        path = os.path.join(interpreter.prefix, folder, name)
        if os.path.isfile(os.path.join(path, "os.py")):
            return path
    return os.path.join(interpreter.prefix, "lib", name)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _runs_on(source: PackageSource, interpreter: Interpreter) -> bool:
    required = _REQUIRES.search(_read_metadata(source))
    if required is None:
        return False
    for clause in required[1].split(","):
        match = re.fullmatch(r"\s*(>=|!=)\s*(\d+)\.(\d+)(?:\.\*|\.\d+)?\s*", clause)
        if match is None:
            return False
        named, own = (int(match[2]), int(match[3])), (interpreter.version.major, interpreter.version.minor)
        if (match[1] == ">=" and own < named) or (match[1] == "!=" and own == named):
            return False
    return True


def _read_metadata(source: PackageSource) -> str:
    if not source.path.endswith(".whl"):
        return read_file(os.path.join(source.path, "METADATA")).decode("utf-8", "replace")
    import zipfile  # noqa: PLC0415 - only while a template is made

    with zipfile.ZipFile(source.path) as wheel:
        return wheel.read(f"{source.name}-{source.version}.dist-info/METADATA").decode("utf-8", "replace")


def unpack_package(source: PackageSource, folder: str) -> None:
    """Put a package into an empty site folder, as an installer would, without its programs. Raises `OSError`, `ValueError`."""
    if source.path.endswith(".whl"):
        extract_zip(source.path, folder)
        return
    base = os.path.dirname(source.path)
    record = read_file(os.path.join(source.path, "RECORD")).decode("utf-8")
    for line in record.splitlines():
        name = line.rpartition(",")[0].rpartition(",")[0].strip('"')
        if not name or name.startswith(("/", "..")) or name.endswith(".pyc"):
            continue
        target = os.path.join(folder, name)
        make_folder(os.path.dirname(target))
        copy_entry(os.path.join(base, name), target, os.stat(os.path.join(base, name)))

"""The pip (and setuptools) that a private Python begins with: unpacked and compiled once in the tool cache, and linked for each job.

A job's own pip would be a thousand files. Here its folders are links, and the list of installed files names the links: an installer
that replaces or removes pip takes away a link, never what it leads to. What was changed behind a link all the same is noticed, and made anew.
"""

import os
from collections.abc import Iterator

import msgspec

from homeport.runner.actions.file_copies import copy_entry
from homeport.runner.actions.native.setup_python.discovery import Interpreter, ask_interpreter
from homeport.runner.actions.native.setup_python.pip_source import PackageSource, find_setuptools, unpack_package
from homeport.runner.folders import make_folder, read_file, remove_tree, write_file


class Packages(msgspec.Struct, frozen=True):
    """What stands in a folder of the store: paths relative to it."""

    folder: str
    linked: list[str]
    copied: list[str]
    times: dict[str, int]
    """when each folder behind the links was changed last"""


def prepare_packages(interpreter: Interpreter, pip: PackageSource, store: str, work: str, python: str) -> Packages:
    """Unpack and compile. Raises `OSError`, and `ValueError` for a package that is damaged."""
    sources = [source for source in (pip, find_setuptools(interpreter)) if source is not None]
    name = "-".join([*(f"{source.name}-{source.version}" for source in sources), os.urandom(4).hex()])
    building, folder = os.path.join(work, "packages"), os.path.join(store, name)
    make_folder(building)
    for source in sources:
        unpack_package(source, building)
    linked = sorted(_list_linked(building))
    for source in sources:
        _mark_installed(interpreter, source, building, linked)
    copied = sorted(_list_copied(building))
    os.rename(building, folder)
    _compile(python, folder)
    return Packages(name, linked, copied, dict(_list_times(folder, linked)))


def is_intact(packages: Packages, store: str) -> bool:
    """Whether everything behind the links is as it was made (modules that Python compiled since are no matter)."""
    folder = os.path.join(store, packages.folder)
    try:
        return all(os.stat(os.path.join(folder, name)).st_mtime_ns == time for name, time in packages.times.items())
    except OSError:
        return False


def place_packages(packages: Packages, store: str, site: str) -> None:
    """Fill a new site folder. Raises `OSError`."""
    folder = os.path.join(store, packages.folder)
    make_folder(site)
    for name in packages.copied:
        target = os.path.join(site, name)
        make_folder(os.path.dirname(target))
        copy_entry(os.path.join(folder, name), target, os.stat(os.path.join(folder, name)))
    for name in packages.linked:
        os.symlink(os.path.join(folder, name), os.path.join(site, name))


def pip_programs(interpreter: Interpreter) -> tuple[str, ...]:
    """The names under which pip is called."""
    version = interpreter.version
    return "pip", f"pip{version.major}", f"pip{version.major}.{version.minor}"


def _list_linked(folder: str) -> Iterator[str]:
    """Whole packages, and the folders of licences and the like within what is known of a package."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if not os.path.isdir(path):
            continue
        if name.endswith(".dist-info"):
            yield from (f"{name}/{inner}" for inner in os.listdir(path) if os.path.isdir(os.path.join(path, inner)))
        else:
            yield name


def _list_copied(folder: str) -> Iterator[str]:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.endswith(".dist-info"):
            yield from (f"{name}/{inner}" for inner in os.listdir(path) if os.path.isfile(os.path.join(path, inner)))
        elif os.path.isfile(path):
            yield name


def _list_times(folder: str, linked: list[str]) -> Iterator[tuple[str, int]]:
    for name in linked:
        for parent, _, _ in os.walk(os.path.join(folder, name)):
            if os.path.basename(parent) != "__pycache__":
                yield os.path.relpath(parent, folder), _settle(parent)


def _settle(folder: str) -> int:
    """A folder's time of change, after its compiled modules have found their place in it."""
    make_folder(os.path.join(folder, "__pycache__"))
    return os.stat(folder).st_mtime_ns


def _mark_installed(interpreter: Interpreter, source: PackageSource, folder: str, linked: list[str]) -> None:
    """What an installer leaves beside a package's files: its own name, and the programs and links in the list of files."""
    information = os.path.join(folder, f"{source.name}-{source.version}.dist-info")
    installer, record = os.path.join(information, "INSTALLER"), os.path.join(information, "RECORD")
    remove_tree(installer)
    write_file(installer, b"pip\n")
    known = f"{os.path.basename(information)}/INSTALLER"
    kept: list[str] = []
    for line in os.fsdecode(read_file(record)).splitlines():
        link = next((name for name in linked if line.strip('"').startswith(f"{name}/")), None)
        if link is not None:
            kept.append(f"{link},,")
        elif line and not line.startswith(("..", "/", known)) and not line.endswith(".pyc,,"):
            kept.append(line)
    programs = pip_programs(interpreter) if source.name == "pip" else ()
    remove_tree(record)
    added = [f"{known},,", *(f"../../../bin/{program},," for program in programs)]
    write_file(record, os.fsencode("\n".join([*dict.fromkeys(kept), *added]) + "\n"))


def _compile(python: str, folder: str) -> None:
    """Compile every module, as installers do: pip starts in a third of the time. What does not compile is left as it is."""
    program = f"import compileall; compileall.compile_dir({folder!r}, quiet=2)"
    ask_interpreter(python, program)

"""Gives a job a Python of its own: a real prefix that it may write to, made in a fraction of the time of a virtual environment.

The first use of an interpreter proves that it can be moved (where it believes to be, where it installs to) and prepares what every job
gets a copy of: pip, unpacked and compiled. Both are kept in the tool cache.
"""

import hashlib
import os
import re
from collections.abc import Sequence

import msgspec

from homeport.archive.destination import write_all
from homeport.archive.tar_reader import extract_tar
from homeport.archive.tar_writer import write_tar
from homeport.runner.actions.native.setup_python.discovery import Interpreter, ask_interpreter
from homeport.runner.actions.native.setup_python.pip_source import (
    PackageSource,
    find_pip,
    find_setuptools,
    unpack_package,
    wheel_folder,
)
from homeport.runner.actions.native.setup_python.skeleton import (
    Place,
    build_skeleton,
    program_name,
    script_start,
    write_program,
)
from homeport.runner.folders import make_folder, read_file, remove_tree, write_file

_FORMAT = "2"
"""changes when prefixes are built in another way, so that what was kept is made anew"""

_PIP_PROGRAM = b"""import sys
try:
    from pip._internal.cli.main import main
except ImportError:
    from pip._internal import main
if __name__ == "__main__":
    sys.exit(main())
"""

_PROBE = """
import json, sys, sysconfig
paths = sysconfig.get_paths()
print(json.dumps({
    "prefix": sys.prefix,
    "base": getattr(sys, "base_prefix", sys.prefix),
    "site": paths["purelib"],
    "platform_site": paths["platlib"],
    "scripts": paths["scripts"],
    "path": [entry for entry in sys.path if entry],
}))
"""


class PrefixError(Exception):
    """A private prefix cannot be made from an interpreter; the message says why."""


class _Answer(msgspec.Struct, frozen=True):
    """What the probe prints."""

    prefix: str
    base: str
    site: str
    platform_site: str
    scripts: str
    path: list[str]


class _Layout(msgspec.Struct, frozen=True):
    """What is known of an interpreter's prefixes: paths relative to the prefix, and the prepared packages."""

    site: str
    scripts: str
    packages: str
    """the name of the archive with pip beside this file"""
    seen: str
    """a digest of the interpreters and wheels among which pip was looked for"""


def make_prefix(interpreter: Interpreter, others: Sequence[Interpreter], target: str, tool_cache: str) -> None:
    """Build a prefix where nothing stands yet; whole or not at all. Raises `PrefixError`, `OSError`."""
    store = os.path.join(tool_cache, "homeport-python", _identify(interpreter))
    kept = wheel_folder(tool_cache)
    seen = _digest_of(others, kept)
    layout = _read_layout(store, seen) or _prepare(interpreter, others, store, kept, seen)
    building = f"{target}.{os.urandom(4).hex()}.new"
    place = Place(building, target)
    make_folder(os.path.dirname(target))
    try:
        build_skeleton(interpreter, place)
        _unpack(os.path.join(store, layout.packages), place.at(layout.site))
        _join_scripts(place, layout)
        _write_pip(interpreter, place)
        _move_into_place(building, target)
    finally:
        remove_tree(building)


def find_prepared_pip(interpreter: Interpreter, others: Sequence[Interpreter], tool_cache: str) -> tuple[int, ...]:
    """The version of the pip that the next prefix gets, where that is prepared already; empty where it is not."""
    store = os.path.join(tool_cache, "homeport-python", _identify(interpreter))
    layout = _read_layout(store, _digest_of(others, wheel_folder(tool_cache)))
    match = re.match(r"pip-([\d.]*\d)", layout.packages) if layout is not None else None
    return () if match is None else tuple(int(number) for number in match[1].split("."))


def _move_into_place(building: str, target: str) -> None:
    try:
        os.rename(building, target)
    except OSError:
        if not os.path.isdir(target):  # else another step of the job, in the background, has made it meanwhile
            raise


def _identify(interpreter: Interpreter) -> str:
    """A name that changes when the interpreter's file does."""
    real = os.path.realpath(interpreter.executable)
    status = os.stat(real)
    text = f"{_FORMAT}:{real}:{status.st_size}:{status.st_mtime_ns}"
    return f"{interpreter.label}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _digest_of(others: Sequence[Interpreter], kept: str) -> str:
    try:
        wheels = [name for name in os.listdir(kept) if name.endswith(".whl")]
    except OSError:
        wheels = []
    text = "\n".join(sorted([*(f"{each.label} {each.executable}" for each in others), *wheels]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read_layout(store: str, seen: str) -> _Layout | None:
    try:
        layout = msgspec.json.decode(read_file(os.path.join(store, "layout.json")), type=_Layout)
    except (OSError, msgspec.DecodeError):
        return None
    is_current = layout.seen == seen and os.path.isfile(os.path.join(store, layout.packages))
    return layout if is_current else None


# --- once for each interpreter ---------------------------------------------------------------------------------------


def _prepare(interpreter: Interpreter, others: Sequence[Interpreter], store: str, kept: str, seen: str) -> _Layout:
    """Probe the interpreter and unpack pip. Safe to do twice at the same time: each result replaces the other."""
    work = os.path.join(store, f"work-{os.urandom(4).hex()}")
    make_folder(work)
    try:
        place = Place(os.path.join(work, "probe"), os.path.join(work, "probe"))
        build_skeleton(interpreter, place)
        python = place.at("bin", program_name(interpreter))
        answer = _probe(interpreter, place, python)
        pip = find_pip(interpreter, others, kept)
        packages = _prepare_packages(interpreter, pip, store, work, python)
        layout = _Layout(
            site=os.path.relpath(answer.site, place.final),
            scripts=os.path.relpath(answer.scripts, place.final),
            packages=packages,
            seen=seen,
        )
        fresh = os.path.join(work, "layout.json")
        write_file(fresh, msgspec.json.encode(layout))
        os.rename(fresh, os.path.join(store, "layout.json"))
        return layout
    finally:
        remove_tree(work)


def _probe(interpreter: Interpreter, place: Place, python: str) -> _Answer:
    text = ask_interpreter(python, _PROBE)
    if text is None:
        raise PrefixError(f"the Python in {interpreter.prefix} does not run from another folder")
    answer = msgspec.json.decode(text, type=_Answer)
    root = os.path.realpath(place.final)
    if {os.path.realpath(answer.prefix), os.path.realpath(answer.base)} != {root}:
        raise PrefixError(
            f"the Python in {interpreter.prefix} believes to be in {answer.prefix} wherever it stands, so a job cannot have its own"
        )
    installed = (answer.site, answer.platform_site, answer.scripts)
    outside = [path for path in (*installed, *answer.path) if not _is_below(path, {place.final, root})]
    if outside or answer.site != answer.platform_site:
        place_named = outside[0] if outside else answer.platform_site
        raise PrefixError(
            f"the Python in {interpreter.prefix} uses {place_named} wherever it stands, so a job cannot have its own"
        )
    return answer


def _is_below(path: str, roots: set[str]) -> bool:
    return any(os.path.normpath(path).startswith(root + "/") for root in roots)


def _prepare_packages(interpreter: Interpreter, pip: PackageSource | None, store: str, work: str, python: str) -> str:
    if pip is None:
        raise PrefixError(
            f"there is no pip on this machine that runs on Python {interpreter.label}: install one with it "
            "(Debian, Ubuntu: python3-pip; others: python -m ensurepip)"
        )
    sources = [source for source in (pip, find_setuptools(interpreter)) if source is not None]
    name = "-".join(f"{source.name}-{source.version}" for source in sources) + ".tar"
    if os.path.isfile(os.path.join(store, name)):
        return name
    folder = os.path.join(work, "packages")
    make_folder(folder)
    try:
        for source in sources:
            unpack_package(source, folder)
            _mark_installed(interpreter, source, folder)
    except ValueError as error:
        raise PrefixError(f"the pip of this machine is damaged: {error}") from error
    _compile(python, folder)
    _pack(folder, os.path.join(work, name))
    os.rename(os.path.join(work, name), os.path.join(store, name))
    return name


def _mark_installed(interpreter: Interpreter, source: PackageSource, folder: str) -> None:
    """What an installer leaves beside a wheel's files: its own name, and the programs in the list of files."""
    information = os.path.join(folder, f"{source.name}-{source.version}.dist-info")
    installer, record = os.path.join(information, "INSTALLER"), os.path.join(information, "RECORD")
    remove_tree(installer)
    write_file(installer, b"pip\n")
    lines = os.fsdecode(read_file(record)).splitlines()
    known = f"{os.path.basename(information)}/INSTALLER"
    kept = [line for line in lines if line and not line.startswith(("..", "/", known)) and not line.endswith(".pyc,,")]
    programs = _pip_programs(interpreter) if source.name == "pip" else ()
    remove_tree(record)
    added = [f"{known},,", *(f"../../../bin/{program},," for program in programs)]
    write_file(record, os.fsencode("\n".join([*kept, *added]) + "\n"))


def _compile(python: str, folder: str) -> None:
    """Compile every module, as installers do: pip starts in a third of the time. What does not compile is left as it is."""
    program = f"import compileall; compileall.compile_dir({folder!r}, quiet=2)"
    ask_interpreter(python, program)


def _pack(folder: str, archive: str) -> None:
    """One file instead of a thousand: it is read in one go for every job."""
    with open(archive, "xb") as file:  # noqa: PTH123 - pathlib is slow to import
        write_tar(lambda data: write_all(file.fileno(), data), folder, [folder])


# --- for each job ----------------------------------------------------------------------------------------------------


def _unpack(archive: str, folder: str) -> None:
    """With the times of the files, which compiled modules name."""
    make_folder(folder)
    source = os.open(archive, os.O_RDONLY | os.O_CLOEXEC)
    try:
        extract_tar(lambda size: os.read(source, size), folder, [folder])
    except ValueError as error:
        raise PrefixError(f"{archive} is damaged ({error}): remove it, it is made anew") from error
    finally:
        os.close(source)


def _join_scripts(place: Place, layout: _Layout) -> None:
    """Where the system's Python puts programs into a folder of its own (`local/bin`), that folder is `bin` itself."""
    if layout.scripts != "bin":
        scripts = place.at(layout.scripts)
        make_folder(os.path.dirname(scripts))
        os.symlink(os.path.relpath(place.at("bin"), os.path.dirname(scripts)), scripts)


def _pip_programs(interpreter: Interpreter) -> tuple[str, ...]:
    version = interpreter.version
    return "pip", f"pip{version.major}", f"pip{version.major}.{version.minor}"


def _write_pip(interpreter: Interpreter, place: Place) -> None:
    python = os.path.join(place.final, "bin", program_name(interpreter))
    for program in _pip_programs(interpreter):
        path = place.at("bin", program)
        write_program(path, script_start(python) + _PIP_PROGRAM)

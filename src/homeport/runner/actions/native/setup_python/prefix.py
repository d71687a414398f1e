"""Gives a job a Python of its own: a real prefix that it may write to, made in a fraction of the time of a virtual environment.

The first use of an interpreter proves that it can be moved (where it believes to be, where it installs to) and prepares what every job
gets: pip, unpacked and compiled. Both are kept in the tool cache.
"""

import hashlib
import os
import re
from collections.abc import Sequence

import msgspec

from homeport.runner.actions.native.setup_python.discovery import Interpreter, ask_interpreter
from homeport.runner.actions.native.setup_python.packages import (
    Packages,
    is_intact,
    pip_programs,
    place_packages,
    prepare_packages,
)
from homeport.runner.actions.native.setup_python.pip_source import find_pip, list_own, wheel_folder
from homeport.runner.actions.native.setup_python.skeleton import (
    Place,
    build_skeleton,
    program_name,
    script_start,
    write_program,
)
from homeport.runner.folders import make_folder, read_file, remove_tree, write_file

_FORMAT = "3"
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
    packages: Packages
    seen: str
    """a digest of the interpreters, wheels and packages among which pip was looked for"""


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
        place_packages(layout.packages, store, place.at(layout.site))
        _join_scripts(place, layout)
        _write_pip(interpreter, place)
        _move_into_place(building, target)
    finally:
        remove_tree(building)


def find_prepared_pip(interpreter: Interpreter, others: Sequence[Interpreter], tool_cache: str) -> tuple[int, ...]:
    """The version of the pip that the next prefix gets, where that is prepared already; empty where it is not."""
    store = os.path.join(tool_cache, "homeport-python", _identify(interpreter))
    layout = _read_layout(store, _digest_of(others, wheel_folder(tool_cache)))
    match = re.match(r"pip-([\d.]*\d)", layout.packages.folder) if layout is not None else None
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
    text = "\n".join(sorted([*(f"{each.label} {each.executable}" for each in others), *wheels, *list_own()]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read_layout(store: str, seen: str) -> _Layout | None:
    try:
        layout = msgspec.json.decode(read_file(os.path.join(store, "layout.json")), type=_Layout)
    except (OSError, msgspec.DecodeError):
        return None
    return layout if layout.seen == seen and is_intact(layout.packages, store) else None


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
        if pip is None:
            raise PrefixError(
                f"there is no pip on this machine that runs on Python {interpreter.label}: install one with it "
                "(Debian, Ubuntu: python3-pip; others: python -m ensurepip)"
            )
        packages = prepare_packages(interpreter, pip, store, work, python)
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
    except ValueError as error:
        raise PrefixError(f"the pip of this machine is damaged: {error}") from error
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


# --- for each job ----------------------------------------------------------------------------------------------------


def _join_scripts(place: Place, layout: _Layout) -> None:
    """Where the system's Python puts programs into a folder of its own (`local/bin`), that folder is `bin` itself."""
    if layout.scripts != "bin":
        scripts = place.at(layout.scripts)
        make_folder(os.path.dirname(scripts))
        os.symlink(os.path.relpath(place.at("bin"), os.path.dirname(scripts)), scripts)


def _write_pip(interpreter: Interpreter, place: Place) -> None:
    python = os.path.join(place.final, "bin", program_name(interpreter))
    for program in pip_programs(interpreter):
        path = place.at("bin", program)
        write_program(path, script_start(python) + _PIP_PROGRAM)

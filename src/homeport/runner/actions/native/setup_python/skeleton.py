"""Builds the bones of a private Python prefix: the interpreter itself, links to its own modules, and room for what the job installs.

`sys.prefix` follows from where the interpreter's real file and its modules are found (CPython `Modules/getpath.py`, "searching for the
prefix landmark"), so the file is copied and the folders are new, while every module in them is a link to the original. Packages that are
installed in the original are not linked: a job sees none of them, and none of its own reach the original.
"""

import os
import re
import stat

import msgspec

from homeport.runner.actions.file_copies import copy_entry
from homeport.runner.actions.native.setup_python.discovery import Interpreter
from homeport.runner.actions.native.setup_python.pip_source import standard_library
from homeport.runner.folders import make_folder, read_file, write_file

_LEFT_OUT = frozenset(
    {"site-packages", "dist-packages", "EXTERNALLY-MANAGED", "sitecustomize.py", "usercustomize.py", "__pycache__"}
)
_LIBRARIES = re.compile(r"lib(?:python|pypy)[\w.-]*\.(?:so[\d.]*|a|dylib)|(?:tcl|tk|itcl|thread|Tix)[\d.]*")
_PROGRAMS = re.compile(r"(?:2to3|idle|pydoc)[\d.-]*|python[\w.]*-config")
_SHARED = frozenset({"/usr", "/usr/local"})
"""Prefixes of more than Python: their paths cannot be told apart from other software's"""


class Place(msgspec.Struct, frozen=True):
    """Where a prefix is built, and where it will stand when it is complete (paths that are written into files name that)."""

    building: str
    final: str

    def at(self, *names: str) -> str:
        """A path in it while it is built."""
        return os.path.join(self.building, *names)


def build_skeleton(interpreter: Interpreter, place: Place) -> None:
    """Fill a folder that does not exist yet. Raises `OSError`."""
    library = standard_library(interpreter)
    relative = os.path.relpath(library, interpreter.prefix)
    make_folder(place.at("bin"))
    _link_modules(interpreter, library, place, relative)
    _link_headers(interpreter, place)
    _link_libraries(interpreter, place, os.path.basename(library))
    _make_programs(interpreter, place)


def _link_modules(interpreter: Interpreter, library: str, place: Place, relative: str) -> None:
    folder = place.at(relative)
    make_folder(os.path.join(folder, "site-packages"))
    for name in os.listdir(library):
        if name in _LEFT_OUT:
            continue
        if name.startswith("_sysconfig") and interpreter.prefix not in _SHARED:
            _write_settings(interpreter, os.path.join(library, name), os.path.join(folder, name), place)
        else:
            os.symlink(os.path.join(library, name), os.path.join(folder, name))
    _link_compiled(os.path.join(library, "__pycache__"), os.path.join(folder, "__pycache__"))


def _link_compiled(source: str, target: str) -> None:
    """Compiled modules one by one, so that new ones (those of `python -O`, say) are written to the private folder."""
    if not os.path.isdir(source):
        return
    make_folder(target)
    for name in os.listdir(source):
        if not name.startswith(("_sysconfig", "sitecustomize.", "usercustomize.")) and ".opt-" not in name:
            os.symlink(os.path.join(source, name), os.path.join(target, name))


def _write_settings(interpreter: Interpreter, source: str, target: str, place: Place) -> None:
    """What `sysconfig` knows from the build, with the private prefix in place of the original's."""
    content = read_file(source)
    write_file(target, content.replace(os.fsencode(interpreter.prefix), os.fsencode(place.final)))


def _link_headers(interpreter: Interpreter, place: Place) -> None:
    """One by one: packages with headers install them beside Python's own."""
    source = os.path.join(interpreter.prefix, "include")
    name = f"{'pypy' if interpreter.pypy else 'python'}{interpreter.short}"
    make_folder(place.at("include"))
    if not os.path.isdir(os.path.join(source, name)):
        return
    make_folder(place.at("include", name))
    for header in os.listdir(os.path.join(source, name)):
        os.symlink(os.path.join(source, name, header), place.at("include", name, header))


def _link_libraries(interpreter: Interpreter, place: Place, modules: str) -> None:
    source = os.path.join(interpreter.prefix, "lib")
    make_folder(place.at("lib"))
    if interpreter.prefix in _SHARED or not os.path.isdir(source):
        return
    for name in os.listdir(source):
        if name != modules and _LIBRARIES.fullmatch(name):
            os.symlink(os.path.join(source, name), place.at("lib", name))
    packages = os.path.join(source, "pkgconfig")
    if os.path.isdir(packages):
        make_folder(place.at("lib", "pkgconfig"))
        for name in os.listdir(packages):
            if name.startswith("python"):
                _write_settings(interpreter, os.path.join(packages, name), place.at("lib", "pkgconfig", name), place)


def _make_programs(interpreter: Interpreter, place: Place) -> None:
    source = os.path.realpath(interpreter.executable)
    name = program_name(interpreter)
    copy_entry(source, place.at("bin", name), os.stat(source))
    version = interpreter.version
    links = [f"python{version.major}.{version.minor}", f"python{version.major}", "python"]
    if interpreter.pypy:
        links += [f"pypy{version.major}", "pypy"]
    for link in links:
        if link != name:
            os.symlink(name, place.at("bin", link))
    os.symlink(f"bin/{name}", place.at("python"))
    folder = os.path.dirname(source)
    for program in os.listdir(folder):
        if interpreter.prefix not in _SHARED and _PROGRAMS.fullmatch(program):
            _copy_program(os.path.join(folder, program), place.at("bin", program), place.final + "/bin/" + name)
        elif interpreter.pypy and program.startswith(("libpypy", "libgdbm")):
            os.symlink(os.path.join(folder, program), place.at("bin", program))


def program_name(interpreter: Interpreter) -> str:
    """The name of the interpreter's real file in a prefix."""
    return f"{'pypy' if interpreter.pypy else 'python'}{interpreter.short}"


def _copy_program(source: str, target: str, python: str) -> None:
    """A script that comes with Python, made to be run by the private interpreter."""
    if not stat.S_ISREG(os.stat(source).st_mode):
        return
    content = read_file(source)
    first, _, rest = content.partition(b"\n")
    if first.startswith(b"#!") and b"python" in first:
        content = script_start(python) + rest
    write_program(target, content)


def write_program(path: str, content: bytes) -> None:
    """Write a script that its owner may run."""
    write_file(path, content)
    os.chmod(path, 0o700)


def script_start(python: str) -> bytes:
    """The first line of a script; kernels read 127 bytes of it and no blanks, so a long one goes through the shell."""
    if len(python) < 120 and " " not in python:
        return f"#!{python}\n".encode()
    return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n".encode()

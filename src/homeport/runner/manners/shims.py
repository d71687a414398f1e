"""Puts the small programs into a folder of Homeport's, once, and into the PATH of jobs."""

import os
import zlib

import msgspec

from homeport.ports.executor import JobPaths
from homeport.runner.folders import make_folder, remove_tree, write_file
from homeport.runner.manners.scripts import JOB_PYTHON, PIPX, PYTHON, SUDO

_PYTHONS = ("python", "python3", "pip", "pip3")
_FILES = {
    **{f"python/{name}": PYTHON for name in _PYTHONS},
    "job_python.py": JOB_PYTHON,
    "sudo/sudo": SUDO,
    "pipx/pipx": PIPX,
}


class Shims(msgspec.Struct, frozen=True):
    """The folder that holds them: read by jobs, never written by them."""

    folder: str

    def extend_path(self, path: str, paths: JobPaths, *, sudo_works: bool = True) -> str:
        """The PATH of a job on this machine: its own Python and what is installed for its user first, what stands in for missing
        programs last. Where a setuid program cannot work (in a sandbox) our `sudo` goes before the machine's.
        """
        first = (f"{os.path.dirname(paths.temp)}/_python/bin", f"{self.folder}/python", f"{paths.home}/.local/bin")
        sudo = f"{self.folder}/sudo"
        middle = (path, sudo) if sudo_works else (sudo, path)
        return ":".join((*first, *middle, f"{self.folder}/pipx"))


def install_shims(home: str) -> Shims:
    """The programs below `home` (HOMEPORT_HOME), put there if need be: whole or not at all. Safe to call at the same time.

    The folder's name changes with what is in it, so that an older Homeport keeps its own. Raises `OSError`.
    """
    shims = Shims(f"{home}/manners/{_digest()}")
    if not os.path.isdir(shims.folder):
        _install(shims.folder)
    return shims


def _digest() -> str:
    text = "".join(f"{name}\n{content}" for name, content in _FILES.items())
    return f"{zlib.crc32(text.encode()):08x}"


def _install(folder: str) -> None:
    building = f"{folder}.{os.urandom(4).hex()}.new"
    make_folder(building)
    try:
        for name, content in _FILES.items():
            path = f"{building}/{name}"
            make_folder(os.path.dirname(path))
            write_file(path, content.encode())
            os.chmod(path, 0o755)  # noqa: S103 - they are programs, for jobs that may run as somebody else
        os.rename(building, folder)
    except OSError:
        remove_tree(building)
        if not os.path.isdir(folder):  # else another process has put it there meanwhile
            raise

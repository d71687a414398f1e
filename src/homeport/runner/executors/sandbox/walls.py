"""Says what a sandboxed job sees of this machine: everything that is not named here is not there.

Paths are the same inside and outside, so nothing needs to be translated.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

import homeport
from homeport.ports.executor import JobPaths
from homeport.runner.executors.sandbox.etc import Etc
from homeport.runner.executors.sandbox.limits import Limits

USER_ID = 1001
"""of the job's processes inside, as on GitHub's machines"""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_CERTIFICATE_VARIABLES = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "UV_CONFIG_FILE",
]
_PYTHONS = (".pyenv/versions", ".local/share/uv/python", ".local/share/mise/installs/python", ".asdf/installs/python")
"""Below the user's home: where installers put Pythons, and nothing else"""


_OF_THE_KERNEL = ("sys", "irq", "bus", "acpi", "fs", "scsi", "driver", "mtrr", "sysrq-trigger", "dynamic_debug")
"""Of /proc: what the superuser may write without any capability, and it is the number of the user that decides"""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for all jobs of a run. `readable` are paths that are shown as they are, not to be written."""

    home: str
    """the home folder of the user who runs Homeport: its name is known inside, what is in it is not"""
    environment: Mapping[str, str]
    tool_cache: str
    readable: tuple[str, ...] = ()
    repository: tuple[str, ...] = ()
    """of the running repository's git folder, what git needs to read history (never its configuration)"""
    etc: Etc
    network: bool
    limits: Limits
    in_place: str | None = None
    protected: tuple[str, ...] = ()
    """what may not be written in a working tree that jobs run in: its git folder"""


def list_arguments(view: View, paths: JobPaths, *, extra: Sequence[str] = ()) -> list[str]:
    """The arguments of bubblewrap up to its descriptors and the command. `extra` are shown for reading too."""
    readable = (*view.readable, *find_readable(view), *view.repository, *extra)
    shown = [word for path in _without_inner(readable, _SYSTEM) for word in ("--ro-bind-try", path, path)]
    return [
        *_unshare(view), *_make_private(view), *_protect_kernel(), *_show_system(), *shown, *_show_job(view, paths),
        "--remount-ro", "/", "--chdir", "/",
    ]  # fmt: skip


def _unshare(view: View) -> list[str]:
    arguments = [
        "--unshare-user", "--uid", str(USER_ID), "--gid", str(USER_ID),
        "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL",
    ]  # fmt: skip
    return arguments if view.network else [*arguments, "--unshare-net"]


def _show_system() -> list[str]:
    arguments: list[str] = []
    for path in _SYSTEM:
        if os.path.islink(path):
            arguments += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            arguments += ["--ro-bind", path, path]
    return arguments


def _protect_kernel() -> list[str]:
    """Where Homeport runs as root, the kernel still takes the job's processes for root's where it asks for nothing but that."""
    if os.getuid() != 0:
        return []
    paths = [f"/proc/{name}" for name in _OF_THE_KERNEL if os.path.exists(f"/proc/{name}")]
    return [word for path in paths for word in ("--ro-bind", path, path)]


def _make_private(view: View) -> list[str]:
    """The job's own file systems. They go first: something that is shown may lie below them."""
    shared, temporary = "/dev/shm", "/tmp"  # noqa: S108 - of the sandbox
    size = str(view.limits.tmp or 1 << 50)
    return [
        "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", size, "--tmpfs", shared,
        "--perms", "1777", "--size", size, "--tmpfs", temporary, "--dir", "/run", "--dir", "/var", "--symlink", temporary, f"/var{temporary}",
        "--symlink", "/run", "/var/run", "--remount-ro", "/dev",
    ]  # fmt: skip


def _show_job(view: View, paths: JobPaths) -> list[str]:
    """The job's own folders. Those that the runner writes to are mounted by themselves: no job can put a link in the place of a mount."""
    own = f"{paths.root}/_sandbox"
    arguments = ["--ro-bind", view.etc.folder, "/etc"]
    for name in view.etc.mounted:
        arguments += ["--ro-bind", f"/etc/{name}", f"/etc/{name}"]
    arguments += ["--bind", paths.root, paths.root]
    for folder in (os.path.dirname(paths.workspace), paths.temp, paths.commands):
        if folder.startswith(paths.root + "/"):
            arguments += ["--bind", folder, folder]
    for folder in (paths.actions, own):
        arguments += ["--ro-bind", folder, folder]
    if view.in_place is not None:
        arguments += ["--bind", view.in_place, view.in_place]
    for path in view.protected:
        arguments += ["--ro-bind-try", path, path]
    return arguments


# --- what else may be read -------------------------------------------------------------------------------------------


def find_readable(view: View) -> Iterator[str]:
    """Programs that jobs find on their PATH or that actions choose from, Homeport's own code, and certificates."""
    yield from _find_programs(view)
    yield from list_own_code()
    yield view.tool_cache
    yield view.environment.get("AGENT_TOOLSDIRECTORY", "")
    yield "/opt/hostedtoolcache"
    for name in _CERTIFICATE_VARIABLES:
        yield view.environment.get(name, "")


def _find_programs(view: View) -> Iterator[str]:
    for folder in view.environment.get("PATH", "").split(":"):
        # what manages versions of tools keeps shims on the PATH, which need the rest of it
        wanted = os.path.dirname(folder) if os.path.basename(folder) == "shims" else folder
        if wanted not in {view.home, "/"} and not view.home.startswith(wanted.rstrip("/") + "/"):
            yield wanted
    for name in _PYTHONS:
        yield f"{view.home}/{name}"
    yield view.environment.get("UV_PYTHON_INSTALL_DIR", "")
    if root := view.environment.get("PYENV_ROOT", ""):
        yield f"{root}/versions"


def list_own_code() -> list[str]:
    """What the programs of Homeport that run inside need: its interpreter, its code, the folder of its libraries."""
    code, libraries = list_library_folders()
    places = [sys.base_prefix, f"{code}/homeport", libraries]
    return [place for place in places if place not in {"/usr", "/usr/local", "/"}]


def list_library_folders() -> tuple[str, str]:
    """What `sys.path` of such a program must name besides the standard library."""
    above = os.path.dirname
    return above(above(os.path.abspath(homeport.__file__))), above(above(os.path.abspath(msgspec.__file__)))


def find_own_python() -> str:
    """The interpreter that runs Homeport, not the virtual environment around it."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def _without_inner(paths: Iterable[str], shown: Sequence[str]) -> Iterator[str]:
    """Each once, and none below another; absolute ones that exist."""
    known = [os.path.normpath(path) for path in shown]
    wanted = {os.path.normpath(path) for path in paths if path.startswith("/") and os.path.exists(path)} - {"/"}
    for path in sorted(wanted):
        if not any(path == other or path.startswith(other + "/") for other in known):
            known.append(path)
            yield path

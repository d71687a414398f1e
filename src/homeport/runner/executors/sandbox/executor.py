"""Carries out jobs behind a wall: namespaces, a view of the machine without its secrets, no privileges, limits.

Bubblewrap builds it, once for each job; the commands of the job are started inside by a small supervisor (`supervisor.py`).
What this protects from, and what it does not, is stated in `docs/security.md`.
"""

import os
import pwd
import resource
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count

import msgspec

from homeport.git.discovery import Layout, bare_layout, find_layout, read_small_file
from homeport.ports.executor import JobPaths
from homeport.ports.peer import JobOrder
from homeport.runner.environment import pick_variables
from homeport.runner.executors.sandbox.cgroups import JobGroup, open_group
from homeport.runner.executors.sandbox.disk_watch import DiskWatch
from homeport.runner.executors.sandbox.environment import SandboxJobEnvironment
from homeport.runner.executors.sandbox.etc import install_etc
from homeport.runner.executors.sandbox.launch import Launched, list_supervisor_words
from homeport.runner.executors.sandbox.limits import Limits
from homeport.runner.executors.sandbox.tool_cache import link_tools
from homeport.runner.executors.sandbox.walls import USER_ID, View, list_arguments
from homeport.runner.executors.sandbox.wards import Wards
from homeport.runner.folders import make_folder, remove_tree, write_file
from homeport.runner.manners.shims import Shims
from homeport.runner.manners.variables import hosted_variables

_GIT_PARTS = ("HEAD", "objects", "packed-refs", "refs", "shallow")


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the user chose. `program` is bubblewrap; all paths are absolute."""

    program: str
    work_folder: str
    state_folder: str
    """for what is made once for all runs"""
    tool_cache: str
    source: str
    """the repository's working tree"""
    limits: Limits
    network: bool = True
    readable: tuple[str, ...] = ()
    in_place: bool = False


class SandboxExecutor:
    """The `sandbox` executor. Thread-safe. `tell` is called once, with a sentence for the user, where limits cannot be held."""

    name = "sandbox"

    def __init__(
        self,
        settings: SandboxSettings,
        *,
        host_environment: Mapping[str, str],
        pass_names: Collection[str] = (),
        shims: Shims | None = None,
        tell: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._variables = pick_variables(host_environment, pass_names)
        self._shims = shims
        self._tell = tell
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._views: dict[str, View] = {}

    def open(self, order: JobOrder, root: str = "") -> SandboxJobEnvironment:
        """Make the folders of a job, or take those that one before it left, and begin to build its sandbox. Raises `OSError`."""
        paths = self._take_paths(order, root) if root else self._make_paths(order)
        try:
            group = open_group(f"homeport-{os.path.basename(paths.root)}", self._settings.limits)
            write_file(f"{paths.root}/_sandbox/cgroups", "\n".join(group.folders).encode())
            wards = Wards(group, DiskWatch(paths.root, self._settings.limits.spare), self._list_limits(group))
            view = self._find_view(order.source)

            def build(shown: Sequence[str]) -> Launched:
                arguments = list_arguments(view, paths, extra=shown)
                return Launched(self._settings.program, arguments, list_supervisor_words())

            environment = self._make_environment(paths)
            return SandboxJobEnvironment(paths, self._settings.tool_cache, environment, build, wards)
        except BaseException:
            remove_tree(paths.root)
            raise

    def _find_paths(self, order: JobOrder, root: str) -> JobPaths:
        repository = str(order.github.get("repository") or "workspace").rpartition("/")[2] or "workspace"
        return JobPaths(
            root=root,
            workspace=self._settings.source if self._settings.in_place else f"{root}/{repository}/{repository}",
            temp=f"{root}/_temp",
            home=f"{root}/_home",
            tool_cache=f"{root}/_tools",
            actions=f"{root}/_actions",
            commands=f"{root}/_commands",
        )

    def _take_paths(self, order: JobOrder, root: str) -> JobPaths:
        """Its tools are what the job had, links to the machine's and its own."""
        from homeport.runner.executors.taken import take_again  # noqa: PLC0415 - few jobs go on in folders of others

        paths = self._find_paths(order, root)
        take_again(paths)
        own = f"{root}/_sandbox"
        remove_tree(own)
        os.mkdir(own)
        return paths

    def _make_paths(self, order: JobOrder) -> JobPaths:
        root = self._make_root()
        paths = self._find_paths(order, root)
        own = f"{root}/_sandbox"
        make_folder(self._settings.tool_cache)
        for folder in (paths.temp, paths.home, paths.tool_cache, paths.actions, paths.commands, own):
            os.mkdir(folder)
        if not self._settings.in_place:
            make_folder(paths.workspace)
        link_tools(self._settings.tool_cache, paths.tool_cache)
        return paths

    def _make_root(self) -> str:
        """A short path: sockets below `RUNNER_TEMP` may have 107 bytes."""
        folder = self._settings.work_folder
        make_folder(folder)
        while True:
            root = f"{folder}/{os.getpid()}-s{next(self._numbers)}"
            try:
                os.mkdir(root, 0o700)
            except FileExistsError:
                continue  # left by another process of this number
            return root

    def _make_environment(self, paths: JobPaths) -> dict[str, str]:
        variables = {**hosted_variables(self._variables, paths), **self._variables, "USER": "runner"}
        if self._shims is not None:
            variables["PATH"] = self._shims.extend_path(variables["PATH"], paths, sudo_works=False)
        return {**variables, "HOME": paths.home, "RUNNER_TRACKING_ID": f"github_{os.urandom(16).hex()}"}

    def _list_limits(self, group: JobGroup) -> dict[int, int]:
        """Limits of single processes, also for what control groups do not hold here."""
        limits = self._settings.limits
        wanted = {"memory": limits.memory, "pids": limits.processes, "cpu": int(limits.cpu > 0)}
        missing = {name for name, value in wanted.items() if value and name not in group.controllers}
        self._say_what_is_missing(missing)
        found = {
            # one byte: the kernel then does not start the machine's own program for core dumps either (core(5))
            resource.RLIMIT_CORE: 1,
            resource.RLIMIT_FSIZE: limits.file,
            resource.RLIMIT_DATA: limits.memory if "memory" in missing else 0,
            resource.RLIMIT_NPROC: limits.processes if "pids" in missing else 0,
        }
        return {kind: value for kind, value in found.items() if value}

    def _say_what_is_missing(self, missing: set[str]) -> None:
        with self._lock:
            tell, self._tell = self._tell, _say_nothing
        if not missing:
            self._tell = tell
            return
        names = {"memory": "memory", "pids": "processes", "cpu": "cpu"}
        listed = ", ".join(names[name] for name in sorted(missing))
        tell(
            f"no control groups can be made here for: {listed}. Single processes are limited instead, not the job as a whole "
            "(CPU time not at all). `systemd-run --user --scope homeport run …` gives Homeport groups of its own"
        )

    def _find_view(self, hosted: str) -> View:
        """`hosted` is the bare repository of a server's job, which sees that one and no other."""
        with self._lock:
            if hosted not in self._views:
                self._views[hosted] = self._make_view(bare_layout(hosted) if hosted else None)
            return self._views[hosted]

    def _make_view(self, hosted: Layout | None) -> View:
        settings = self._settings
        repository, git_dir = _find_repository(find_layout(settings.source) if hosted is None else hosted)
        in_place = settings.source if settings.in_place else None
        return View(
            home=pwd.getpwuid(os.getuid()).pw_dir,
            environment=self._variables,
            tool_cache=settings.tool_cache,
            readable=(*settings.readable, *([self._shims.folder] if self._shims is not None else [])),
            repository=repository,
            etc=install_etc(settings.state_folder, _write_accounts()),
            network=settings.network,
            limits=settings.limits,
            in_place=in_place,
            protected=(git_dir,) if in_place is not None and git_dir else (),
        )


def _write_accounts() -> dict[str, bytes]:
    """The one user there is. His home by this list is where the user's own is: programs and actions look for tools there."""
    home = pwd.getpwuid(os.getuid()).pw_dir
    return {
        "passwd": (
            "root:x:0:0:root:/root:/bin/sh\n"
            f"runner:x:{USER_ID}:{USER_ID}:runner:{home}:/bin/bash\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
        ).encode(),
        "group": f"root:x:0:\nrunner:x:{USER_ID}:\nnogroup:x:65534:\n".encode(),
    }


def _say_nothing(_: str) -> None:
    """It has been said."""


def _find_repository(layout: Layout | None) -> tuple[tuple[str, ...], str]:
    """What git needs of the repository to read history, and what stands as `.git` in its working tree."""
    if layout is None:
        return (), ""
    parts = [f"{layout.common_dir}/{name}" for name in _GIT_PARTS]
    alternates = read_small_file(f"{layout.common_dir}/objects/info/alternates") or ""
    parts += [os.path.join(layout.common_dir, "objects", line) for line in alternates.splitlines() if line]
    return tuple(parts), f"{layout.work_tree}/.git"

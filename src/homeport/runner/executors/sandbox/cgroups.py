"""Holds a job to its limits with control groups, of version 2 or 1, where this machine lets us make some.

Sources: the kernel's documentation, "Control Group v2" and "Control Groups version 1"; a group is made beside or below our own, for
which either root or delegation (systemd's user sessions have it) is needed.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from homeport.runner.executors.sandbox.limits import Limits

ROOT = "/sys/fs/cgroup"
_PERIOD = 100_000
"""microseconds over which CPU time is counted"""
_ROUNDS = 50


class _Place(msgspec.Struct, frozen=True):
    """A folder in which groups can be made: the controllers that work there, and the version of their interface."""

    folder: str
    controllers: tuple[str, ...]
    version: int


class JobGroup:
    """The groups of one job. Used by the job's thread, but for `find_breaches`, which any may ask."""

    def __init__(self, name: str, limits: Limits, places: "list[_Place]") -> None:
        self._limits = limits
        self._known: dict[str, int] = {}
        self.folders: list[str] = []
        self.controllers: set[str] = set()
        self._versions: dict[str, int] = {}
        for place in places:
            folder = f"{place.folder}/{name}"
            try:
                os.mkdir(folder)
            except OSError:
                continue
            self.folders.append(folder)
            self._versions[folder] = place.version
            for controller in place.controllers:
                if _limit(folder, controller, place.version, limits):
                    self.controllers.add(controller)

    def add(self, pid: int) -> None:
        """Put a process into all groups, and with it all that it starts from now on. Raises `OSError`."""
        for folder in self.folders:
            _write(f"{folder}/cgroup.procs", str(pid))

    def kill(self) -> None:
        """End all processes in the group at once, where the kernel can."""
        for folder in self.folders:
            if os.path.exists(f"{folder}/cgroup.kill"):
                _write(f"{folder}/cgroup.kill", "1")

    def find_breaches(self) -> tuple[str, ...]:
        """Which limits were hit since the last call, as words for the user."""
        found = []
        for folder in self.folders:
            for file, key, words in (
                ("memory.events", "oom_kill", self._memory_words),
                ("memory.oom_control", "oom_kill", self._memory_words),
                ("pids.events", "max", self._process_words),
            ):
                count = _read_count(f"{folder}/{file}", key)
                if count > self._known.get(folder + file, 0):
                    self._known[folder + file] = count
                    found.append(words)
        return tuple(dict.fromkeys(found))

    @property
    def _memory_words(self) -> str:
        return f"its memory limit of {show_size(self._limits.memory)} was reached, and a process was ended (--limit memory=…)"

    @property
    def _process_words(self) -> str:
        return f"its limit of {self._limits.processes} processes and threads was reached (--limit processes=…)"

    def close(self) -> None:
        """Remove the groups: their processes have ended, which the kernel takes a moment to notice. Raises `OSError`."""
        for folder in self.folders:
            _remove(folder)


def open_group(name: str, limits: Limits, *, root: str = ROOT, membership: str = "/proc/self/cgroup") -> JobGroup:
    """Make a job's groups: as many as this machine lets us."""
    wanted = [("memory", limits.memory), ("pids", limits.processes), ("cpu", limits.cpu)]
    return JobGroup(name, limits, list(_find_places({name for name, value in wanted if value}, root, membership)))


def remove_groups(folders: "list[str]") -> None:
    """Remove the groups that a dead process left."""
    for folder in folders:
        if folder.startswith(f"{ROOT}/"):
            with suppress(OSError):
                _remove(folder)


def _find_places(wanted: set[str], root: str, membership: str) -> "Iterator[_Place]":
    """Version 1 has a tree for each controller; in version 2 one group has all of them."""
    for line in _read(membership).splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if names:
            for name in wanted.intersection(names.split(",")):
                # tests of systems in containers see the path of the outer system: the group of the tree's root is our own then
                below = [root + f"/{name}{path}".rstrip("/"), f"{root}/{name}"]
                folder = next((each for each in below if os.path.isdir(each)), None)
                if folder is not None:
                    yield _Place(folder, (name,), 1)
        else:
            base = root if os.path.exists(f"{root}/cgroup.controllers") else f"{root}/unified"
            yield from _find_unified(wanted, base, path)


def _find_unified(wanted: set[str], base: str, path: str) -> "Iterator[_Place]":
    """Below our own group where that can be divided (it may not have processes then, unless it is the root), else beside it."""
    own = base + path.rstrip("/")
    for folder in (own, os.path.dirname(own) if path.rstrip("/") else own):
        available = set(_read(f"{folder}/cgroup.controllers").split())
        enabled = set(_read(f"{folder}/cgroup.subtree_control").split())
        for name in sorted((wanted & available) - enabled):
            try:
                _write(f"{folder}/cgroup.subtree_control", f"+{name}")
            except OSError:
                continue
            enabled.add(name)
        if enabled & wanted and os.access(folder, os.W_OK):
            yield _Place(folder, tuple(sorted(enabled & wanted)), 2)
            return


def _limit(folder: str, controller: str, version: int, limits: Limits) -> bool:
    """Whether the limit could be set."""
    match controller, version:
        case "memory", 2:
            files = {"memory.max": str(limits.memory), "memory.swap.max": "0"}
        case "memory", _:
            files = {"memory.limit_in_bytes": str(limits.memory), "memory.memsw.limit_in_bytes": str(limits.memory)}
        case "pids", _:
            files = {"pids.max": str(limits.processes)}
        case _, 2:
            files = {"cpu.max": f"{int(limits.cpu * _PERIOD)} {_PERIOD}"}
        case _:
            files = {"cpu.cfs_period_us": str(_PERIOD), "cpu.cfs_quota_us": str(int(limits.cpu * _PERIOD))}
    is_first = True
    for name, value in files.items():
        try:
            _write(f"{folder}/{name}", value)
        except OSError:
            if is_first:
                return False  # swap is not counted everywhere; what a group is there for must be
        is_first = False
    return True


def _remove(folder: str) -> None:
    import select  # noqa: PLC0415 - to wait with, where there is something to wait for

    for _ in range(_ROUNDS):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            select.select((), (), (), 0.02)
        else:
            return
    os.rmdir(folder)


def _read_count(path: str, key: str) -> int:
    for line in _read(path).splitlines():
        name, _, number = line.partition(" ")
        if name == key and number.isdigit():
            return int(number)
    return 0


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 1 << 16).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def show_size(size: int) -> str:
    """`512 MiB`, `4 GiB`."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"

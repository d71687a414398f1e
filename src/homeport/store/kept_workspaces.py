"""Keeps the folders of failed jobs where they are, each with a record of what it is, until its time is over.

    kept/<number>.json     a `KeptWorkspace`
    kept/<number>.memory   what the runner has to know to go on in it
    kept/<number>.taken-<process id>   the record of one that a job goes on in

`<number>` is made of the run, the attempt and the job. The folder itself stays in its place: what is in it knows its own path.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import msgspec

from homeport.ports.clock import Clock
from homeport.ports.kept_workspaces import KeptWorkspace
from homeport.ports.repositories import StoreError
from homeport.store.folder import listed, make_folder, read_file, remove_tree, unlink, write_file

_MOST = 20
"""So many are kept at most; the oldest go first"""
_LEAST_FREE = 0.1
"""Nothing is kept where less of the file system is free"""
_RECORD, _MEMORY, _TAKEN = ".json", ".memory", ".taken-"


def measure_free(folder: str) -> float:
    """How much of a folder's file system is free, from 0 to 1."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0.0
    return found.f_bavail / max(found.f_blocks, 1)


class FolderKeptWorkspaces:
    """The `KeptWorkspaces` of one runner's home. `free` says how much of a folder's file system is free; `remove` removes a folder."""

    def __init__(
        self,
        home: str,
        clock: Clock,
        *,
        free: Callable[[str], float] = measure_free,
        remove: Callable[[str], None] = remove_tree,
    ) -> None:
        self._home = home
        self._remove_folder = remove
        self._folder = os.path.join(home, "kept")
        self._clock = clock
        self._free = free

    def find(self, run: str, attempt: int, job: str) -> KeptWorkspace | None:
        """None where its time is over, too."""
        found = self._read(_number(run, attempt, job) + _RECORD)
        return None if found is None or found.until <= self._clock.now() else found

    def list(self, run: str) -> Sequence[KeptWorkspace]:
        """In no order."""
        now = self._clock.now()
        return [each for each in self._list(run) if each.until > now]

    def _list(self, run: str) -> Sequence[KeptWorkspace]:
        names = [name for name in listed(self._folder) if name.endswith(_RECORD) and name.startswith(f"{run}-")]
        return [each for name in names if (each := self._read(name)) is not None]

    def keep(self, workspace: KeptWorkspace, memory: bytes) -> bool:
        """The record comes last: where it is, everything is."""
        if self._free(self._home) < _LEAST_FREE:
            return False
        make_folder(self._folder)
        path = self._path(_number(workspace.run, workspace.attempt, workspace.job))
        unlink(path + _MEMORY)
        write_file(path + _MEMORY, memory)
        unfinished = f"{path}.new-{os.getpid()}"
        unlink(unfinished)
        write_file(unfinished, msgspec.json.encode(workspace))
        os.rename(unfinished, path + _RECORD)
        return True

    def take(self, run: str, attempt: int, job: str) -> tuple[KeptWorkspace, bytes] | None:
        """By renaming its record."""
        number = _number(run, attempt, job)
        if self.find(run, attempt, job) is None:
            return None
        taken = self._take(number)
        memory = read_file(self._path(number) + _MEMORY)
        if taken is None or memory is None:
            return None
        return taken, memory

    def forget(self, run: str) -> None:
        """Folders too."""
        for workspace in self._list(run):
            number = _number(workspace.run, workspace.attempt, workspace.job)
            if self._take(number) is not None:
                self._remove(workspace, number, f"{number}{_TAKEN}{os.getpid()}")

    def drop(self, workspace: KeptWorkspace) -> None:
        """Nobody finds its folder any more."""
        path = self._path(_number(workspace.run, workspace.attempt, workspace.job))
        unlink(path + _MEMORY)
        unlink(f"{path}{_TAKEN}{os.getpid()}")

    def roots(self) -> Iterator[str]:
        """The folders that are kept, or that a living process goes on in: whoever clears up after the dead leaves them alone."""
        for name in listed(self._folder):
            number = name.partition(_TAKEN)[2]
            if name.endswith(_RECORD) or (number and _is_alive(number)):
                found = self._read(name)
                if found is not None:
                    yield found.root

    def sweep(self) -> None:
        """Remove what is to go: its time is over, it is one too many, the disk is full, or the process that went on in it is dead."""
        now = self._clock.now()
        kept: list[tuple[KeptWorkspace, str]] = []
        for name in listed(self._folder):
            stem, _, process = name.partition(_TAKEN)
            found = self._read(name) if name.endswith(_RECORD) or (process and not _is_alive(process)) else None
            if found is not None and process:
                self._remove(found, stem, name)
            elif found is not None:
                kept.append((found, stem.removesuffix(_RECORD)))
        kept.sort(key=lambda each: each[0].until, reverse=True)
        for position, (workspace, number) in enumerate(kept):
            is_over = workspace.until <= now or position >= _MOST
            is_oldest = position == len(kept) - 1
            if (is_over or (is_oldest and self._free(self._home) < _LEAST_FREE)) and self._take(number) is not None:
                self._remove(workspace, number, f"{number}{_TAKEN}{os.getpid()}")

    def _remove(self, workspace: KeptWorkspace, number: str, record: str) -> None:
        with suppress(OSError):  # what cannot be removed is tried again when a runner starts next
            self._remove_folder(workspace.root)
        unlink(self._path(number) + _MEMORY)
        unlink(self._path(record))

    def _take(self, number: str) -> KeptWorkspace | None:
        """Who renames it has it."""
        path = self._path(number)
        taken = f"{path}{_TAKEN}{os.getpid()}"
        try:
            os.rename(path + _RECORD, taken)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}") from error
        return self._read(os.path.basename(taken))

    def _read(self, name: str) -> KeptWorkspace | None:
        """None where somebody has just taken it, or it is of another version."""
        try:
            return msgspec.json.decode(read_file(self._path(name)) or b"", type=KeptWorkspace)
        except msgspec.DecodeError:
            return None

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)


def _number(run: str, attempt: int, job: str) -> str:
    return f"{run}-{attempt}-{hashlib.sha256(job.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True

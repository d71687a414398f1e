"""Finds the commits of published actions, and keeps their files, in the folder store: `HOMEPORT_HOME/actions`.

    trees/<commit>/           the files of a commit (`action_trees`)
    known/<place>/<ref>       what a ref of a place stood for when it was last asked
    locks/<place>             held while a place is asked and fetched from
    new/                      what is growing

A branch or tag is asked for once in a run, a full commit id only while it is not here. Where a place cannot be reached, what was known
last is used, and that is said. (GitHub docs, "Reuse workflows": a tag comes before a branch of the same name.)
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import sleep
from typing import TypeVar

import msgspec

from homeport.archive.destination import CorruptArchiveError, UnsafeArchiveError
from homeport.archive.tar_reader import extract_tar
from homeport.git.discovery import find_layout
from homeport.git.refs import is_id
from homeport.git.remote import FoundRef, RemoteGit, RemoteGitError, RemoteGitStoppedError
from homeport.ports.action_sources import Resolution, SourceError, SourceStoppedError
from homeport.ports.clock import Clock
from homeport.store.action_locations import Location, Locations
from homeport.store.action_trees import (
    ActionTrees,
    CopyStoppedError,
    DamagedTreeError,
    copy_plain_folder,
    digest_files,
    sweep,
)
from homeport.store.folder import file_name, make_folder, read_file, remove_tree, try_hold, write_file

_WAIT_SECONDS = 0.02
_OFFLINE = "are you online? `--action-source` names mirrors and folders to use instead"
_Stopped = Callable[[], bool]
_Answer = TypeVar("_Answer")


class _Known(msgspec.Struct, frozen=True):
    commit: str
    full_ref: str


class _UnreachableError(Exception):
    """A place that does not answer."""


class FolderActions:
    """An `ActionSources`. `environment` is what git gets: PATH, HOME (for `~/.netrc`), proxies and certificates."""

    def __init__(self, home: str, locations: Locations, environment: Mapping[str, str], clock: Clock) -> None:
        self._folder = os.path.join(home, "actions")
        self._trees = ActionTrees(os.path.join(self._folder, "trees"), clock)
        self._clock = clock
        self._locations = locations
        self._environment = environment
        self._answers: dict[tuple[str, str, str], Resolution] = {}
        self._unreachable: dict[tuple[str, str], str] = {}
        """what was said by whom, in which run: nobody is asked again in vain"""
        self._copied: set[tuple[str, str]] = set()
        """folders of jobs, which have names of their own"""
        self._guard = threading.Lock()
        self._locks: dict[tuple[str, str, str], threading.Lock] = {}

    # --- the port ----------------------------------------------------------------------------------------------------

    def resolve(
        self, repository: str, ref: str, *, run: str, commit: str | None = None, is_stopped: _Stopped
    ) -> Resolution:
        """One thread asks for a ref of a run; others wait for its answer."""
        key = (run, repository.lower(), ref)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        while not lock.acquire(timeout=_WAIT_SECONDS):
            if is_stopped():
                raise SourceStoppedError
        try:
            if key not in self._answers:
                self._answers[key] = self._find(repository, ref, run, commit, is_stopped)
            return msgspec.structs.replace(self._answers[key], repository=repository)
        finally:
            lock.release()

    def copy(self, resolution: Resolution, below: str, path: str, *, is_stopped: _Stopped) -> None:
        """A damaged tree is dropped, and fetched once more."""
        if (below, path) in self._copied:
            return
        try:
            try:
                self._trees.copy(resolution.commit, below, path, is_stopped)
            except DamagedTreeError as error:
                self._mend(resolution, error, is_stopped)
                self._trees.copy(resolution.commit, below, path, is_stopped)
            self._copied.add((below, path))
        except CopyStoppedError as error:
            raise SourceStoppedError from error
        except DamagedTreeError as error:
            raise SourceError(f"what is kept of {resolution.repository} is damaged: {error}") from error

    def read(self, resolution: Resolution, path: str, *, is_stopped: _Stopped) -> bytes | None:
        """A damaged tree is dropped, and fetched once more."""
        try:
            return self._trees.read(resolution.commit, path)
        except DamagedTreeError as error:
            self._mend(resolution, error, is_stopped)
            return self._trees.read(resolution.commit, path)

    # --- asking ------------------------------------------------------------------------------------------------------

    def _find(self, repository: str, ref: str, run: str, commit: str | None, is_stopped: _Stopped) -> Resolution:
        if commit is not None and self._trees.has(commit):
            return Resolution(repository=repository, ref=ref, commit=commit)
        wanted = commit if commit is not None and is_id(commit) else ref
        try:
            found = self._ask_all(repository, wanted, run, is_stopped)
        except RemoteGitStoppedError as error:
            raise SourceStoppedError from error
        if commit is not None and found.commit != commit:
            raise SourceError(
                f"{repository}@{ref} was {commit} in the attempt before, which cannot be had any more",
                "run all jobs again to use what the ref stands for now",
            )
        return msgspec.structs.replace(found, ref=ref)

    def _ask_all(self, repository: str, ref: str, run: str, is_stopped: _Stopped) -> Resolution:
        has_repository = False
        for location in self._locations.list(repository, ref):
            with self._locked(location, is_stopped):
                try:
                    found = self._ask(location, ref, run, is_stopped)
                except _UnreachableError as error:
                    return self._recall(location, repository, ref, str(error))
                except RemoteGitError as error:
                    if error.trouble == "missing":
                        continue
                    raise SourceError(f"{location.address}: {error}") from error
                has_repository = True
                if found is not None:
                    return Resolution(repository=repository, ref=ref, commit=found.commit, full_ref=found.name)
        if has_repository:
            raise SourceError(
                f"Unable to resolve action `{repository}@{ref}`, unable to find version `{ref}`",
                "a commit has to be written in full" if _looks_like_commit(ref) else None,
                is_final=True,
            )
        raise SourceError(
            f"Unable to resolve action. Repository not found: {repository}",
            f"looked for in {self._locations.describe()}; a private one needs an entry for its host in ~/.netrc",
            is_final=True,
        )

    def _ask(self, location: Location, ref: str, run: str, is_stopped: _Stopped) -> FoundRef | None:
        """What the ref is here, its files kept; None where there is no such ref. Raises `RemoteGitError`, `_UnreachableError`."""
        git = RemoteGit(self._environment, is_stopped)
        if location.is_folder:
            found = self._ask_folder(git, location, ref, is_stopped)
        elif is_id(ref):
            found = self._ask_for_commit(git, location, ref, run)
        else:
            found = self._ask_for_ref(git, location, ref, run)
        if found is not None:
            self._remember(location, ref, found)
        return found

    def _ask_folder(self, git: RemoteGit, location: Location, ref: str, is_stopped: _Stopped) -> FoundRef | None:
        layout = None if location.is_snapshot else _find_git(location.address)
        if layout is None:
            return self._keep_snapshot(location, is_stopped)
        git_dir, objects = layout
        found = git.find_commit(git_dir, [*_full_names(ref), f"refs/remotes/origin/{ref}"])
        if found is not None and not self._trees.has(found.commit):
            with self._growing() as new:
                git.borrow(objects, f"{new}/git", is_sha256=len(found.commit) == 64)
                self._unpack(git, new, found.commit)
        return found

    def _ask_for_commit(self, git: RemoteGit, location: Location, sha: str, run: str) -> FoundRef | None:
        """A commit that this place is known to have needs no asking: it cannot have changed."""
        if self._trees.has(sha) and self._known(location, sha) is not None:
            return FoundRef(sha, sha)
        try:
            return FoundRef(sha, self._fetch(git, location, sha, run))
        except RemoteGitError as error:
            if error.trouble == "no-ref":
                return None
            raise

    def _ask_for_ref(self, git: RemoteGit, location: Location, ref: str, run: str) -> FoundRef | None:
        refs = self._reach(location, run, lambda: git.find_refs(location.address, _full_names(ref)))
        if not refs:
            return None
        if self._trees.has(refs[0].commit):
            return refs[0]
        return FoundRef(refs[0].name, self._fetch(git, location, refs[0].name, run, len(refs[0].commit)))

    def _fetch(self, git: RemoteGit, location: Location, wanted: str, run: str, id_length: int = 0) -> str:
        """Get one commit's files; gives its id (a branch may have moved on since it was asked for)."""
        is_sha256 = (id_length or len(wanted)) == 64
        with self._growing() as new:
            bare = f"{new}/git"
            commit = self._reach(location, run, lambda: git.fetch(location.address, wanted, bare, is_sha256=is_sha256))
            self._unpack(git, new, commit)
        return commit

    def _reach(self, location: Location, run: str, ask: Callable[[], _Answer]) -> _Answer:
        """Ask a place, unless it was found not to answer in this run."""
        host = (run, location.address.split("/")[2])
        if host in self._unreachable:
            raise _UnreachableError(self._unreachable[host])
        try:
            return ask()
        except RemoteGitError as error:
            if error.trouble != "unreachable":
                raise
            self._unreachable[host] = str(error)
            raise _UnreachableError(str(error)) from error

    def _recall(self, location: Location, repository: str, ref: str, why: str) -> Resolution:
        """What a ref stood for when its place could be reached."""
        known = self._known(location, ref)
        if known is None or not self._trees.has(known.commit):
            raise SourceError(
                f"{location.address} cannot be reached, and {repository}@{ref} is not here: {why}", _OFFLINE
            )
        remark = f"{location.address} cannot be reached; {repository}@{ref} is used as it was last seen: {known.commit} ({why})"
        return Resolution(
            repository=repository,
            ref=ref,
            commit=known.commit,
            full_ref=known.full_ref,
            remark="" if is_id(ref) else remark,
        )

    # --- keeping -----------------------------------------------------------------------------------------------------

    def _keep_snapshot(self, location: Location, is_stopped: _Stopped) -> FoundRef:
        with self._growing() as new:
            try:
                copy_plain_folder(location.address, f"{new}/files", is_stopped)
            except CopyStoppedError as error:
                raise RemoteGitStoppedError from error
            commit = digest_files(f"{new}/files")
            if not self._trees.has(commit):
                self._add(new, commit)
        return FoundRef("", commit)

    def _unpack(self, git: RemoteGit, new: str, commit: str) -> None:
        """What the repository in `new` has of a commit becomes its tree."""
        archive = f"{new}/files.tar"
        git.archive(f"{new}/git", commit, archive)
        os.mkdir(f"{new}/files", 0o700)
        try:
            with open(archive, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                extract_tar(file.read, f"{new}/files", [f"{new}/files"])
        except (CorruptArchiveError, UnsafeArchiveError) as error:
            raise SourceError(f"the files of {commit} cannot be unpacked: {error}") from error
        self._add(new, commit)

    def _add(self, new: str, commit: str) -> None:
        whole = f"{new}/whole"
        os.mkdir(whole, 0o700)
        os.rename(f"{new}/files", f"{whole}/files")
        self._trees.add(commit, f"{whole}/files")

    def _mend(self, resolution: Resolution, error: DamagedTreeError, is_stopped: _Stopped) -> None:
        self._trees.drop(resolution.commit)
        try:
            wanted = resolution.commit if is_id(resolution.commit) else resolution.ref
            found = self._ask_all(resolution.repository, wanted, "", is_stopped)
        except SourceError as failed:
            message = f"what was kept of {resolution.repository} was damaged ({error}), and cannot be fetched again: "
            raise SourceError(message + failed.message, failed.hint) from failed
        except RemoteGitStoppedError as stopped:
            raise SourceStoppedError from stopped
        if found.commit != resolution.commit:
            raise SourceError(
                f"what was kept of {resolution.repository} was damaged ({error}), and its source has changed"
            )

    @contextmanager
    def _growing(self) -> Iterator[str]:
        """A folder of one's own, which is gone afterwards."""
        new = os.path.join(self._folder, "new", f"{os.getpid()}-{os.urandom(6).hex()}")
        make_folder(new)
        sweep(os.path.dirname(new), self._clock)
        try:
            yield new
        finally:
            remove_tree(new)

    @contextmanager
    def _locked(self, location: Location, is_stopped: _Stopped) -> Iterator[None]:
        """One process (and thread) at a time asks a place, so that nothing is fetched twice."""
        make_folder(os.path.join(self._folder, "locks"))
        path = os.path.join(self._folder, "locks", file_name(location.address))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not try_hold(descriptor):
                if is_stopped():
                    raise RemoteGitStoppedError
                sleep(_WAIT_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def _known(self, location: Location, ref: str) -> _Known | None:
        data = read_file(os.path.join(self._folder, "known", file_name(location.address), file_name(ref)))
        try:
            return None if data is None else msgspec.json.decode(data, type=_Known)
        except msgspec.DecodeError:
            return None  # it is asked again

    def _remember(self, location: Location, ref: str, found: FoundRef) -> None:
        known = _Known(found.commit, found.name)
        if self._known(location, ref) == known:
            return
        folder = os.path.join(self._folder, "known", file_name(location.address))
        make_folder(folder)
        path = os.path.join(folder, file_name(ref))
        growing = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
        write_file(growing, msgspec.json.encode(known))
        os.rename(growing, path)


def _full_names(ref: str) -> list[str]:
    """What a ref may stand for, the first first. A commit id only ever stands for itself."""
    if is_id(ref):
        return [ref]
    return [f"refs/tags/{ref}", f"refs/heads/{ref}", f"refs/{ref}", *([ref] if ref.startswith("refs/") else [])]


def _looks_like_commit(ref: str) -> bool:
    return 4 <= len(ref) < 40 and all(letter in "0123456789abcdef" for letter in ref)


def _find_git(folder: str) -> tuple[str, str] | None:
    """The git folder and the objects of a working tree, or of a bare repository; None for a plain folder."""
    if all(os.path.exists(os.path.join(folder, name)) for name in ("HEAD", "objects", "refs")):
        return folder, os.path.join(folder, "objects")
    layout = find_layout(folder)
    if layout is None or layout.work_tree != os.path.realpath(folder):
        return None
    return layout.git_dir, os.path.join(layout.common_dir, "objects")

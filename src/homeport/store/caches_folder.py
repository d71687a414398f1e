"""Keeps the caches of one repository in the folder store.

    caches/<repository>/<scope>/<version>/<key>.json     what the entry is; an entry exists when this does
    caches/<repository>/<scope>/<version>/<key>.<n>.data its archive; the time of its last change is that of its last use

Folder and file names are digests. An entry becomes visible by a hard link that fails where the key is taken, so of two jobs that save
one key at the same time exactly one wins.
"""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from homeport.archive.compression import compressing, expanding, find_program
from homeport.archive.destination import CorruptArchiveError
from homeport.archive.tar_reader import extract_tar
from homeport.archive.tar_writer import write_tar
from homeport.ports.caches import CacheEntry
from homeport.ports.checks import Check, go_on
from homeport.ports.clock import Clock
from homeport.store.folder import file_name, listed, read_file, unlink, write_all, write_file
from homeport.store.parts import growing, remove_abandoned

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_BLOCK = 1 << 20
DEFAULT_QUOTA_BYTES = 10 << 30
"""what GitHub gives a repository"""


class _Stored(msgspec.Struct, frozen=True):
    entry: CacheEntry
    data: str
    """the name of the archive's file"""


_decode = msgspec.json.Decoder(_Stored).decode


class FolderCaches:
    """A `CacheStore` in a folder. `search_path` is the PATH on which `zstd` is looked for; without it archives are gzip."""

    def __init__(
        self, home: str, repository: str, clock: Clock, *, search_path: str, quota_bytes: int = DEFAULT_QUOTA_BYTES
    ) -> None:
        self._folder = os.path.join(home, "caches", file_name(repository))
        self._clock = clock
        self._search_path = search_path
        self._quota_bytes = quota_bytes

    def find(self, key: str, restore_keys: Sequence[str], version: str, scopes: Sequence[str]) -> CacheEntry | None:
        """The exact key costs one file; prefixes cost one listing a scope."""
        for scope in scopes:
            folder = self._place(scope, version)
            exact = _read(os.path.join(folder, _digest(key) + ".json"))
            if exact is not None:
                return exact.entry
            entries = [stored.entry for stored in _read_folder(folder)]
            for prefix in (key, *restore_keys):
                matching = [entry for entry in entries if entry.key.startswith(prefix)]
                if matching:
                    return max(matching, key=lambda entry: entry.created_at)
        return None

    def restore(self, entry: CacheEntry, paths: Sequence[str], workspace: str, *, check: Check = go_on) -> None:
        """Unpack."""
        path = self.archive_path(entry)
        try:
            with expanding(path, find_program("zstd", self._search_path)) as read:
                extract_tar(_checking(read, check), workspace, list(paths))
        except CorruptArchiveError:
            self._forget(self._place(entry.scope, entry.version), _digest(entry.key))
            raise

    def save(
        self, key: str, version: str, scope: str, paths: Sequence[str], workspace: str, *, check: Check = go_on
    ) -> CacheEntry | None:
        """Pack."""

        def pack(target: int) -> None:
            with compressing(target, find_program("zstd", self._search_path)) as write:
                write_tar(_checking(write, check), workspace, paths)

        return self._store(key, version, scope, pack)

    def put_archive(self, key: str, version: str, scope: str, archive: str) -> CacheEntry | None:
        """Copy."""
        return self._store(key, version, scope, lambda target: _copy(archive, target))

    def archive_path(self, entry: CacheEntry) -> str:
        """Its last use is now."""
        folder = self._place(entry.scope, entry.version)
        stored = _read(os.path.join(folder, _digest(entry.key) + ".json"))
        if stored is None:
            raise FileNotFoundError(errno.ENOENT, "the cache entry is gone", entry.key)
        path = os.path.join(folder, stored.data)
        _mark_used(path, self._clock.now())
        if os.stat(path).st_size != entry.size:
            self._forget(folder, _digest(entry.key))
            raise CorruptArchiveError("the cache entry is cut off")
        return path

    def list(self) -> Sequence[CacheEntry]:
        """Newest first."""
        entries = [stored.entry for folder in self._folders() for stored in _read_folder(folder)]
        return sorted(entries, key=lambda entry: entry.created_at, reverse=True)

    def used_at(self, entry: CacheEntry) -> datetime:
        """The time of the archive's last change."""
        folder = self._place(entry.scope, entry.version)
        stored = _read(os.path.join(folder, _digest(entry.key) + ".json"))
        try:
            seconds = None if stored is None else os.stat(os.path.join(folder, stored.data)).st_mtime
        except FileNotFoundError:
            seconds = None
        return entry.created_at if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def delete(self, key: str, scope: str | None = None) -> int:
        """In one scope, or in all."""
        digest, count = _digest(key), 0
        for folder in self._folders():
            stored = _read(os.path.join(folder, digest + ".json"))
            if stored is not None and scope in {None, stored.entry.scope}:
                self._forget(folder, digest)
                count += 1
        return count

    def _store(self, key: str, version: str, scope: str, pack: Callable[[int], None]) -> CacheEntry | None:
        folder, digest = self._place(scope, version), _digest(key)
        if _read(os.path.join(folder, digest + ".json")) is not None:
            return None
        name = f"{digest}.{os.urandom(8).hex()}.data"
        path = os.path.join(folder, name)
        with growing(path) as (part, descriptor):
            pack(descriptor)
            entry = self._describe(key, version, scope, os.fstat(descriptor).st_size)
            _mark_used(descriptor, entry.created_at)
            os.rename(part, path)
            if not _publish(_Stored(entry, name), folder, digest):
                unlink(path)
                return None
        remove_abandoned(folder, lambda name: _is_shown(folder, name))
        self._evict(keep=path)
        return entry

    def _describe(self, key: str, version: str, scope: str, size: int) -> CacheEntry:
        if size > self._quota_bytes:
            limit, megabytes = self._quota_bytes >> 30, round(size / (1 << 20))
            raise OSError(
                errno.EFBIG, f"Cache size of ~{megabytes} MB ({size} B) is over the {limit}GB limit, not saving cache."
            )
        return CacheEntry(key=key, version=version, scope=scope, size=size, created_at=self._clock.now())

    def trim(self) -> int:
        """Remove what was used longest ago until the quota holds; gives how many entries that were."""
        return self._evict(keep="")

    def _evict(self, keep: str) -> int:
        count = 0
        known: list[tuple[float, int, str, str]] = []
        for folder in self._folders():
            for stored in _read_folder(folder):
                path = os.path.join(folder, stored.data)
                try:
                    status = os.stat(path)
                except FileNotFoundError:
                    continue
                known.append((status.st_mtime, status.st_size, folder, path))
        total = sum(size for _, size, _, _ in known)
        for _, size, folder, path in sorted(known):
            if total <= self._quota_bytes:
                break
            if path != keep:
                self._forget(folder, os.path.basename(path).partition(".")[0])
                total -= size
                count += 1
        return count

    def _forget(self, folder: str, digest: str) -> None:
        description = os.path.join(folder, digest + ".json")
        stored = _read(description)
        unlink(description)
        if stored is not None:
            unlink(os.path.join(folder, stored.data))

    def _place(self, scope: str, version: str) -> str:
        return os.path.join(self._folder, _digest(scope), _digest(version))

    def _folders(self) -> Iterator[str]:
        for scope in listed(self._folder):
            for version in listed(os.path.join(self._folder, scope)):
                yield os.path.join(self._folder, scope, version)


def _publish(stored: _Stored, folder: str, digest: str) -> bool:
    """Make an entry visible, unless its key has been taken meanwhile."""
    fresh = os.path.join(folder, stored.data + ".new")
    write_file(fresh, msgspec.json.encode(stored))
    try:
        os.link(fresh, os.path.join(folder, digest + ".json"))
    except FileExistsError:
        return False
    finally:
        unlink(fresh)
    return True


def _checking(step: Callable[[_In], _Out], check: Check) -> Callable[[_In], _Out]:
    """The same step, with a look before each whether to go on."""

    def checked(given: _In) -> _Out:
        check()
        return step(given)

    return checked


def _mark_used(file: str | int, moment: datetime) -> None:
    seconds = moment.timestamp()
    os.utime(file, (seconds, seconds))


def _is_shown(folder: str, name: str) -> bool:
    stored = _read(os.path.join(folder, name.partition(".")[0] + ".json"))
    return stored is not None and stored.data == name


def _copy(path: str, target: int) -> None:
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while block := os.read(source, _BLOCK):
            write_all(target, block)
    finally:
        os.close(source)


def _read(path: str) -> _Stored | None:
    data = read_file(path)
    return None if data is None else _decode(data)


def _read_folder(folder: str) -> Iterator[_Stored]:
    for name in listed(folder):
        if name.endswith(".json") and (stored := _read(os.path.join(folder, name))) is not None:
            yield stored


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]

"""Copies everything that a server keeps into one file while the server goes on, and puts it back where no server is.

The order makes the copy whole: the database first, as it was at one moment; then the files that it speaks of, which are only added to.
Of a repository the refs come before the objects, so that no ref points at a commit that the copy lacks. What was written after the
database's moment is in the copy too, and nothing speaks of it: a log is cut to what the database knows when its job is taken up.
"""

import io
import os
import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime

import msgspec

from homeport.ports.repositories import StoreError
from homeport.store.data_folder import DataFolder
from homeport.store.folder import make_folder

MANIFEST = "homeport-backup.json"
_DATABASE = "homeport.db"
_LEFT_OUT = frozenset({"lock", "runner", _DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm"})
"""The runner's folder holds what jobs of this machine are at: elsewhere they are lost, and say so"""
_MOST_WALKS = 5
_ARRIVING = ("tmp_objdir-", "incoming-")
"""Where git keeps the objects of a push until it is accepted"""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a copy holds, at its beginning."""

    version: str
    """of Homeport"""
    made_at: datetime
    has_keys: bool
    has_caches: bool
    has_database: bool = True


def back_up(
    folder: DataFolder, target: str, *, version: str, at: datetime, keys: bool, caches: bool, database: bool = True
) -> Manifest:
    """Write the copy to `target` (a tar file, for its owner only), which must not be there; nothing half stays behind. Without
    `database` it is that of another server than SQLite, which must have been copied before.

    Raises `StoreError`.
    """
    source = os.path.join(folder.path, _DATABASE)
    if database and not os.path.isfile(source):
        raise StoreError(
            f"{folder.path} has no {_DATABASE}: is it the folder of a server? One with a database elsewhere (--database) is copied with "
            "--without-database, after that database"
        )
    if not os.path.isdir(folder.keys):
        raise StoreError(f"{folder.path} has no keys: is it the folder of a server?")
    if os.path.lexists(target):
        raise StoreError(f"{target} is there already")
    manifest = Manifest(version=version, made_at=at, has_keys=keys, has_caches=caches, has_database=database)
    left_out = {*_LEFT_OUT, *(() if keys else ("keys",)), *(() if caches else ("caches",))}
    with _whole(target) as path, tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        _add_manifest(archive, manifest)
        if database:
            _add_database(archive, source, f"{path}.db")
        for name in sorted(os.listdir(folder.path)):
            if name == "repositories":
                _add_repositories(archive, folder.repositories)
            elif name not in left_out:
                _add_tree(archive, folder.path, name)
    return manifest


def restore(archive: str, folder: DataFolder) -> Manifest:
    """Put a copy back. The folder must not be there, or be empty; it appears whole, or not at all. Raises `StoreError`."""
    if os.path.isdir(folder.path) and os.listdir(folder.path):
        raise StoreError(f"{folder.path} is not empty: a copy is put back where nothing is")
    partial = f"{folder.path}.partial-{os.getpid()}"
    try:
        with tarfile.open(archive, "r:") as opened:
            manifest = _read_manifest(opened, archive)
            make_folder(partial)
            while (
                member := opened.next()
            ) is not None:  # what follows the manifest, which is of the copy and not of the folder
                opened.extract(member, partial, filter="data")
        if manifest.has_database:
            _check_database(os.path.join(partial, _DATABASE))
        with suppress(FileNotFoundError):
            os.rmdir(folder.path)
        os.replace(partial, folder.path)
    except (tarfile.TarError, EOFError) as error:
        raise StoreError(f"{archive} is not a whole backup: {error}") from error
    except OSError as error:
        raise StoreError(f"{error.filename or archive}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


@contextmanager
def _whole(target: str) -> Iterator[str]:
    """A file that gets its name when it is complete and on the disk."""
    path = f"{target}.partial"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            yield path
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(path, target)
    except OSError as error:
        raise StoreError(f"{error.filename or target}: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)


def _add_manifest(archive: tarfile.TarFile, manifest: Manifest) -> None:
    data = msgspec.json.encode(manifest)
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, io.BytesIO(data))


def _read_manifest(archive: tarfile.TarFile, path: str) -> Manifest:
    member = archive.next()
    content = archive.extractfile(member) if member is not None and member.name == MANIFEST else None
    if content is None:
        raise StoreError(f"{path} is not a backup of Homeport")
    try:
        return msgspec.json.decode(content.read(), type=Manifest)
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is not a backup that this version can read: {error}") from error


def _add_database(archive: tarfile.TarFile, source: str, copy: str) -> None:
    """As it is at one moment (sqlite.org, "VACUUM INTO"): writers are not held up."""
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (copy,))
        os.chmod(copy, 0o600)
        archive.add(copy, _DATABASE)
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied: {error}") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(copy)


def _check_database(path: str) -> None:
    try:
        with closing(sqlite3.connect(path)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        raise StoreError(f"the database of this backup is damaged: {said}")


def _add_repositories(archive: tarfile.TarFile, root: str) -> None:
    parent = os.path.dirname(root)
    archive.add(root, "repositories", recursive=False)
    for name in sorted(os.listdir(root)):
        inside = os.path.join("repositories", name)
        _add_tree(archive, parent, inside, without=("objects", "packed-refs"))
        _add_tree(archive, parent, os.path.join(inside, "packed-refs"))  # where refs go that are packed meanwhile
        objects = os.path.join(inside, "objects")
        for _ in range(_MOST_WALKS):
            is_whole = _add_tree(archive, parent, objects, without=_ARRIVING)
            if is_whole or not os.path.isdir(os.path.join(parent, objects)):
                break
        else:
            raise StoreError(f"{inside} is being packed all the time: try again")


def _add_tree(archive: tarfile.TarFile, root: str, inside: str, *, without: tuple[str, ...] = ()) -> bool:
    """A file, or a folder with all that is in it but for what begins with one of `without`. Says whether everything that was seen could
    be read: what vanishes meanwhile is passed over.
    """
    path = os.path.join(root, inside)
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode):
            with open(path, "rb") as content:  # noqa: PTH123 - the same file, though it be replaced meanwhile
                archive.addfile(archive.gettarinfo(arcname=inside, fileobj=content), content)
        if not stat.S_ISDIR(mode):
            return True  # also sockets and pipes of the server that runs
        archive.add(path, inside, recursive=False)
        names = [name for name in sorted(os.listdir(path)) if not name.startswith(without)]
    except FileNotFoundError:
        return False
    were_whole = [_add_tree(archive, root, os.path.join(inside, name)) for name in names]
    return all(were_whole)

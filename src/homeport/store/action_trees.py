"""Keeps the files of commits below `HOMEPORT_HOME/actions/trees`: whole, never changed, and checked whenever they are copied.

    trees/<commit>/files/…      the files
    trees/<commit>/manifest     what they are: a checksum, then every folder, file and link

A commit that no job has used for 90 days is forgotten when another one comes.

The checksums tell damage (a disk, a crash, a hand that slipped), not malice: who can write here can write a matching manifest too.
"""

import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import msgspec

from homeport.ports.clock import Clock
from homeport.store.folder import listed, make_folder, read_file, remove_tree, write_all, write_file

_BLOCK = 1 << 20
_BETWEEN_LOOKS = 256
"""files between two looks at whether anybody still wants them"""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DAY = 24 * 60 * 60.0
_LONGEST_UNUSED = 90 * _DAY
_Made = TypeVar("_Made")


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """`kind`: `d` folder, `f` file, `x` executable file, `l` link (`target`)."""

    path: bytes
    kind: str
    size: int = 0
    checksum: int = 0
    target: bytes = b""


class DamagedTreeError(Exception):
    """What is kept of a commit is not what was put there."""


class CopyStoppedError(Exception):
    """Nobody wants the copy any more."""


class Target:
    """A folder that is written to through descriptors, so that no link on the way can lead elsewhere, whenever it was put there.

    Entries come with each folder before what is in it, and all that is in it before what follows.
    """

    def __init__(self, below: str, path: str) -> None:
        """Make `path`, which is below a folder that is there. Raises `OSError` where a link or a file is in the way."""
        self._stack = [(b"", os.open(below, _FOLDER & ~os.O_NOFOLLOW))]
        try:
            for part in os.fsencode(path).split(b"/"):
                self._stack[0] = (b"", self._open(self._stack[0][1], part))
        except OSError:
            self.close()
            raise

    def __enter__(self) -> "Target":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the descriptors."""
        while self._stack:
            os.close(self._stack.pop()[1])

    def enter(self, path: bytes) -> None:
        """Make a folder, which the next entries may be in."""
        parent, name = self.locate(path)
        self._stack.append((path, self._open(parent, name, closes=False)))

    def locate(self, path: bytes) -> tuple[int, bytes]:
        """The folder of an entry, and its name there."""
        parent, _, name = path.rpartition(b"/")
        while self._stack and self._stack[-1][0] != parent:
            os.close(self._stack.pop()[1])
        if not self._stack or name in (b"", b".", b".."):
            raise DamagedTreeError("its manifest is damaged")
        return self._stack[-1][1], name

    def _open(self, parent: int, name: bytes, *, closes: bool = True) -> int:
        with suppress(FileExistsError):  # the folder of another ref, such as `releases` beside `releases/v1`
            os.mkdir(name, 0o755, dir_fd=parent)
        opened = os.open(name, _FOLDER, dir_fd=parent)
        if closes:
            os.close(parent)
        return opened


class ActionTrees:
    """The kept commits. Thread-safe, and safe beside other processes: a tree appears whole, by one renaming. Raises `OSError`."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def has(self, commit: str) -> bool:
        """Whether the commit is kept (undamaged or not)."""
        return os.path.exists(self._path(commit, "manifest"))

    def add(self, commit: str, files: str) -> None:
        """Keep a folder, which is moved, as the files of a commit. Another process may have been quicker: then its tree stays."""
        growing = os.path.dirname(files)
        entries = list(_describe(os.fsencode(files)))
        encoded = msgspec.msgpack.encode(entries)
        write_file(os.path.join(growing, "manifest"), b"%08x" % zlib.crc32(encoded) + encoded)
        if os.path.basename(files) != "files":
            os.rename(files, os.path.join(growing, "files"))
        make_folder(self._folder)
        if not self.has(commit):
            self.drop(commit)  # what has no manifest is no tree
        try:
            os.rename(growing, self._path(commit))
        except OSError:
            if not self.has(commit):
                raise
            remove_tree(growing)
        self._prune()

    def drop(self, commit: str) -> None:
        """Forget a commit."""
        aside = self._path(commit) + f".gone-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            os.rename(self._path(commit), aside)
        except FileNotFoundError:
            return
        remove_tree(aside)

    def copy(self, commit: str, below: str, path: str, is_stopped: Callable[[], bool]) -> None:
        """Copy the files of a commit into `path` below a folder, never through a link. What is there is replaced.

        Raises `DamagedTreeError` (the copy is not whole then) and `CopyStoppedError`.
        """
        source = os.fsencode(self._path(commit, "files"))
        entries = self._read_manifest(commit)
        with Target(below, path) as target:
            for number, entry in enumerate(entries):
                if number % _BETWEEN_LOOKS == 0 and is_stopped():
                    raise CopyStoppedError
                try:
                    _copy(entry, source + b"/" + entry.path, target)
                except FileNotFoundError as error:
                    raise DamagedTreeError(f"{os.fsdecode(entry.path)} is missing") from error

    def read(self, commit: str, path: str) -> bytes | None:
        """One file of a commit; None where it has no such file. Raises `DamagedTreeError`."""
        wanted = os.fsencode(path)
        for entry in self._read_manifest(commit):
            if entry.path == wanted and entry.kind in "fx":
                data = read_file(self._path(commit, "files", path))
                if data is None or (len(data), zlib.crc32(data)) != (entry.size, entry.checksum):
                    raise DamagedTreeError(f"{path} is not what it was")
                return data
        return None

    def _read_manifest(self, commit: str) -> list[_Entry]:
        data = read_file(self._path(commit, "manifest"))
        self._note_use(commit)
        if data is None or data[:8] != b"%08x" % zlib.crc32(data[8:]):
            raise DamagedTreeError("its manifest is damaged")
        return msgspec.msgpack.decode(data[8:], type=list[_Entry])

    def _note_use(self, commit: str) -> None:
        """Once a day is enough."""
        path = self._path(commit, "manifest")
        now = self._clock.now().timestamp()
        if now - _changed_at(path, now) > _DAY:
            try:
                os.utime(path, (now, now))
            except OSError:
                return  # somebody else's store, which may be read all the same

    def _prune(self) -> None:
        now = self._clock.now().timestamp()
        for name in listed(self._folder):
            if now - _changed_at(self._path(name, "manifest"), now) > _LONGEST_UNUSED:
                self.drop(name)

    def _path(self, commit: str, *names: str) -> str:
        return os.path.join(self._folder, commit, *names)


def sweep(folder: str, clock: Clock) -> None:
    """Remove what grew in a folder when its process was killed, a day ago or longer."""
    now = clock.now().timestamp()
    for name in listed(folder):
        path = os.path.join(folder, name)
        if now - _changed_at(path, now) > _DAY:
            remove_tree(path)


def _changed_at(path: str, now: float) -> float:
    """When it was changed; now, if it is gone."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return now


def digest_files(files: str) -> str:
    """A name for what is in a folder: the same for the same names, contents and modes."""
    from hashlib import sha256  # noqa: PLC0415 - slow to import, and only folders without git need it

    total = sha256()
    below = os.fsencode(files)
    for entry in _describe(below):
        total.update(msgspec.msgpack.encode(entry))
        if entry.kind in "fx":
            total.update(sha256(read_file(os.fsdecode(below + b"/" + entry.path)) or b"").digest())
    return f"tree-{total.hexdigest()[:40]}"


def copy_plain_folder(source: str, target: str, is_stopped: Callable[[], bool]) -> None:
    """Copy the files of a folder that is no repository, folders before what is in them; what is neither file nor link is left out."""
    with Target(os.path.dirname(target), os.path.basename(target)) as written:
        for number, (path, relative, status) in enumerate(_walk(os.fsencode(source))):
            if number % _BETWEEN_LOOKS == 0 and is_stopped():
                raise CopyStoppedError
            kind = _kind(status)
            if kind:
                link = os.readlink(path) if kind == "l" else b""
                _copy(_Entry(relative, kind, -1, target=link), path, written)


def _describe(folder: bytes) -> Iterator[_Entry]:
    for path, relative, status in _walk(folder):
        match _kind(status):
            case "d":
                yield _Entry(relative, "d")
            case "l":
                yield _Entry(relative, "l", target=os.readlink(path))
            case kind:
                checksum = 0
                with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                    while block := file.read(_BLOCK):
                        checksum = zlib.crc32(block, checksum)
                yield _Entry(relative, kind, status.st_size, checksum)


def _walk(folder: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes, os.stat_result]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        status = entry.stat(follow_symlinks=False)
        yield entry.path, prefix + entry.name, status
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(entry.path, prefix + entry.name + b"/")


def _kind(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "d"
    if stat.S_ISLNK(status.st_mode):
        return "l"
    if not stat.S_ISREG(status.st_mode):
        return ""
    return "x" if status.st_mode & stat.S_IXUSR else "f"


def _copy(entry: _Entry, source: bytes, target: Target) -> None:
    if entry.kind == "d":
        target.enter(entry.path)
        return
    parent, name = target.locate(entry.path)
    if entry.kind == "l":
        _replace(lambda: os.symlink(entry.target, name, dir_fd=parent), name, parent)
    else:
        _copy_file(entry, source, parent, name)


def _copy_file(entry: _Entry, source: bytes, parent: int, name: bytes) -> None:
    mode = 0o755 if entry.kind == "x" else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        writing = _replace(lambda: os.open(name, flags, mode, dir_fd=parent), name, parent)
        try:
            size, checksum = 0, 0
            while block := os.read(reading, _BLOCK):
                size += len(block)
                checksum = zlib.crc32(block, checksum)
                write_all(writing, block)
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    if entry.size >= 0 and (size, checksum) != (entry.size, entry.checksum):
        raise DamagedTreeError(f"{os.fsdecode(entry.path)} is not what it was")


def _replace(make: Callable[[], _Made], name: bytes, parent: int) -> _Made:
    """Make something where something may be left of a copy that was not finished."""
    try:
        return make()
    except FileExistsError:
        os.unlink(name, dir_fd=parent)
        return make()

"""Uploads that are not complete: blocks in files of their own, in any order and at the same time, until a list says which make the whole.

    uploads/<process>/lock          held while the process lives; what nobody holds was left behind
    uploads/<process>/<id>/b-<hex>  a complete block, by its id
    uploads/<process>/<id>/content  the whole

A block that is cut in the middle leaves nothing: it grows under another name.
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

import msgspec

from homeport.toolkit.answers import RefusalError
from homeport.toolkit.parts import Limits

_COPY = 16 << 20


class ArtifactTarget(msgspec.Struct, frozen=True):
    """What becomes an artifact."""

    name: str
    media_type: str
    expires_at: datetime | None


class CacheTarget(msgspec.Struct, frozen=True):
    """What becomes a cache entry. `size` is what was announced, 0 where nothing was."""

    key: str
    version: str
    scope: str
    size: int = 0


Target = ArtifactTarget | CacheTarget


class Upload:
    """One upload of one job. Thread-safe."""

    def __init__(self, number: int, job: str, target: Target, folder: str, limits: Limits) -> None:
        self.number = number
        self.job = job
        self.target = target
        self.content = os.path.join(folder, "content")
        self.is_complete = False
        """whether `content` is the whole of a blob"""
        self._is_gone = False
        self.is_claimed = False
        """whether somebody is turning it into what it is to be"""
        self._folder = folder
        self._limits = limits
        self._lock = threading.Lock()
        self._names = 0
        self._blocks: dict[str, int] = {}
        self._committed: tuple[str, ...] | None = None
        self._ranges: list[tuple[int, int]] = []

    def begin(self) -> tuple[str, int]:
        """A new file that one request fills, and how many bytes it may have."""
        with self._lock:
            self._check_open()
            self._names += 1
            return os.path.join(self._folder, f"part-{self._names}"), self._limits.upload_bytes - sum(
                self._blocks.values()
            )

    def keep_block(self, block: str, part: str, size: int) -> None:
        """A block has arrived; one of the same id is replaced."""
        with self._lock, _discarding(part):
            self._check_open()
            if block not in self._blocks and len(self._blocks) >= self._limits.blocks:
                raise RefusalError(413, f"There are more than {self._limits.blocks} blocks.")
            if sum(self._blocks.values()) + size > self._limits.upload_bytes:
                raise RefusalError(413, f"The upload is larger than {self._limits.upload_bytes} bytes.")
            os.rename(part, self._block_path(block))
            self._blocks[block] = size

    def commit_blocks(self, blocks: Sequence[str]) -> None:
        """These blocks, in this order, are the whole. Saying the same again is no error (the first answer may have been lost)."""
        with self._lock:
            if self._committed == tuple(blocks) and not self._blocks:
                return
            self._check_open()
            missing = next((block for block in blocks if block not in self._blocks), None)
            if missing is not None:
                raise RefusalError(400, "The list names a block that was not uploaded.")
            if len(set(blocks)) != len(blocks):
                raise RefusalError(400, "The list names a block twice.")
            self._join(blocks)
            self._committed, self._blocks = tuple(blocks), {}
            self.is_complete = True

    def keep_whole(self, part: str) -> None:
        """The whole has arrived in one piece."""
        with self._lock, _discarding(part):
            self._check_open()
            os.rename(part, self.content)
            self.is_complete = True

    def keep_range(self, part: str, start: int, size: int) -> None:
        """A piece of known place has arrived (cache v1)."""
        with self._lock, _discarding(part):
            self._check_open()
            _insert(part, self.content, start)
            self._ranges.append((start, start + size))

    def close_ranges(self, size: int) -> None:
        """All pieces have arrived. Raises `RefusalError` where one is missing."""
        with self._lock:
            reached = 0
            for start, end in sorted(self._ranges):
                if start > reached:
                    break
                reached = max(reached, end)
            if reached != size or any(end > size for _, end in self._ranges):
                raise RefusalError(400, f"The pieces that were uploaded are not {size} bytes without a gap.")
            if size == 0:
                os.close(os.open(self.content, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self.is_complete = True

    def claim(self) -> None:
        """From now on the caller alone turns it into what it is to be. Raises `RefusalError`."""
        with self._lock:
            if not self.is_complete:
                raise RefusalError(400, "The upload is not complete: its list of blocks was not sent.")
            if self.is_claimed:
                raise RefusalError(409, "This upload is being finalized.")
            self.is_claimed = True

    def remove(self) -> None:
        """Remove its files. A request that is under way may add one more: that goes with the process's folder."""
        with self._lock:
            self._is_gone = True
            _remove_files(self._folder)

    def _check_open(self) -> None:
        if self._is_gone or self.is_claimed:
            raise RefusalError(404, "The upload has ended.")

    def _join(self, blocks: Sequence[str]) -> None:
        """The first block becomes the whole, the others are added to it and go as soon as they are."""
        joined = os.path.join(self._folder, "joined")
        if not blocks:
            os.close(os.open(joined, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        for number, block in enumerate(blocks):
            if number == 0:
                os.rename(self._block_path(block), joined)
            else:
                _insert(self._block_path(block), joined, None)
        os.rename(joined, self.content)
        for block in self._blocks.keys() - set(blocks):
            os.unlink(self._block_path(block))

    def _block_path(self, block: str) -> str:
        return os.path.join(self._folder, f"b-{block}")


@contextmanager
def _discarding(part: str) -> Iterator[None]:
    """What has arrived is removed where it cannot be kept."""
    try:
        yield
    except (RefusalError, OSError):
        with suppress(OSError):
            os.unlink(part)
        raise


def _insert(part: str, target: str, start: int | None) -> None:
    """Copy a file into another (at its end, where no place is named) and remove it."""
    source = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.lseek(descriptor, *((0, os.SEEK_END) if start is None else (start, os.SEEK_SET)))
        while _copy_piece(source, descriptor):
            pass
    finally:
        os.close(source)
        os.close(descriptor)
    os.unlink(part)


def _copy_piece(source: int, target: int) -> int:
    """The number of bytes that were copied, 0 at the end."""
    if os.uname().sysname == "Linux":
        return os.sendfile(target, source, None, _COPY)
    data = memoryview(os.read(source, 1 << 20))
    size = len(data)
    while data:
        data = data[os.write(target, data) :]
    return size


class Uploads:
    """All uploads of one process that are not complete."""

    def __init__(self, folder: str, limits: Limits) -> None:
        self._parent = folder
        self._limits = limits
        self._lock = threading.Lock()
        self._uploads: dict[int, Upload] = {}
        self._last = 0
        self._folder: str | None = None
        self._hold = -1

    def begin(self, job: str, target: Target) -> Upload:
        """Make room for an upload. Raises `RefusalError`, `OSError`."""
        with self._lock:
            if sum(upload.job == job for upload in self._uploads.values()) >= self._limits.uploads:
                raise RefusalError(413, f"The job has {self._limits.uploads} uploads under way.")
            if isinstance(target, CacheTarget):
                self._check_free(target)
            self._last += 1
            folder = os.path.join(self._open(), str(self._last))
            os.mkdir(folder, 0o700)
            upload = self._uploads[self._last] = Upload(self._last, job, target, folder, self._limits)
            return upload

    def find(self, number: str) -> Upload | None:
        """By its number."""
        with self._lock:
            return (
                self._uploads.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
            )

    def find_target(self, job: str, matches: Target) -> Upload | None:
        """The newest upload of a job that becomes this."""
        with self._lock:
            own = [upload for upload in self._uploads.values() if upload.job == job]
        return next((upload for upload in reversed(own) if _is_same(upload.target, matches)), None)

    def drop(self, upload: Upload) -> None:
        """It has become what it was to be, or never will."""
        with self._lock:
            if self._uploads.pop(upload.number, None) is None:
                return
        upload.remove()

    def drop_all_of(self, job: str) -> None:
        """A job has ended: what it has begun never will be complete."""
        with self._lock:
            own = [upload for upload in self._uploads.values() if upload.job == job]
        for upload in own:
            self.drop(upload)

    def close(self) -> None:
        """Remove everything."""
        for upload in list(self._uploads.values()):
            self.drop(upload)
        with self._lock:
            if self._folder is not None:
                _remove_process_folder(self._folder)
                os.close(self._hold)
                self._folder = None

    def _check_free(self, target: CacheTarget) -> None:
        if any(_is_same(upload.target, target) for upload in self._uploads.values()):
            raise RefusalError(409, f"Cache already exists, or another job is creating it: {target.key}")

    def _open(self) -> str:
        if self._folder is None:
            os.makedirs(self._parent, 0o700, exist_ok=True)
            self._sweep()
            folder = os.path.join(self._parent, f"{os.getpid()}-{os.urandom(4).hex()}")
            os.mkdir(folder, 0o700)
            self._hold = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._hold, fcntl.LOCK_EX)
            self._folder = folder
        return self._folder

    def _sweep(self) -> None:
        """Remove what dead processes left."""
        for name in os.listdir(self._parent):
            folder = os.path.join(self._parent, name)
            try:
                hold = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CLOEXEC)
            except OSError:
                continue  # another process makes it, or removes it, at this moment
            try:
                fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_process_folder(folder)
            except BlockingIOError:
                continue
            finally:
                os.close(hold)


def _remove_process_folder(folder: str) -> None:
    for name in os.listdir(folder):
        inner = os.path.join(folder, name)
        if name != "lock":
            _remove_files(inner)
    with suppress(OSError):
        os.unlink(os.path.join(folder, "lock"))
        os.rmdir(folder)


def _remove_files(folder: str) -> None:
    with suppress(OSError):
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


def _is_same(one: Target, other: Target) -> bool:
    match one, other:
        case ArtifactTarget(), ArtifactTarget():
            return one.name == other.name
        case CacheTarget(), CacheTarget():
            return (one.key, one.version, one.scope) == (other.key, other.version, other.scope)
        case _:
            return False

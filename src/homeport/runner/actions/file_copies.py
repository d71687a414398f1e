"""Copies single files and whole folders as they are: content, permissions, links."""

import errno
import os
import stat
from collections.abc import Collection, Iterator

_BLOCK = 1 << 20
_NOT_POSSIBLE = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})


def copy_entry(source: str, target: str, status: os.stat_result) -> bool:
    """Copy a file or a link to where nothing stands; False (and nothing made) for what is neither. Shares blocks where the disk can."""
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), target)
        return True
    if not stat.S_ISREG(status.st_mode):
        return False
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        writing = os.open(target, flags, stat.S_IMODE(status.st_mode) & 0o777)
        try:
            _copy_content(reading, writing, status.st_size)
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    return True


def copy_folder(source: str, target: str, leave_out: Collection[str]) -> int:
    """Copy what is below a folder into another; gives how many files that were. Paths in `leave_out` are not entered."""
    count = 0
    for path, relative, status in _walk(source, "", leave_out):
        destination = os.path.join(target, relative)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(destination, stat.S_IMODE(status.st_mode) | 0o700)
        elif copy_entry(path, destination, status):
            count += 1
    return count


def _walk(folder: str, prefix: str, leave_out: Collection[str]) -> Iterator[tuple[str, str, os.stat_result]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.path in leave_out:
            continue
        status = entry.stat(follow_symlinks=False)
        relative = os.path.join(prefix, entry.name)
        yield entry.path, relative, status
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(entry.path, relative, leave_out)


def _copy_content(reading: int, writing: int, size: int) -> None:
    copy = getattr(os, "copy_file_range", None)
    if copy is not None and size:
        try:
            while copy(reading, writing, max(size, _BLOCK)):
                pass
        except OSError as error:
            if error.errno not in _NOT_POSSIBLE:
                raise
        else:
            return
    while block := os.read(reading, _BLOCK):
        view = memoryview(block)
        while view:
            view = view[os.write(writing, view) :]

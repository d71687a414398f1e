"""Opens files in folders that a job can write to, without following links that it may have put there."""

import errno
import os
import stat
from contextlib import suppress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def read_plain_file(path: str, most: int) -> bytes:
    """A file that is none but a file: no link, which may lead out of the job's folders, and no pipe, which would be waited for.

    Raises `OSError`, also where it has more than `most` bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "This is not a file", path)
        parts: list[bytes] = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
            if sum(map(len, parts)) > most:
                raise OSError(errno.EFBIG, f"The file is longer than {most:,} bytes", path)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def write_below(folder: str, names: tuple[str, ...], content: bytes) -> None:
    """Make a new file below a folder, and the folders on the way to it. Raises `OSError`, also where one of them is a link."""
    place = os.open(folder, _FOLDER)
    try:
        for name in names[:-1]:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=place)
            inner = os.open(name, _FOLDER, dir_fd=place)
            os.close(place)
            place = inner
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(names[-1], flags, 0o600, dir_fd=place)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)
    finally:
        os.close(place)

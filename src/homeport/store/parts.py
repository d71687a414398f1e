"""Files that grow before they are shown: held by a lock while their writer lives, so that what a dead one left can be told and removed."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from homeport.store.folder import listed, make_folder, unlink

_SUFFIX = ".part"


@contextmanager
def growing(path: str) -> Iterator[tuple[str, int]]:
    """A new file that will be `path` once the caller renames it: gives its present name and a descriptor to fill.

    Its lock is held until the block ends: rename and show it before. Removed when the block ends without a rename. Raises `OSError`.
    """
    part = path + _SUFFIX
    make_folder(os.path.dirname(path))
    descriptor = _make_held(part)
    try:
        yield part, descriptor
    finally:
        os.close(descriptor)
        unlink(part)


def _make_held(part: str) -> int:
    """A new file whose lock is held. Between making and locking it, another process may take it for abandoned and remove it: then it is
    made again.
    """
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def remove_abandoned(folder: str, is_kept: Callable[[str], bool]) -> None:
    """Remove parts and complete `.data` files whose writers died before they were shown.

    A writer holds the lock of its file until the file is shown, so what nobody holds and `is_kept` (asked with a name, under the
    lock) does not know was left behind.
    """
    for name in listed(folder):
        if name.endswith(_SUFFIX) or (name.endswith(".data") and not is_kept(name)):
            _remove_if_abandoned(folder, name, is_kept)


def _remove_if_abandoned(folder: str, name: str, is_kept: Callable[[str], bool]) -> None:
    path = os.path.join(folder, name)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not is_kept(name):
            unlink(path)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)

"""Where things stand in the folder store (`HOMEPORT_HOME`), and the few careful ways in which its files are written.

    runs/next                     the next run's id
    runs/<id>/<attempt>/          record.json · plan.msgpack · facts.jsonl (the journal) · control (a FIFO) · logs/<job>
    open/<id>.<attempt>           attempts that are not completed
    numbers/<repository>/<workflow>
    groups/<repository>/<group>

Everything is readable by its owner only. A process holds a lock on the journals that it writes; the kernel gives it back when the
process dies, however it dies, so a journal that is open and not locked was left behind.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from homeport.ports.repositories import StoreError

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_LONGEST = 100
_PRIME = 2**61 - 1


def file_name(text: str) -> str:
    """A file's name for any text: different for different texts, the text itself where that is possible."""
    if text and len(text) <= _LONGEST and _SAFE.issuperset(text.replace(".", "_")) and not text.startswith("."):
        return text
    data = text.encode("utf-8", "surrogatepass")
    kept = "".join(character if character in _SAFE else "-" for character in text[:_LONGEST])
    return f"{kept}~{int.from_bytes(data, 'big') % _PRIME:x}"


def make_folder(path: str) -> None:
    """Make a folder, and its parents, for the owner only; what is there is left as it is.

    `os.makedirs` would let others into the parents.
    """
    with reporting(path):
        _make_folder(path)


def unusable(path: str, error: OSError) -> StoreError:
    """The error to raise for a file that could not be read or written."""
    return StoreError(f"{path}: {error.strerror or error}")


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; a single call nearly always does, so that other processes see whole lines."""
    written = os.write(descriptor, data)
    while written < len(data):
        data = data[written:]
        written = os.write(descriptor, data)


def write_file(path: str, data: bytes) -> None:
    """Write a new file of the owner's own."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unusable(path, error) from error


def read_file(path: str) -> bytes | None:
    """The whole of a file; None where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unusable(path, error) from error
    try:
        blocks = []
        while block := os.read(descriptor, 1 << 20):
            blocks.append(block)
        return b"".join(blocks)
    except OSError as error:
        raise unusable(path, error) from error
    finally:
        os.close(descriptor)


def listed(folder: str) -> Sequence[str]:
    """The names in a folder; none where there is no such folder."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise unusable(folder, error) from error


def unlink(path: str) -> None:
    """Remove a file; one that is gone is no error."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise unusable(path, error) from error


def last_lines(path: str, size: int) -> Sequence[bytes]:
    """The whole lines among the last bytes of a file (the first of them may lack its beginning)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ()
    try:
        start = max(os.fstat(descriptor).st_size - size, 0)
        return os.pread(descriptor, size, start).split(b"\n")[:-1]
    finally:
        os.close(descriptor)


def remove_tree(folder: str) -> None:
    """Remove a folder with all that is in it; what cannot be removed stays (`shutil` is slow to import)."""
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            _try(os.unlink, os.path.join(parent, name))
        for name in folders:
            path = os.path.join(parent, name)
            _try(os.unlink if os.path.islink(path) else os.rmdir, path)
    _try(os.rmdir, folder)


@contextmanager
def reporting(path: str) -> Iterator[None]:
    """Whatever the system refuses inside is a `StoreError` about this path."""
    try:
        yield
    except OSError as error:
        raise unusable(path, error) from error


@contextmanager
def locked_file(path: str) -> Iterator[int]:
    """A file (made if need be) that no other process holds at the same time, as a descriptor open for reading and writing.

    Raises `StoreError` where it cannot be had; what is raised inside is passed on as it is.
    """
    with reporting(path):
        descriptor = _open_or_make(path)
    try:
        with reporting(path):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def count_up(path: str) -> int:
    """The next number of a counter that all processes share, from 1 on."""
    with locked_file(path) as descriptor, reporting(path):
        text = os.read(descriptor, 32).strip()
        number = int(text) + 1 if text.isdigit() else 1
        os.pwrite(descriptor, b"%d\n" % number, 0)
        return number


def hold(descriptor: int, path: str) -> None:
    """Become the one holder of an open file's lock, as soon as nobody is."""
    with reporting(path):
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_hold(descriptor: int) -> bool:
    """Become the one holder of an open file's lock, if nobody is."""
    return _try_lock(descriptor, fcntl.LOCK_EX)


def is_held(descriptor: int) -> bool:
    """Whether somebody holds an open file's lock. Others who ask at the same time do not count: the lock that it takes is a shared one."""
    return not _try_lock(descriptor, fcntl.LOCK_SH)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_folder(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        _make_folder(os.path.dirname(path))
        _make_folder(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def _open_or_make(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        return os.open(path, flags, 0o600)


def _try(remove: Callable[[str], None], path: str) -> None:
    try:
        remove(path)
    except OSError:
        return  # pruning is a courtesy: what somebody else holds is left for the next time

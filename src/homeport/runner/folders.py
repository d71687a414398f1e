"""Makes and removes folders without the weight of `pathlib`, `shutil` and `tempfile` (their import takes longer than a job's start)."""

import errno
import os
import stat


def make_folder(path: str) -> None:
    """Make a folder and what is missing above it."""
    try:
        os.mkdir(path)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        try:
            os.mkdir(path)
        except FileExistsError:
            return  # another job's thread was quicker


def remove_tree(path: str) -> None:
    """Remove a file or folder with all that is in it. Links are not followed; what is gone already is no matter.

    Folders without write permission (module caches make such) are opened first. Raises `OSError` for what cannot be removed.
    """
    try:
        if os.path.islink(path):
            os.unlink(path)
        else:
            _remove_folder(path)
    except NotADirectoryError:
        os.unlink(path)
    except FileNotFoundError:
        return
    except RecursionError:
        _remove_level_by_level(path)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        _remove_level_by_level(path)


def _remove_level_by_level(path: str) -> None:
    """For what is nested deeper than paths and Python's stack can be: each folder is moved to the top before it is looked into."""
    names = os.listdir(path)
    while names:
        place = f"{path}/{names.pop()}"
        if os.path.islink(place) or not os.path.isdir(place):
            os.unlink(place)
            continue
        os.chmod(place, stat.S_IRWXU)
        for entry in list(os.scandir(place)):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, stat.S_IRWXU)  # its own entry `..` changes with the move
                names.append(f"removing-{os.urandom(16).hex()}")
                os.rename(entry.path, f"{path}/{names[-1]}")
            else:
                os.unlink(entry.path)
        os.rmdir(place)
    os.rmdir(path)


def _remove_folder(path: str) -> None:
    try:
        entries = list(os.scandir(path))
    except PermissionError:
        os.chmod(path, stat.S_IRWXU)
        entries = list(os.scandir(path))
    opened = False
    for entry in entries:
        try:
            _remove_entry(entry)
        except PermissionError:
            if opened:
                raise
            os.chmod(path, stat.S_IRWXU)
            opened = True
            _remove_entry(entry)
    os.rmdir(path)


def _remove_entry(entry: "os.DirEntry[str]") -> None:
    try:
        if entry.is_dir(follow_symlinks=False):
            _remove_inner_folder(entry.path)
        else:
            os.unlink(entry.path)
    except FileNotFoundError:
        return


def _remove_inner_folder(path: str) -> None:
    """Many are empty, which is quicker to try than to look."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError:
        _remove_folder(path)


def write_file(path: str, content: bytes) -> None:
    """Make a new file that only its owner may read; a short write (a full disk) raises `OSError`, as an impossible one does."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def read_file(path: str) -> bytes:
    """The whole of a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)

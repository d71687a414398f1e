"""Where the entries of an archive may be written: never outside its roots, and never through a link that leads outside."""

import os
from collections.abc import Sequence


class UnsafeArchiveError(ValueError):
    """The archive tries to write where it must not, or grows beyond what it said or the disk holds."""


class CorruptArchiveError(ValueError):
    """The archive is damaged, cut off, or of a kind that is not understood."""


class Destination:
    """A folder that names are relative to, and the roots (files or folders) below which writing is allowed.

    Names that are absolute or hold `..` are accepted where they end below a root, as caches of `~/.cache` need it. A folder on
    the way that is a link is followed only where it stays below the root. Used by one thread.
    """

    def __init__(self, folder: str, roots: Sequence[str] | None = None) -> None:
        self._folder = os.path.abspath(folder)
        self._roots = tuple(os.path.abspath(os.path.join(folder, root)) for root in roots or (folder,))
        self._real_roots = {root: os.path.realpath(root) for root in self._roots}
        self._safe_folders: set[str] = set()

    def locate(self, name: str) -> str:
        """The absolute path of an entry, its parent folders made. Raises `UnsafeArchiveError`, `OSError`."""
        path, root = self._place(name)
        parent = os.path.dirname(path)
        if path == root:
            os.makedirs(parent, exist_ok=True)
        elif parent not in self._safe_folders:
            self._make_folder(parent, root, name)
        return path

    def make_folder(self, name: str) -> str:
        """Make the folder that an entry names, and give its path."""
        path, root = self._place(name)
        if path not in self._safe_folders:
            self._make_folder(path, root, name)
        return path

    def _place(self, name: str) -> tuple[str, str]:
        if not name or "\0" in name:
            raise UnsafeArchiveError(f"the archive has an entry with an impossible name: {name!r}")
        path = os.path.normpath(os.path.join(self._folder, name))
        for root in self._roots:
            if path == root or path.startswith(root.rstrip("/") + "/"):
                return path, root
        raise UnsafeArchiveError(f"the archive has an entry that would be written outside: {name!r}")

    def _make_folder(self, folder: str, root: str, name: str) -> None:
        existing = folder
        while existing != root and not os.path.lexists(existing):
            existing = os.path.dirname(existing)
        real_root = self._real_roots[root]
        real = os.path.realpath(existing)
        if real != real_root and not real.startswith(real_root.rstrip("/") + "/"):
            raise UnsafeArchiveError(f"the archive has an entry that would be written through a link: {name!r}")
        os.makedirs(folder, exist_ok=True)
        self._safe_folders.add(folder)


def create_file(path: str, mode: int = 0o644) -> int:
    """A descriptor of a new, empty file; what stood there before is replaced (a link itself, never its target)."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, mode)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, mode)


def write_all(descriptor: int, data: "bytes | memoryview") -> None:
    """Write every byte."""
    written = os.write(descriptor, data)
    if written == len(data):
        return
    view = memoryview(data)
    while written < len(view):
        written += os.write(descriptor, view[written:])


def free_bytes(folder: str) -> int:
    """What the disk below a folder (or below its nearest existing parent) still takes from this user."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder) or "/"
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize

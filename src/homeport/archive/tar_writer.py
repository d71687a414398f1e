"""Writes tar streams: files, folders and links as they stand, with names relative to one folder."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator

from homeport.archive import tar_layout as layout

_BLOCK = 1 << 20
_BUFFER = 256 << 10
Write = Callable[["bytes | memoryview"], None]
"""Takes bytes that are good until it returns."""


def write_tar(write: Write, folder: str, paths: Iterable[str]) -> int:
    """Write a tar of these absolute paths, folders with all that is below them; gives how many members it has.

    Names are relative to `folder` and may begin with `..` (as GitHub's caches of `~/.cache` do). A file that has several names is
    stored once. Sockets and devices are left out. Raises `OSError`; a file that shrinks meanwhile is an error.
    """
    seen: dict[tuple[int, int], str] = {}
    count = 0
    for path, status in _walk(paths):
        name = os.path.relpath(path, folder)
        mode = status.st_mode
        if stat.S_ISDIR(mode):
            write(_header(name + "/", status, layout.FOLDER))
        elif stat.S_ISLNK(mode):
            write(_header(name, status, layout.SYMBOLIC_LINK, link=os.readlink(path)))
        elif not stat.S_ISREG(mode):
            continue
        elif status.st_nlink > 1 and (first := seen.setdefault((status.st_dev, status.st_ino), name)) != name:
            write(_header(name, status, layout.HARD_LINK, link=first))
        else:
            _write_file(write, name, path)
        count += 1
    write(b"\0" * (2 * layout.BLOCK))
    return count


def _walk(paths: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Every path once, folders before what they hold, in the order of names."""
    given: set[str] = set()
    for path in paths:
        stack = [path]
        while stack:
            current = stack.pop()
            if current in given:
                continue
            given.add(current)
            status = os.lstat(current)
            yield current, status
            if stat.S_ISDIR(status.st_mode):
                stack.extend(os.path.join(current, name) for name in sorted(os.listdir(current), reverse=True))


def _write_file(write: Write, name: str, path: str) -> None:
    source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(source)
        size = status.st_size
        header = _header(name, status, b"0", size=size)
        if size <= _BLOCK:
            data = os.read(source, size) if size else b""
            if len(data) != size:
                raise OSError(f"{name} changed while it was being read")
            write(b"".join((header, data, b"\0" * layout.padding(size))))
            return
        write(header)
        left = size
        buffer = memoryview(bytearray(_BUFFER))
        while left:
            count = os.readv(source, [buffer[:left]])
            if not count:
                raise OSError(f"{name} changed while it was being read")
            write(buffer[:count])
            left -= count
        write(b"\0" * layout.padding(size))
    finally:
        os.close(source)


def _header(name: str, status: os.stat_result, kind: bytes, *, size: int = 0, link: str = "") -> bytes:
    raw_name, raw_link = os.fsencode(name), os.fsencode(link)
    records = b""
    if len(raw_name) > 100:
        records += _pax_record(b"path", raw_name)
    if len(raw_link) > 100:
        records += _pax_record(b"linkpath", raw_link)
    if size > layout.LARGEST_OCTAL:
        records += _pax_record(b"size", b"%d" % size)
        size = 0
    mode, moment = stat.S_IMODE(status.st_mode), int(max(0, status.st_mtime))
    header = _block(raw_name[:100], mode, size, moment, kind, raw_link[:100])
    if records:
        pax = _block(b"PaxHeader", 0o644, len(records), moment, layout.PAX, b"")
        header = b"".join((pax, records, b"\0" * layout.padding(len(records)), header))
    return header


def _block(name: bytes, mode: int, size: int, moment: int, kind: bytes, link: bytes) -> bytes:
    block = layout.HEADER.pack(
        name, b"%07o\0" % mode, b"%07o\0" % 0, b"%07o\0" % 0, b"%011o\0" % size, b"%011o\0" % moment, b" " * 8, kind,
        link, b"ustar\0", b"00", b"", b"", b"", b"", b"",
    )  # fmt: skip
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _pax_record(key: bytes, value: bytes) -> bytes:
    """A length, a blank, `key=value` and a line feed; the length counts itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)

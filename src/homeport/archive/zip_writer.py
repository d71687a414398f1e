"""Writes zip files: small files in one go, large ones in a stream, what does not shrink as it is and without being read.

Nothing waits for anything that can be done beside it: the archive is hashed while it grows, and large files are deflated on all cores.
"""

import os
import struct
import time
import zlib
from collections.abc import Iterable

import msgspec

from homeport.archive import zip_layout as layout
from homeport.archive.copying import PART, Checksum, copy_part
from homeport.archive.following_digest import FollowingDigest
from homeport.archive.parallel_deflate import deflate
from homeport.ports.checks import Check, go_on

_BLOCK = 1 << 20
_WHOLE = 4 << 20
"""files up to this size are packed in memory"""
_SAMPLE = 32 << 10
_SAMPLES = 3
_PAGE = 4096
_WORTHWHILE = 0.97
"""a sample that keeps more than this of its size is stored, whatever level was asked for"""


class _Entry(msgspec.Struct, frozen=True):
    name: bytes
    flags: int
    method: int
    moment: tuple[int, int]
    crc: int
    packed_size: int
    size: int
    offset: int


class PackedZip(msgspec.Struct, frozen=True, kw_only=True):
    """A finished archive: its size, its SHA-256 in hex, and where its directory begins."""

    size: int
    digest: str
    directory: int


class _Output:
    """The file being written: its position; the digest follows it."""

    def __init__(self, descriptor: int, digest: FollowingDigest, check: Check) -> None:
        self.descriptor = descriptor
        self.position = 0
        self.check = check
        self._digest = digest

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = os.pwrite(self.descriptor, view, self.position)
            self.position += count
            view = view[count:]
        self._digest.advance(self.position)

    def copy(self, source: int, start: int) -> int:
        """Copy a part of another file; gives its size, 0 at that file's end."""
        count = copy_part(source, start, self.descriptor, self.position, PART)
        self.position += count
        self._digest.advance(self.position)
        return count


def write_zip(descriptor: int, files: Iterable[tuple[str, str]], level: int = 6, check: Check = go_on) -> PackedZip:
    """Pack files, given as (name in the archive, path on this machine), into an empty file, open for reading and writing; links
    are followed.

    `level` is zlib's, 0 (store) to 9. Permissions are not kept: every entry is `rw-r--r--`, as the artifacts of GitHub have it.
    `check` is called now and then. Raises `OSError`; `ValueError` where two entries have one name; what `check` raises.
    """
    entries: list[_Entry] = []
    names: set[str] = set()
    with FollowingDigest(descriptor) as digest:
        output = _Output(descriptor, digest, check)
        for name, path in files:
            if name in names:
                raise ValueError(f"two files would have the name {name!r} in the archive")
            names.add(name)
            check()
            entries.append(_write_file(output, name, path, level))
        directory = output.position
        _write_directory(output, entries)
        return PackedZip(size=output.position, digest=digest.finish(), directory=directory)


def _write_file(output: _Output, name: str, path: str, level: int) -> _Entry:
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(source)
        moment = _dos_moment(status.st_mtime)
        if status.st_size <= _WHOLE:
            return _write_whole(output, name, source, moment, level)
        if level > 0 and _shrinks(source, status.st_size):
            return _write_deflated(output, name, source, moment, level)
        return _write_stored(output, name, source, moment)
    finally:
        os.close(source)


def _write_whole(output: _Output, name: str, source: int, moment: tuple[int, int], level: int) -> _Entry:
    data = b"".join(_blocks(source))
    packed, method = data, layout.STORED
    if level > 0 and data:
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        shrunk = packer.compress(data) + packer.flush()
        if len(shrunk) < len(data):
            packed, method = shrunk, layout.DEFLATED
    entry = _Entry(
        name.encode(), layout.UTF8_NAME, method, moment, zlib.crc32(data), len(packed), len(data), output.position
    )
    output.write(_local_header(entry) + packed)
    return entry


def _shrinks(source: int, size: int) -> bool:
    """Whether samples from all over a file say that deflating it is worth the while."""
    samples = [os.pread(source, _SAMPLE, size * number // _SAMPLES) for number in range(_SAMPLES)]
    packed = sum(len(zlib.compress(sample, 1)) for sample in samples)
    return packed < _WORTHWHILE * sum(len(sample) for sample in samples)


def _write_stored(output: _Output, name: str, source: int, moment: tuple[int, int]) -> _Entry:
    """The checksum comes after the data, in a descriptor, as GitHub's own client writes what it stores (archiver, `store`): so that
    one pass is enough. The data begins at a page, which lets disks that can share it with the original.
    """
    flags = layout.UTF8_NAME | layout.HAS_DESCRIPTOR
    head = _Entry(name.encode(), flags, layout.STORED, moment, 0, 0, 0, output.position)
    output.write(_local_header(head, align=_PAGE))
    checksum, start, size = Checksum(), output.position, 0
    while count := output.copy(source, size):
        checksum.add(output.descriptor, start + size, count)
        size += count
        output.check()
    _write_descriptor(output, checksum.value, size, size)
    return msgspec.structs.replace(head, crc=checksum.value, packed_size=size, size=size)


def _write_deflated(output: _Output, name: str, source: int, moment: tuple[int, int], level: int) -> _Entry:
    flags = layout.UTF8_NAME | layout.HAS_DESCRIPTOR
    head = _Entry(name.encode(), flags, layout.DEFLATED, moment, 0, 0, 0, output.position)
    output.write(_local_header(head))
    start, crc, size = output.position, 0, 0

    def blocks() -> Iterable[bytes]:
        nonlocal crc, size
        for block in _blocks(source):
            output.check()
            crc, size = zlib.crc32(block, crc), size + len(block)
            yield block

    for packed in deflate(blocks(), level):
        output.write(packed)
    packed_size = output.position - start
    _write_descriptor(output, crc, packed_size, size)
    return msgspec.structs.replace(head, crc=crc, packed_size=packed_size, size=size)


def _write_descriptor(output: _Output, crc: int, packed_size: int, size: int) -> None:
    descriptor = layout.DESCRIPTOR_64 if max(size, packed_size) >= layout.FULL_32 else layout.DESCRIPTOR
    output.write(descriptor.pack(layout.DESCRIPTOR_SIGNATURE, crc, packed_size, size))


def _blocks(source: int) -> Iterable[bytes]:
    while block := os.read(source, _BLOCK):
        yield block


def _local_header(entry: _Entry, align: int = 1) -> bytes:
    """`align`: the data begins at a multiple of it; the room before is a field that readers pass over."""
    extra = b""
    end = entry.offset + layout.LOCAL_HEADER.size + len(entry.name)
    if end % align:
        room = -(end + layout.PADDING.size) % align
        extra = layout.PADDING.pack(layout.PADDING_FIELD, room + 2, align) + bytes(room)
    return (
        layout.LOCAL_HEADER.pack(
            layout.LOCAL_SIGNATURE, 20, entry.flags, entry.method, *entry.moment,
            entry.crc, entry.packed_size, entry.size, len(entry.name), len(extra),
        )
        + entry.name
        + extra
    )  # fmt: skip


def _central_header(entry: _Entry) -> bytes:
    numbers = [entry.size, entry.packed_size, entry.offset]
    large = [number for number in numbers if number >= layout.FULL_32]
    size, packed_size, offset = (min(number, layout.FULL_32) for number in numbers)
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version = 45 if large else 20
    mode = 0o100644 << 16
    return (
        layout.CENTRAL_HEADER.pack(
            layout.CENTRAL_SIGNATURE, 3 << 8 | version, version, entry.flags, entry.method, *entry.moment,
            entry.crc, packed_size, size, len(entry.name), len(extra), 0, 0, 0, mode, offset,
        )
        + entry.name
        + extra
    )  # fmt: skip


def _write_directory(output: _Output, entries: list[_Entry]) -> None:
    start = output.position
    output.write(b"".join(_central_header(entry) for entry in entries))
    size, count = output.position - start, len(entries)
    if count >= layout.FULL_16 or max(start, size) >= layout.FULL_32:
        end_64 = output.position
        output.write(
            layout.END_RECORD_64.pack(layout.END_SIGNATURE_64, 44, 3 << 8 | 45, 45, 0, 0, count, count, size, start)
            + layout.END_LOCATOR_64.pack(layout.LOCATOR_SIGNATURE, 0, end_64, 1)
        )
    short = min(count, layout.FULL_16)
    output.write(
        layout.END_RECORD.pack(
            layout.END_SIGNATURE, 0, 0, short, short, min(size, layout.FULL_32), min(start, layout.FULL_32), 0
        )
    )


def _dos_moment(seconds: float) -> tuple[int, int]:
    """(time, date) in the form of zip files: local time, 1980 to 2107, two seconds fine."""
    year, month, day, hour, minute, second = time.localtime(seconds)[:6]
    if not 1980 <= year <= 2107:
        year, month, day, hour, minute, second = (1980, 1, 1, 0, 0, 0) if year < 1980 else (2107, 12, 31, 23, 59, 58)
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day

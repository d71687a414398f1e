"""Writes zip files: small ones in one go, large ones in a stream, what does not shrink as it is."""

import hashlib
import os
import struct
import time
import zlib
from collections.abc import Iterable

import msgspec

from homeport.archive import zip_layout as layout
from homeport.archive.destination import write_all

_BLOCK = 1 << 20
_WHOLE = 4 << 20
"""files up to this size are packed in memory"""
_SAMPLE = 64 << 10
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


class _Output:
    """The file being written: its position and the digest of everything before it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.position = 0
        self.digest = hashlib.sha256()

    def write(self, data: "bytes | memoryview") -> None:
        write_all(self.descriptor, data)
        self.digest.update(data)
        self.position += len(data)


def write_zip(descriptor: int, files: Iterable[tuple[str, str]], level: int = 6) -> tuple[int, str]:
    """Pack files, given as (name in the archive, path on this machine), into an open, empty file; links are followed.

    Gives the archive's size and its SHA-256 in hex. `level` is zlib's, 0 (store) to 9. Permissions are not kept: every entry is
    `rw-r--r--`, as the artifacts of GitHub have it. Raises `OSError`; `ValueError` where two entries have one name.
    """
    output = _Output(descriptor)
    entries: list[_Entry] = []
    names: set[str] = set()
    for name, path in files:
        if name in names:
            raise ValueError(f"two files would have the name {name!r} in the archive")
        names.add(name)
        entries.append(_write_file(output, name, path, level))
    _write_directory(output, entries)
    return output.position, output.digest.hexdigest()


def _write_file(output: _Output, name: str, path: str, level: int) -> _Entry:
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(source)
        moment = _dos_moment(status.st_mtime)
        if status.st_size <= _WHOLE:
            return _write_whole(output, name, source, moment, level)
        sample = os.pread(source, _SAMPLE, status.st_size // 2)
        shrinks = level > 0 and len(zlib.compress(sample, 1)) < _WORTHWHILE * len(sample)
        if shrinks:
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


def _write_stored(output: _Output, name: str, source: int, moment: tuple[int, int]) -> _Entry:
    """Two passes over the file, so that its header is complete before its data: readers that stream need that of stored entries."""
    crc, size = 0, 0
    for block in _blocks(source):
        crc, size = zlib.crc32(block, crc), size + len(block)
    entry = _Entry(name.encode(), layout.UTF8_NAME, layout.STORED, moment, crc, size, size, output.position)
    output.write(_local_header(entry))
    os.lseek(source, 0, os.SEEK_SET)
    written = 0
    for block in _blocks(source):
        written += len(block)
        output.write(block)
    if written != size:
        raise OSError(f"{name} changed while it was being read")
    return entry


def _write_deflated(output: _Output, name: str, source: int, moment: tuple[int, int], level: int) -> _Entry:
    flags = layout.UTF8_NAME | layout.HAS_DESCRIPTOR
    head = _Entry(name.encode(), flags, layout.DEFLATED, moment, 0, 0, 0, output.position)
    output.write(_local_header(head))
    start = output.position
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    crc, size = 0, 0
    for block in _blocks(source):
        crc, size = zlib.crc32(block, crc), size + len(block)
        if packed := packer.compress(block):
            output.write(packed)
    output.write(packer.flush())
    packed_size = output.position - start
    descriptor = layout.DESCRIPTOR_64 if max(size, packed_size) >= layout.FULL_32 else layout.DESCRIPTOR
    output.write(descriptor.pack(layout.DESCRIPTOR_SIGNATURE, crc, packed_size, size))
    return msgspec.structs.replace(head, crc=crc, packed_size=packed_size, size=size)


def _blocks(source: int) -> Iterable[bytes]:
    while block := os.read(source, _BLOCK):
        yield block


def _local_header(entry: _Entry) -> bytes:
    extra = b""
    packed_size, size = entry.packed_size, entry.size
    if max(packed_size, size) >= layout.FULL_32:
        extra = struct.pack("<2H2Q", 1, 16, size, packed_size)
        packed_size = size = layout.FULL_32
    return (
        layout.LOCAL_HEADER.pack(
            layout.LOCAL_SIGNATURE, 45 if extra else 20, entry.flags, entry.method, *entry.moment,
            entry.crc, packed_size, size, len(entry.name), len(extra),
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

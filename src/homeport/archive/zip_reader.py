"""Reads zip files that may be damaged or malicious: lists them, and unpacks them into one folder and nowhere else."""

import os
import struct
import zlib
from collections.abc import Iterator

import msgspec

from homeport.archive import zip_layout as layout
from homeport.archive.copying import PART, Checksum, copy_part
from homeport.archive.destination import (
    CorruptArchiveError,
    Destination,
    UnsafeArchiveError,
    create_file,
    free_bytes,
    write_all,
)
from homeport.ports.checks import Check, go_on

_BLOCK = 1 << 20
_LARGE = 16 << 20
"""stored files of this size and more are copied by one thread and summed by another"""
_DIRECTORY_LIMIT = 256 << 20
_LINK = 0o120000
_KIND = 0o170000
_UNIX = 3


class ZipEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as the archive's directory describes it."""

    name: str
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int
    is_folder: bool
    is_link: bool


def extract_zip(path: str, folder: str, check: Check = go_on) -> tuple[int, int]:
    """Unpack an archive into a folder (made if need be); gives (files, bytes). Files that are there are replaced.

    Everything is checked before a byte is written: names that leave the folder, links, encryption, entries that share bytes
    (which is how small archives become huge), and whether the whole fits on the disk. While writing, no entry may grow beyond the
    size that it declared. `check` is called now and then. Raises `UnsafeArchiveError`, `CorruptArchiveError` (both `ValueError`),
    `OSError`, and what `check` raises.
    """
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        entries, starts = _checked_entries(source)
        total = sum(entry.size for entry in entries)
        available = free_bytes(os.path.abspath(folder))
        if total > available:
            raise UnsafeArchiveError(f"the archive holds {total} bytes, but only {available} are free on the disk")
        os.makedirs(folder, exist_ok=True)
        destination = Destination(folder)
        files = [entry for entry in entries if not entry.is_folder]
        for entry in entries:
            _check_name(entry)
        for entry in entries:
            if entry.is_folder:
                destination.make_folder(entry.name.rstrip("/"))
        for entry in files:
            check()
            _extract(source, entry, starts[entry.offset], destination.locate(entry.name), check)
    finally:
        os.close(source)
    return len(files), total


def list_zip(path: str) -> list[ZipEntry]:
    """The archive's entries in the order of its directory. Raises `CorruptArchiveError`, `OSError`."""
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return list(_read_directory(source)[0])
    finally:
        os.close(source)


def _check_name(entry: ZipEntry) -> None:
    parts = entry.name.rstrip("/").split("/")
    if entry.name.startswith("/") or "\\" in entry.name or ".." in parts:
        raise UnsafeArchiveError(f"the archive has an entry that would be written outside: {entry.name!r}")
    if entry.is_link:
        raise UnsafeArchiveError(f"the archive has a symbolic link, which is not unpacked: {entry.name!r}")


def _checked_entries(source: int) -> tuple[list[ZipEntry], dict[int, int]]:
    """The entries, and where the data of each begins (by the offset of its header)."""
    entries, directory_start = _read_directory(source)
    starts: dict[int, int] = {}
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset < end:
            raise UnsafeArchiveError(f"entries of the archive share their bytes: {entry.name!r}")
        start = _data_start(source, entry)
        end = start + entry.packed_size
        if end > directory_start:
            raise CorruptArchiveError(f"the archive is cut off within {entry.name!r}")
        starts[entry.offset] = start
    return entries, starts


def _data_start(source: int, entry: ZipEntry) -> int:
    header = os.pread(source, layout.LOCAL_HEADER.size, entry.offset)
    if len(header) < layout.LOCAL_HEADER.size or not header.startswith(layout.LOCAL_SIGNATURE):
        raise CorruptArchiveError(f"the archive has no data for {entry.name!r}")
    fields = layout.LOCAL_HEADER.unpack(header)
    if entry.flags & layout.ENCRYPTED:
        raise CorruptArchiveError(f"the archive is encrypted: {entry.name!r}")
    if entry.method not in {layout.STORED, layout.DEFLATED}:
        raise CorruptArchiveError(f"the archive uses compression method {entry.method} for {entry.name!r}")
    return entry.offset + layout.LOCAL_HEADER.size + int(fields[9]) + int(fields[10])


def _extract(source: int, entry: ZipEntry, start: int, path: str, check: Check) -> None:
    target = create_file(path)
    complete = False
    try:
        if entry.method == layout.STORED and entry.packed_size >= _LARGE:
            crc, size = _copy_stored(source, entry, start, target, check)
        else:
            crc, size = _unpack(source, entry, start, target, check)
        if size != entry.size or crc != entry.crc:
            raise CorruptArchiveError(f"{entry.name!r} is damaged in the archive")
        complete = True
    finally:
        os.close(target)
        if not complete:
            os.unlink(path)


def _unpack(source: int, entry: ZipEntry, start: int, target: int, check: Check) -> tuple[int, int]:
    """Write the content; gives its checksum and size."""
    crc, size = 0, 0
    for block in _content(source, entry, start):
        check()
        size += len(block)
        if size > entry.size:
            raise UnsafeArchiveError(f"{entry.name!r} is larger than the archive says")
        crc = zlib.crc32(block, crc)
        write_all(target, block)
    return crc, size


def _copy_stored(source: int, entry: ZipEntry, start: int, target: int, check: Check) -> tuple[int, int]:
    # only for large files
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    checksum = Checksum()
    with ThreadPoolExecutor(1, thread_name_prefix="checksum") as pool:
        summed = pool.submit(checksum.add, source, start, entry.packed_size)
        size = 0
        while size < entry.packed_size:
            check()
            count = copy_part(source, start + size, target, size, min(PART, entry.packed_size - size))
            if not count:
                raise CorruptArchiveError(f"the archive is cut off within {entry.name!r}")
            size += count
        return checksum.value if summed.result() == size else -1, size


def _content(source: int, entry: ZipEntry, start: int) -> Iterator[bytes]:
    """The unpacked bytes in blocks; at most one block more than declared is ever made."""
    position, end = start, start + entry.packed_size
    unpacker = zlib.decompressobj(-15) if entry.method == layout.DEFLATED else None
    while position < end:
        packed = os.pread(source, min(_BLOCK, end - position), position)
        if not packed:
            raise CorruptArchiveError(f"the archive is cut off within {entry.name!r}")
        position += len(packed)
        if unpacker is None:
            yield packed
            continue
        while packed:
            try:
                block = unpacker.decompress(packed, _BLOCK)
            except zlib.error as error:
                raise CorruptArchiveError(f"{entry.name!r} is damaged in the archive: {error}") from error
            if not block:
                break
            yield block
            packed = unpacker.unconsumed_tail
    if unpacker is not None and (rest := unpacker.flush()):
        yield rest


def _read_directory(source: int) -> tuple[list[ZipEntry], int]:
    length = os.fstat(source).st_size
    count, size, start = _find_directory(source, length)
    if start + size > length or size > _DIRECTORY_LIMIT:
        raise CorruptArchiveError("the archive's directory is damaged")
    directory = os.pread(source, size, start)
    entries: list[ZipEntry] = []
    position = 0
    for _ in range(count):
        header = directory[position : position + layout.CENTRAL_HEADER.size]
        if len(header) < layout.CENTRAL_HEADER.size or not header.startswith(layout.CENTRAL_SIGNATURE):
            raise CorruptArchiveError("the archive's directory is damaged")
        entry, position = _parse_entry(directory, position, layout.CENTRAL_HEADER.unpack(header))
        entries.append(entry)
    return entries, start


def _parse_entry(directory: bytes, position: int, fields: tuple[int, ...]) -> tuple[ZipEntry, int]:
    made_by, flags, method, crc = fields[1], fields[3], fields[4], fields[7]
    packed_size, size, name_length, extra_length, comment_length = fields[8:13]
    mode, offset = fields[15] >> 16, fields[16]
    name_start = position + layout.CENTRAL_HEADER.size
    extra_start = name_start + name_length
    raw = directory[name_start:extra_start]
    extra = directory[extra_start : extra_start + extra_length]
    size, packed_size, offset = _large_numbers(extra, [size, packed_size, offset])
    name = _decode_name(raw, utf8=bool(flags & layout.UTF8_NAME))
    if len(raw) < name_length:
        raise CorruptArchiveError("the archive's directory is cut off")
    entry = ZipEntry(
        name=name,
        flags=flags,
        method=method,
        crc=crc,
        packed_size=packed_size,
        size=size,
        offset=offset,
        is_folder=name.endswith("/"),
        is_link=made_by >> 8 == _UNIX and mode & _KIND == _LINK,
    )
    return entry, extra_start + extra_length + comment_length


def _decode_name(raw: bytes, *, utf8: bool) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        if utf8:
            raise CorruptArchiveError(f"the archive has an entry whose name is not text: {raw!r}") from None
        return raw.decode("cp437")


def _large_numbers(extra: bytes, numbers: list[int]) -> list[int]:
    """The sizes and the offset, those that did not fit in 32 bits taken from the extra field of 64-bit archives."""
    if layout.FULL_32 not in numbers:
        return numbers
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        position += 4
        if kind == 1:
            field = extra[position : position + length]
            wide = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            return [next(wide, number) if number == layout.FULL_32 else number for number in numbers]
        position += length
    return numbers


def _find_directory(source: int, length: int) -> tuple[int, int, int]:
    """(entries, size, offset) of the archive's directory, from the record at its end."""
    tail_start = max(0, length - layout.END_RECORD.size - layout.FULL_16 - layout.END_LOCATOR_64.size)
    tail = os.pread(source, length - tail_start, tail_start)
    place = tail.rfind(layout.END_SIGNATURE)
    if place < 0 or len(tail) - place < layout.END_RECORD.size:
        raise CorruptArchiveError("this is not a zip file, or its end is missing")
    fields = layout.END_RECORD.unpack_from(tail, place)
    count, size, start = fields[4], fields[5], fields[6]
    locator = place - layout.END_LOCATOR_64.size
    if locator >= 0 and tail.startswith(layout.LOCATOR_SIGNATURE, locator):
        offset = layout.END_LOCATOR_64.unpack_from(tail, locator)[2]
        record = os.pread(source, layout.END_RECORD_64.size, min(offset, length))
        if len(record) < layout.END_RECORD_64.size or not record.startswith(layout.END_SIGNATURE_64):
            raise CorruptArchiveError("the archive's end is damaged")
        count, size, start = layout.END_RECORD_64.unpack(record)[7:10]
    return count, size, start

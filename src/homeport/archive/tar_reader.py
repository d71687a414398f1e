"""Reads tar streams that may be damaged or malicious, and unpacks them below given roots and nowhere else."""

import os
import stat
from collections.abc import Callable

import msgspec

from homeport.archive import tar_layout as layout
from homeport.archive.destination import (
    CorruptArchiveError,
    Destination,
    UnsafeArchiveError,
    create_file,
    free_bytes,
    write_all,
)

_BLOCK = 1 << 20
_LONGEST_RECORDS = 1 << 20
"""what the records of one member may take: names are short, a claim of more is an attack"""

Read = Callable[[int], "bytes | memoryview"]
"""Up to so many bytes, at least one until the end of the stream; good until the next call."""


class _Member(msgspec.Struct):
    name: str
    kind: bytes
    size: int
    mode: int
    moment: int
    link: str


class _Stream:
    """Exact reads from a source that gives what it has. Parts are handed on as views: nothing is copied on the way to a file."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._buffer = memoryview(b"")
        self._position = 0

    def exactly(self, size: int) -> bytes:
        """So many bytes, fewer only at the end of the stream."""
        end = self._position + size
        if end <= len(self._buffer):
            data = bytes(self._buffer[self._position : end])
            self._position = end
            return data
        parts: list[bytes] = []
        while size > 0 and (block := self.some(size)):
            parts.append(bytes(block))
            size -= len(block)
        return b"".join(parts)

    def some(self, limit: int) -> memoryview:
        """What is there, at most so many bytes; nothing only at the end. Good until the next call."""
        if self._position == len(self._buffer):
            self._buffer, self._position = memoryview(self._read(_BLOCK)), 0
        block = self._buffer[self._position : self._position + limit]
        self._position += len(block)
        return block


def extract_tar(read: Read, folder: str, roots: "list[str]") -> tuple[int, int]:
    """Unpack a stream whose names are relative to `folder`, writing only at or below `roots`; gives (files, bytes).

    Files that are there are replaced, times and permissions (without set-id bits) are restored. Symbolic links are made as they
    are, but never written through; a hard link must lead to a file below the roots. Raises `UnsafeArchiveError`,
    `CorruptArchiveError` (both `ValueError`), `OSError`. What was unpacked before the error stays.
    """
    stream = _Stream(read)
    destination = Destination(folder, roots)
    budget = free_bytes(folder)
    folders: list[tuple[str, _Member]] = []
    files, total = 0, 0
    while (member := _next_member(stream)) is not None:
        total += member.size
        if total > budget:
            raise UnsafeArchiveError(f"the archive holds more than the {budget} bytes that are free on the disk")
        if member.kind == layout.FOLDER:
            folders.append((destination.make_folder(member.name), member))
        else:
            _extract(stream, member, destination)
            files += 1
    for path, member in reversed(folders):
        os.chmod(path, member.mode | 0o700)
        os.utime(path, (member.moment, member.moment))
    return files, total


def _extract(stream: _Stream, member: _Member, destination: Destination) -> None:
    path = destination.locate(member.name)
    if member.kind in layout.REGULAR:
        _extract_file(stream, member, path)
    elif member.kind == layout.SYMBOLIC_LINK:
        _make_room(path)
        os.symlink(member.link, path)
    elif member.kind == layout.HARD_LINK:
        target = destination.locate(member.link)
        if not stat.S_ISREG(os.lstat(target).st_mode):
            raise UnsafeArchiveError(f"the archive has a hard link to what is not a file: {member.name!r}")
        _make_room(path)
        os.link(target, path, follow_symlinks=False)
    else:
        raise UnsafeArchiveError(f"the archive has a member that is neither file, folder nor link: {member.name!r}")


def _extract_file(stream: _Stream, member: _Member, path: str) -> None:
    target = create_file(path, 0o600)
    try:
        left = member.size
        while left:
            block = stream.some(left)
            if not block:
                raise CorruptArchiveError(f"the archive is cut off within {member.name!r}")
            write_all(target, block)
            left -= len(block)
        stream.exactly(layout.padding(member.size))
        os.fchmod(target, member.mode)
        os.utime(target, (member.moment, member.moment))
    finally:
        os.close(target)


def _make_room(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)


def _next_member(stream: _Stream) -> _Member | None:
    """The next member with what the records before it said about it; None at the archive's end."""
    overrides: dict[str, str] = {}
    while True:
        block = stream.exactly(layout.BLOCK)
        if not block.strip(b"\0") and len(block) == layout.BLOCK:
            return None
        member = _parse_header(block)
        if member.kind in {layout.PAX, layout.PAX_GLOBAL, layout.GNU_LONG_NAME, layout.GNU_LONG_LINK}:
            overrides |= _read_records(stream, member)
            continue
        member.name = overrides.get("path", member.name)
        member.link = overrides.get("linkpath", member.link)
        if "size" in overrides:
            member.size = _decimal(overrides["size"])
        if "mtime" in overrides:
            member.moment = _decimal(overrides["mtime"].partition(".")[0])
        if any(key.startswith("GNU.sparse") for key in overrides):
            raise CorruptArchiveError(f"the archive holds a sparse file, which is not understood: {member.name!r}")
        if member.kind not in layout.REGULAR:
            member.size = 0
        return member


def _read_records(stream: _Stream, member: _Member) -> dict[str, str]:
    if member.size > _LONGEST_RECORDS:
        raise CorruptArchiveError("the archive describes a member at impossible length")
    data = stream.exactly(member.size)
    stream.exactly(layout.padding(member.size))
    if len(data) != member.size:
        raise CorruptArchiveError("the archive is cut off")
    if member.kind == layout.PAX_GLOBAL:
        return {}
    if member.kind == layout.PAX:
        return _parse_pax(data)
    text = os.fsdecode(data.rstrip(b"\0"))
    return {"path" if member.kind == layout.GNU_LONG_NAME else "linkpath": text}


def _parse_pax(data: bytes) -> dict[str, str]:
    records: dict[str, str] = {}
    while data:
        length_text, _, _ = data.partition(b" ")
        length = _decimal(os.fsdecode(length_text))
        record, data = data[:length], data[length:]
        body = record[len(length_text) + 1 : -1]
        key, separator, value = body.partition(b"=")
        if not separator or len(record) != length or not record.endswith(b"\n"):
            raise CorruptArchiveError("the archive has a damaged record")
        records[os.fsdecode(key)] = os.fsdecode(value)
    return records


def _parse_header(block: bytes) -> _Member:
    if len(block) < layout.BLOCK:
        raise CorruptArchiveError("the archive is cut off")
    stored = _number(block[layout.CHECKSUM])
    if sum(block) - sum(block[layout.CHECKSUM]) + 8 * 32 != stored:
        raise CorruptArchiveError("this is not a tar archive, or it is damaged")
    fields = layout.HEADER.unpack(block)
    name, prefix = fields[0].partition(b"\0")[0], b""
    if fields[9] == b"ustar\0":
        prefix = fields[15].partition(b"\0")[0]
    full_name = prefix + b"/" + name if prefix else name
    return _Member(
        name=os.fsdecode(full_name),
        kind=fields[7],
        size=_number(fields[4]),
        mode=_number(fields[1]) & 0o777,
        moment=_number(fields[5]),
        link=os.fsdecode(fields[8].partition(b"\0")[0]),
    )


def _number(field: bytes) -> int:
    """An octal number, or GNU's base-256 form for large ones."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    text = field.split(b"\0", 1)[0].strip()
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise CorruptArchiveError("this is not a tar archive, or it is damaged") from None


def _decimal(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        raise CorruptArchiveError("the archive has a damaged record")
    return int(text)

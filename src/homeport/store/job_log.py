"""The log of one job: appended to while the job runs, packed into compressed blocks when it has ended, read at any time."""

import os
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec

from homeport.ports.repositories import StoreError
from homeport.store.folder import make_folder, unusable, write_all
from homeport.store.log_records import CUT, Block, LogIndex, Record, decode_records, encode_record

LIVE = ".live"
PACKED = ".packed"
_TRAIL = struct.Struct(">IQ")
"""size of the index, mark"""
_PACKED_MARK = 0x686F6D65706F7274
_READ_BYTES = 4 << 20
_LEVEL = 6


class JobLog:
    """`path` is without its ending. One thread appends; any read. `largest`: how many bytes of a log are kept."""

    def __init__(self, path: str, largest: int) -> None:
        self._path = path
        self._largest = largest
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._is_packed = False
        self._missing = 0
        """lines that the disk had no room for, and of which the log does not say so yet"""
        self._index = self._load()

    # --- what may be asked ------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> int:
        """How many there are now."""
        return self._index.lines

    @property
    def size(self) -> int:
        """In bytes as it was written: what `cut` goes by."""
        return self._index.size

    def snapshot(self) -> LogIndex:
        """The index as it is now; it does not change any more."""
        with self._lock:
            index = self._index
            blocks = [*index.blocks[:-1], *(msgspec.structs.replace(block) for block in index.blocks[-1:])]
            segments = [*index.segments[:-1], *(msgspec.structs.replace(last) for last in index.segments[-1:])]
            groups = [*index.groups, (index.opened, index.lines - 1)] if index.depth else list(index.groups)
            return msgspec.structs.replace(index, blocks=blocks, segments=segments, groups=groups)

    def read_blocks(self, line: int) -> Iterator[tuple[Block, Sequence[Record]]]:
        """The records from the block on which holds a line. Raises `StoreError`."""
        while True:
            index = self.snapshot()
            if line >= index.lines:
                return
            try:
                for block in index.blocks_from(line):
                    data = self._read_block(block)
                    line = block.first + block.lines
                    yield block, [record for record, _ in decode_records(data)]
            except FileNotFoundError:
                if self.snapshot().blocks == index.blocks:  # it was not packed meanwhile: it is gone
                    return
            else:
                return

    # --- writing ----------------------------------------------------------------------------------------------------------

    def append(self, record: Record) -> None:
        """Whole lines. What the disk has no room for is left out, and the log says so when there is room again."""
        if self._index.is_cut:
            return
        if self._index.size + len(record.text) > self._largest:
            record = Record(record.step, record.at, 1, _say_cut(self._largest), CUT)
        elif self._missing:
            said = f"##[warning]{self._missing:,} lines are missing here: they could not be written to the disk"
            record = Record(record.step, record.at, record.lines + 1, f"{said}\n{record.text}")
        data = encode_record(record)
        try:
            if self._is_packed:
                self._unpack()
            descriptor = self._open()
            write_all(descriptor, data)
        except OSError:
            self._missing += record.lines - (1 if self._missing else 0)
            self._drop_torn()
            return
        with self._lock:
            self._index.add(record, len(data))
        self._missing = 0

    def sync(self) -> None:
        """What was appended survives the machine. Raises `StoreError`."""
        if self._descriptor is not None:
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                raise unusable(self._path, error) from error

    def cut(self, size: int) -> None:
        """Forget what was written beyond so many bytes, and what could not be written. Raises `StoreError`."""
        self._missing = 0
        if self._index.size <= size and not self._is_packed:
            return
        self.close()
        try:
            if self._is_packed:
                self._unpack()
            with suppress(FileNotFoundError):
                os.truncate(self._path + LIVE, size)
        except OSError as error:
            raise unusable(self._path, error) from error
        with self._lock:
            self._index = self._scan()

    def close(self) -> None:
        """Give back the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def pack(self) -> None:
        """Compress it, where that has not been done; readers notice nothing. Raises `StoreError`."""
        if self._is_packed or not self._index.blocks:
            return
        self.close()
        try:
            packed = self._write_packed()
            with self._lock:
                self._index, self._is_packed = packed, True
            os.unlink(self._path + LIVE)
        except OSError as error:
            raise unusable(self._path, error) from error

    # --- files ------------------------------------------------------------------------------------------------------------

    def _load(self) -> LogIndex:
        index = self._read_packed_index()
        if index is not None:
            self._is_packed = True
            with suppress(FileNotFoundError):
                os.unlink(self._path + LIVE)  # packing was interrupted between its last two steps
            return index
        return self._scan()

    def _scan(self) -> LogIndex:
        """The index of a log that is not packed. A torn end is cut off when something is appended."""
        index = LogIndex(blocks=[], segments=[], groups=[])
        try:
            descriptor = os.open(self._path + LIVE, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return index
        except OSError as error:
            raise unusable(self._path, error) from error
        size = _READ_BYTES
        try:
            while data := os.pread(descriptor, size, index.size):
                before = index.size
                for record, length in decode_records(data):
                    index.add(record, length)
                if index.size == before:
                    if len(data) < size:
                        break
                    size *= 4
        finally:
            os.close(descriptor)
        return index

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            path = self._path + LIVE
            try:
                self._descriptor = os.open(path, flags, 0o600)
            except FileNotFoundError:
                make_folder(os.path.dirname(path))
                self._descriptor = os.open(path, flags, 0o600)
            os.ftruncate(self._descriptor, self._index.size)
        return self._descriptor

    def _drop_torn(self) -> None:
        """A write that failed may have left a part of it."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._index.size)

    def _read_block(self, block: Block) -> bytes:
        ending = PACKED if block.stored_size else LIVE
        descriptor = os.open(self._path + ending, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if not block.stored_size:
                return os.pread(descriptor, block.size, block.offset)
            return zlib.decompress(os.pread(descriptor, block.stored_size, block.stored_offset))
        except zlib.error as error:
            raise StoreError(f"{self._path}{PACKED} is damaged: {error}") from error
        finally:
            os.close(descriptor)

    def _write_packed(self) -> LogIndex:
        """Complete under its name, or not there."""
        index = self.snapshot()
        blocks = []
        part = self._path + PACKED + ".part"
        with open(part, "wb", opener=_open_own) as file:
            for block in index.blocks:
                stored = zlib.compress(self._read_block(block), _LEVEL)
                position = file.tell()
                file.write(stored)
                blocks.append(msgspec.structs.replace(block, stored_offset=position, stored_size=len(stored)))
            packed = msgspec.structs.replace(index, blocks=blocks, depth=0)
            footer = zlib.compress(msgspec.msgpack.encode(packed))
            file.write(footer + _TRAIL.pack(len(footer), _PACKED_MARK))
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, self._path + PACKED)
        return packed

    def _read_packed_index(self) -> LogIndex | None:
        try:
            descriptor = os.open(self._path + PACKED, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unusable(self._path, error) from error
        try:
            end = os.fstat(descriptor).st_size - _TRAIL.size
            size, mark = _TRAIL.unpack(os.pread(descriptor, _TRAIL.size, end))
            if mark != _PACKED_MARK:
                raise StoreError(f"{self._path}{PACKED} is damaged: it has no end")
            return msgspec.msgpack.decode(zlib.decompress(os.pread(descriptor, size, end - size)), type=LogIndex)
        except (OSError, struct.error, zlib.error, msgspec.DecodeError) as error:
            raise StoreError(f"{self._path}{PACKED} is damaged: {error}") from error
        finally:
            os.close(descriptor)

    def _unpack(self) -> None:
        """As it was before it was packed."""
        index = self.snapshot()
        part = self._path + LIVE + ".part"
        with open(part, "wb", opener=_open_own) as file:
            file.writelines(self._read_block(block) for block in index.blocks)
        os.rename(part, self._path + LIVE)
        os.unlink(self._path + PACKED)
        with self._lock:
            self._index = msgspec.structs.replace(
                index,
                blocks=[msgspec.structs.replace(block, stored_offset=0, stored_size=0) for block in index.blocks],
            )
            self._is_packed = False


def _open_own(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _say_cut(largest: int) -> str:
    return f"##[warning]This log has more than {largest:,} bytes: what came after this line is not kept"

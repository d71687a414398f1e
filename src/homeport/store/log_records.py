"""How a job's log is written in a file, and the index by which any of its lines is found without reading the others.

A log is a row of records: a head, the id of a step, and whole lines of it that arrived together. While the job runs, its file is only
ever appended to, so that what a crash leaves torn is at its end. Records are taken together in blocks; afterwards each block is
compressed by itself. Lines are counted from 0 over the whole log.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

HEAD = struct.Struct(">BBHIIq")
"""mark, flags, size of the step's id, number of lines, size of the text, microseconds since 1970"""
_MARK = 0xA7
CUT = 1
"""flag: nothing more was kept after this"""
_BLOCK_BYTES = 128 * 1024
_LONGEST_STEP = 4096
_MOST_GROUPS = 20_000
_MOST_SEGMENTS = 100_000
_GROUP = "##[group]"
_END_GROUP = "##[endgroup]"


class Record(NamedTuple):
    """Lines that arrived together."""

    step: str
    at: int
    lines: int
    text: str
    flags: int = 0


class Block(msgspec.Struct, array_like=True):
    """Some records: where they begin in the log as it was written, and where they are stored (`stored_size` 0: as they were written)."""

    offset: int
    size: int
    first: int
    lines: int
    at: int
    stored_offset: int = 0
    stored_size: int = 0


class Segment(msgspec.Struct, array_like=True):
    """Lines of one step that follow one another."""

    step: str
    first: int
    lines: int


class LogIndex(msgspec.Struct):
    """Grows with its log."""

    blocks: list[Block] = []
    segments: list[Segment] = []
    groups: list[tuple[int, int]] = []
    """the first and the last line of each group of the first level"""
    lines: int = 0
    size: int = 0
    is_cut: bool = False
    depth: int = 0
    opened: int = 0

    def add(self, record: Record, size: int) -> None:
        """One more record, so large as it is written."""
        last = self.blocks[-1] if self.blocks else None
        if last is None or last.size >= _BLOCK_BYTES:
            self.blocks.append(Block(self.size, size, self.lines, record.lines, record.at))
        else:
            last.size += size
            last.lines += record.lines
        self._add_to_segment(record)
        if self.depth or "##[" in record.text:
            self._find_groups(record)
        self.lines += record.lines
        self.size += size
        self.is_cut = self.is_cut or bool(record.flags & CUT)

    def blocks_from(self, line: int) -> Iterator[Block]:
        """The block with this line, and those after it."""
        position = bisect_right(self.blocks, line, key=lambda block: block.first) - 1
        yield from self.blocks[max(position, 0) :]

    def line_at(self, at: int) -> int:
        """The first line of the block in which a moment (microseconds since 1970) falls."""
        position = bisect_right(self.blocks, at, key=lambda block: block.at) - 1
        return self.blocks[position].first if position >= 0 else 0

    def _add_to_segment(self, record: Record) -> None:
        last = self.segments[-1] if self.segments else None
        if last is not None and (last.step == record.step or len(self.segments) >= _MOST_SEGMENTS):
            last.lines += record.lines
            return
        if self.depth:
            self._close_group(self.lines - 1)  # a step's end closes what it left open
        self.segments.append(Segment(record.step, self.lines, record.lines))

    def _find_groups(self, record: Record) -> None:
        for number, line in enumerate(record.text.split("\n"), self.lines):
            if line.startswith(_GROUP):
                if not self.depth:
                    self.opened = number
                self.depth += 1
            elif line.startswith(_END_GROUP) and self.depth:
                self.depth -= 1
                if not self.depth:
                    self._close_group(number)

    def _close_group(self, line: int) -> None:
        self.depth = 0
        if len(self.groups) < _MOST_GROUPS:
            self.groups.append((self.opened, line))


def encode_record(record: Record) -> bytes:
    """As it is appended."""
    step = record.step.encode("utf-8", "backslashreplace")[:_LONGEST_STEP]
    text = record.text.encode("utf-8", "backslashreplace")
    return HEAD.pack(_MARK, record.flags, len(step), record.lines, len(text), record.at) + step + text


def decode_records(data: bytes) -> Iterator[tuple[Record, int]]:
    """The whole records at the beginning of some bytes, each with its size; what is torn, or no record, ends them."""
    position = 0
    while position + HEAD.size <= len(data):
        mark, flags, step_size, lines, text_size, at = HEAD.unpack_from(data, position)
        begin = position + HEAD.size
        end = begin + step_size + text_size
        if mark != _MARK or end > len(data):
            return
        step = data[begin : begin + step_size].decode("utf-8", "replace")
        text = data[begin + step_size : end].decode("utf-8", "replace")
        yield Record(step, at, lines, text, flags), end - position
        position = end


def lines_of(records: Sequence[Record], skip: int) -> Iterator[tuple[Record, str]]:
    """Every line with its record, but for the first `skip`."""
    for record in records:
        if skip >= record.lines:
            skip -= record.lines
            continue
        lines = record.text.split("\n")
        for line in lines[skip:]:
            yield record, line
        skip = 0

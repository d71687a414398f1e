"""A YAML document as values: every node with its place, every scalar with its kind, its style and how it was written."""

from typing import Literal

import msgspec

from homeport.diagnostics.span import Span

ScalarKind = Literal["null", "boolean", "number", "string", "broken"]
"""`broken` is a scalar that was already reported: who reads it later stays silent."""

Style = Literal["plain", "single", "double", "literal", "folded"]


class YamlScalar(msgspec.Struct, frozen=True, gc=False):
    """One scalar. `text` is its canonical text: what a string slot shows (`0x10` is `16`, `True` is `true`, null is empty).

    `written` is the text of the file it was read from, quotes and block header included.
    """

    kind: ScalarKind
    text: str
    span: Span
    style: Style = "plain"
    written: str = ""
    number: float = 0.0

    @property
    def is_single_line(self) -> bool:
        """Whether it begins and ends on one line, so that an offset is a column."""
        return self.span.line == self.span.end_line


class YamlSequence(msgspec.Struct, frozen=True):
    """A list."""

    items: "tuple[YamlNode, ...]"
    span: Span


class YamlMapping(msgspec.Struct, frozen=True):
    """Pairs in the order they are written; keys may repeat here."""

    pairs: "tuple[tuple[YamlScalar, YamlNode], ...]"
    span: Span


YamlNode = YamlScalar | YamlSequence | YamlMapping


class YamlDocument(msgspec.Struct, frozen=True):
    """What one file holds. `size` is what it weighs by GitHub's account of memory (see `yaml_reader.Limits`)."""

    root: YamlNode
    size: int


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a piece of a scalar stands; `exact` when it is written just as it reads, so that an offset in it is a column."""

    span: Span
    exact: bool


def find_expression(scalar: YamlScalar, source: str, occurrence: int) -> Place:
    """Where the trimmed `source` of the n-th `${{` of a scalar stands.

    The opening marker survives every style unchanged, so the n-th one of the value is the n-th one of the file's text.
    """
    written = scalar.written
    at = -1
    for _ in range(occurrence + 1):
        at = written.find("${{", at + 1)
        if at < 0:
            return Place(scalar.span, exact=False)
    start = at + 3
    while start < len(written) and written[start].isspace():
        start += 1
    return _place(scalar, source, start)


def find_bare(scalar: YamlScalar, source: str) -> Place:
    """Where the trimmed text of a scalar without `${{` stands, such as the value of an `if`."""
    written = scalar.written
    header = written.find("\n") if scalar.style in {"literal", "folded"} else 0
    start = written.find(source, max(header, 0))
    return Place(scalar.span, exact=False) if start < 0 else _place(scalar, source, start)


def _place(scalar: YamlScalar, source: str, start: int) -> Place:
    written = scalar.written
    span = scalar.span
    exact = "\n" not in source and written.startswith(source, start)
    lines_before = written.count("\n", 0, start)
    if lines_before:
        line, column = span.line + lines_before, start - written.rfind("\n", 0, start)
    else:
        line, column = span.line, span.column + start
    if not exact:
        return Place(Span(span.file, line, column, span.end_line, span.end_column), exact=False)
    return Place(Span(span.file, line, column, line, column + len(source)), exact=True)

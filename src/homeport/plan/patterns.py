"""Matches branches, tags, paths and names against the patterns of filters.

Source: docs "Workflow syntax: Filter pattern cheat sheet". Case matters. Matching takes time in proportion to the pattern times the
text whatever the pattern is, and nothing has to be compiled.
"""

from collections.abc import Iterable, Sequence

import msgspec


class _Literal(msgspec.Struct, frozen=True):
    """The text itself."""

    text: str


class _Star(msgspec.Struct, frozen=True):
    """`*` (no slash) or `**` (anything)."""

    crosses_folders: bool


class _Folders(msgspec.Struct, frozen=True):
    """`**/` at the start or after a slash: any number of folders, none too."""


class _Character(msgspec.Struct, frozen=True):
    """One character of a set, as often as its `?` or `+` says."""

    allowed: frozenset[str]
    optional: bool = False
    repeated: bool = False


_Part = _Literal | _Star | _Folders | _Character


class Pattern(msgspec.Struct, frozen=True):
    """A pattern, read. `negative` is whether it began with `!`."""

    source: str
    negative: bool
    parts: tuple[_Part, ...]

    def matches(self, text: str) -> bool:
        """Whether the whole text fits, the leading `!` aside."""
        ends: Iterable[int] = (0,)
        for part in self.parts:
            ends = _advance(part, text, ends)
            if not ends:
                return False
        return len(text) in ends


def read_pattern(source: str) -> Pattern:
    """Read a pattern. What is not a pattern's syntax (a lone `[`, a leading `?`) stands for itself: the linter reports it."""
    negative = source.startswith("!")
    body = source[1:] if negative else source
    parts: list[_Part] = []
    index = 0
    while index < len(body):
        part, index = _read_part(body, index, parts)
        parts.append(part)
    return Pattern(source, negative, tuple(_join_literals(parts)))


def find_last_match(patterns: Sequence[Pattern], text: str) -> Pattern | None:
    """The last pattern that fits, which decides: a positive one selects, a negative one drops. None where none fits."""
    return next((pattern for pattern in reversed(patterns) if pattern.matches(text)), None)


def selects(patterns: Sequence[Pattern], text: str) -> bool:
    """Whether a text is selected by patterns in order."""
    last = find_last_match(patterns, text)
    return last is not None and not last.negative


def _read_part(body: str, index: int, before: list[_Part]) -> tuple[_Part, int]:
    character = body[index]
    if character == "*":
        return _read_star(body, index, before)
    if character in "?+" and before:
        return _quantify(before, character), index + 1
    if character == "[":
        close = body.find("]", index + 1)
        if close > index + 1:
            return _Character(_read_set(body[index + 1 : close])), close + 1
    if character == "\\" and index + 1 < len(body):
        return _Literal(body[index + 1]), index + 2
    return _Literal(character), index + 1


def _read_star(body: str, index: int, before: list[_Part]) -> tuple[_Part, int]:
    end = index
    while end < len(body) and body[end] == "*":
        end += 1
    if end - index == 1:
        return _Star(crosses_folders=False), end
    at_start = not before or before[-1] == _Literal("/")
    if at_start and body.startswith("/", end):
        return _Folders(), end + 1
    return _Star(crosses_folders=True), end


def _quantify(before: list[_Part], quantifier: str) -> _Part:
    """Takes the preceding part back and gives it with its quantifier. A star may be anything already."""
    match before.pop():
        case _Literal(text=text):
            part = _Character(frozenset(text))
        case _Character() as part:
            pass
        case other:
            return other
    if quantifier == "?":
        return msgspec.structs.replace(part, optional=True)
    return msgspec.structs.replace(part, repeated=True)


def _read_set(content: str) -> frozenset[str]:
    allowed: set[str] = set()
    index = 0
    while index < len(content):
        if content[index + 1 : index + 2] == "-" and index + 2 < len(content):
            first, last = ord(content[index]), ord(content[index + 2])
            allowed.update(map(chr, range(first, min(last, first + 0xFFFF) + 1)))
            index += 3
        else:
            allowed.add(content[index])
            index += 1
    return frozenset(allowed)


def _join_literals(parts: Iterable[_Part]) -> list[_Part]:
    joined: list[_Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, _Literal) and isinstance(last, _Literal):
            joined[-1] = _Literal(last.text + part.text)
        else:
            joined.append(part)
    return joined


def _advance(part: _Part, text: str, starts: Iterable[int]) -> Iterable[int]:
    """Where a part may end in the text, given where it may start."""
    match part:
        case _Literal(text=literal):
            return [start + len(literal) for start in starts if text.startswith(literal, start)]
        case _Star(crosses_folders=True):
            return range(min(starts), len(text) + 1)
        case _Star():
            return _within_folder(text, starts)
        case _Folders():
            first = min(starts)
            return {*starts, *(index + 1 for index in range(first + 1, len(text)) if text[index] == "/")}
        case _Character():
            return _characters(part, text, starts)


def _within_folder(text: str, starts: Iterable[int]) -> set[int]:
    ends: set[int] = set()
    for start in starts:
        if start not in ends:
            slash = text.find("/", start)
            ends.update(range(start, (len(text) if slash < 0 else slash) + 1))
    return ends


def _characters(part: _Character, text: str, starts: Iterable[int]) -> set[int]:
    ends: set[int] = set(starts) if part.optional else set()
    for start in starts:
        index = start
        while index < len(text) and text[index] in part.allowed and (index == start or part.repeated):
            index += 1
            if index in ends and part.repeated:
                break
            ends.add(index)
    return ends

r"""Filter patterns of `branches`, `tags` and `paths`: whether they are written rightly.

Source: docs "Workflow syntax: Filter pattern cheat sheet" (`*`, `**`, `?`, `+`, `[]`, `!`, `\\` before a special character) and
`git check-ref-format` (what no branch or tag is ever called).
"""

import msgspec

_SPECIAL = frozenset("*?+[]!\\")
_NEVER_IN_REFS = {" ": "a space", "~": "'~'", "^": "'^'", ":": "':'"}


class PatternMistake(msgspec.Struct, frozen=True):
    """What is wrong with a pattern, and where."""

    message: str
    offset: int


def check_ref_pattern(pattern: str) -> list[PatternMistake]:
    """The mistakes in a pattern for branches or tags."""
    mistakes = _check_syntax(pattern, _NEVER_IN_REFS)
    body = pattern.removeprefix("!")
    start = len(pattern) - len(body)
    if body.startswith("/"):
        mistakes.append(PatternMistake("the name of a branch or tag does not begin with '/'", start))
    if len(body) > 1 and body.endswith("/"):
        mistakes.append(PatternMistake("the name of a branch or tag does not end with '/'", len(pattern) - 1))
    if (at := body.find("//")) >= 0:
        mistakes.append(PatternMistake("the name of a branch or tag does not contain '//'", start + at))
    if (at := body.find("..")) >= 0:
        mistakes.append(PatternMistake("the name of a branch or tag does not contain '..'", start + at))
    return mistakes


def check_path_pattern(pattern: str) -> list[PatternMistake]:
    """The mistakes in a pattern for paths."""
    mistakes = _check_syntax(pattern, {})
    body = pattern.removeprefix("!")
    if body != body.strip():
        mistakes.append(PatternMistake("a path does not begin or end with a space; leave it out", 0))
    segments = body.split("/")
    if "." in segments or ".." in segments:
        mistakes.append(PatternMistake("'.' and '..' match nothing: paths are written from the repository's root", 0))
    return mistakes


def _check_syntax(pattern: str, forbidden: dict[str, str]) -> list[PatternMistake]:
    mistakes: list[PatternMistake] = []
    start = 1 if pattern.startswith("!") else 0
    if len(pattern) == start:
        message = "after '!' a pattern was expected" if start else "the pattern is empty"
        return [PatternMistake(message, 0)]
    before = ""
    position = start
    while position < len(pattern):
        character = pattern[position]
        length = 1
        if character == "\\":
            length = 2
            mistakes.extend(_check_escape(pattern, position))
        elif character == "[":
            length = _check_class(pattern, position, mistakes)
        elif character in {"?", "+"} and (not before or before in {"*", "?", "+"}):
            what = "nothing" if not before else f"'{before}'"
            mistakes.append(
                PatternMistake(f"'{character}' repeats the character before it; found {what} there", position)
            )
        elif character in forbidden:
            message = f"the name of a branch or tag never contains {forbidden[character]}; patterns are not regular expressions"
            mistakes.append(PatternMistake(message, position))
        before = character
        position += length
    return mistakes


def _check_escape(pattern: str, position: int) -> list[PatternMistake]:
    escaped = pattern[position + 1 : position + 2]
    if escaped in _SPECIAL and escaped:
        return []
    found = f"'{escaped}'" if escaped else "the end"
    message = f"'\\' goes before one of * ? + [ ] ! \\; found {found}; patterns are not regular expressions"
    return [PatternMistake(message, position)]


def _check_class(pattern: str, position: int, mistakes: list[PatternMistake]) -> int:
    """Check `[…]`; how long it is."""
    end = pattern.find("]", position + 1)
    if end < 0:
        mistakes.append(PatternMistake("'[' is not closed by ']'", position))
        return len(pattern) - position
    members = pattern[position + 1 : end]
    if not members:
        mistakes.append(PatternMistake("'[]' contains no character", position))
    at = 0
    while at < len(members):
        if at + 2 < len(members) and members[at + 1] == "-":
            low, high = members[at], members[at + 2]
            if low > high:
                message = f"the range '{low}-{high}' ends before it begins"
                mistakes.append(PatternMistake(message, position + 1 + at + 2))
            at += 3
        else:
            at += 1
    return end - position + 1

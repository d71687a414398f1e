"""Matches names as the npm package `minimatch` does by default: `*`, `**`, `?`, `[…]`, `{a,b}`, `{1..3}`, a leading `!` or `#`.

Source: minimatch's README ("Features", "Comparisons to other fnmatch/glob implementations"). A name that begins with a dot is matched
only by a pattern that does. Not understood, and so taken as they are written: `+(a|b)` and the like ("extglob").
"""

import re

_MOST_BRACES = 1000


class Minimatch:
    """A pattern, ready to be asked many times."""

    def __init__(self, pattern: str) -> None:
        self._is_comment = pattern.startswith("#")
        marks = len(pattern) - len(pattern.lstrip("!"))
        self._is_negated = marks % 2 == 1
        self._expressions = [_compile(part) for part in expand_braces(pattern[marks:])[:_MOST_BRACES]]

    def is_match(self, name: str) -> bool:
        """Whether the whole name matches."""
        if self._is_comment:
            return False
        return any(expression.fullmatch(name) is not None for expression in self._expressions) != self._is_negated


def expand_braces(text: str) -> list[str]:
    """`a{b,c}d` as `abd` and `acd`; `{1..3}` as its numbers; a brace without a comma stays as it is."""
    start = text.find("{")
    while start >= 0:
        end = _find_end(text, start)
        if end is None:
            return [text]
        choices = _split(text[start + 1 : end])
        if choices is not None:
            rests = expand_braces(text[end + 1 :])
            return [
                text[:start] + inner + rest for choice in choices for inner in expand_braces(choice) for rest in rests
            ]
        start = text.find("{", start + 1)
    return [text]


def _find_end(text: str, start: int) -> int | None:
    depth = 0
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return None


def _split(inner: str) -> list[str] | None:
    """The choices of a brace, None where it has none."""
    if (numbers := re.fullmatch(r"(-?\d{1,4})\.\.(-?\d{1,4})", inner)) is not None:
        first, last = int(numbers[1]), int(numbers[2])
        step = 1 if last >= first else -1
        return [str(number) for number in range(first, last + step, step)]
    choices, depth, current = [], 0, ""
    for character in inner:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            choices.append(current)
            current = ""
        else:
            current += character
    return [*choices, current] if choices else None


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile("(?s:" + "/".join(_translate(segment) for segment in pattern.split("/")) + ")")
    except re.error:  # a set such as [z-a]
        return re.compile(re.escape(pattern))


def _translate(segment: str) -> str:
    if segment == "**":
        return r"(?:(?!\.)[^/]*(?:/(?!\.)[^/]*)*)"
    expression = "" if segment.startswith(".") else r"(?!\.)"
    position = 0
    while position < len(segment):
        character = segment[position]
        following = segment[position + 1 : position + 2]
        end = segment.find("]", position + 2) if character == "[" else -1
        if character == "*":
            expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif character == "\\" and following:
            expression += re.escape(following)
            position += 1
        elif end > 0:
            inner = segment[position + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            expression += f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
            position = end
        else:
            expression += re.escape(character)
        position += 1
    return expression

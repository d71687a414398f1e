"""What the well-known functions do, once their arguments are values.

Which arguments are evaluated, and when, is the evaluator's.
Source: the classes of actions/runner `Expressions2/Sdk/Functions`; docs "Evaluate expressions: Functions".
"""

from typing import Any

import msgspec

from homeport.language.expr.coercion import format_number, loosely_equal, to_string
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.json_reader import MAX_DEPTH, JsonError, read_json
from homeport.language.expr.memory import Counter
from homeport.language.expr.text import fold_case
from homeport.language.expr.values import Value
from homeport.language.late_pattern import late_pattern

UNLIMITED = 1 << 62
_BRACE = late_pattern(r"[{}]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_ESCAPE_TABLE = str.maketrans({chr(code): f"\\u{code:04x}" for code in (*range(0x20), 0x85, 0x2028, 0x2029)} | _ESCAPES)


def contains_text(text: str, part: str) -> bool:
    """Whether a text has another in it, ignoring case."""
    return fold_case(part) in fold_case(text)


def contains_item(items: list[Value], wanted: Value) -> bool:
    """Whether an array has an item that equals the value, as `==` does."""
    return any(loosely_equal(wanted, item) for item in items)


def starts_with(text: str, start: str) -> bool:
    """Whether a text starts with another, ignoring case."""
    return fold_case(text).startswith(fold_case(start))


def ends_with(text: str, end: str) -> bool:
    """Whether a text ends with another, ignoring case."""
    return fold_case(text).endswith(fold_case(end))


def join_items(items: list[Value], separator: str, counter: Counter) -> str:
    """The texts of all items with the separator between them."""
    texts = [to_string(item) for item in items]
    for number, text in enumerate(texts):
        if number:
            counter.add_string(separator)
        counter.add_string(text)
    return separator.join(texts)


def split_format(template: str, argument_count: int) -> list[str | tuple[int, str]]:
    """A format string as plain text and places: (number of the argument, format specifiers).

    `{{` and `}}` are a brace. Raises `ExpressionError` where braces are wrong, or an argument that is named was not given.
    """
    parts: list[str | tuple[int, str]] = []
    position = 0
    for match in _BRACE.finditer(template):
        brace = match.start()
        if brace < position:  # the second of two, or inside a place
            continue
        if template[brace + 1 : brace + 2] == template[brace]:
            parts.append(template[position : brace + 1])
            position = brace + 2
            continue
        place = _read_place(template, brace)
        if place is None:
            raise _format_error(f"The following format string is invalid: {template}")
        number, specifiers, end = place
        if number >= argument_count:
            raise _format_error(f"The following format string references more arguments than were supplied: {template}")
        if brace > position:
            parts.append(template[position:brace])
        parts.append((number, specifiers))
        position = end
    if position < len(template):
        parts.append(template[position:])
    return parts


def _read_place(template: str, brace: int) -> tuple[int, str, int] | None:
    """`{number}` or `{number:specifiers}`, and where it ends."""
    if template[brace] == "}":
        return None
    end = brace + 1
    while template[end : end + 1].isdecimal():
        end += 1
    digits = template[brace + 1 : end]
    if not digits or not digits.isascii() or len(digits.lstrip("0")) > 3 or int(digits) > 255:
        return None
    if template[end : end + 1] == "}":
        return int(digits), "", end + 1
    if template[end : end + 1] != ":":
        return None
    specifiers = ""
    position = end + 1
    while (close := template.find("}", position)) >= 0:
        specifiers += template[position:close]
        if template[close + 1 : close + 2] != "}":
            return int(digits), specifiers, close + 1
        specifiers += "}"
        position = close + 2
    return None


def _format_error(message: str) -> ExpressionError:
    return ExpressionError("evaluation", message, 0)


def to_json(value: Value, *, limit: int = UNLIMITED) -> str:
    """A value as GitHub prints it: two spaces a level, `[]` and `{}` where empty, numbers as text shows them.

    `limit` bounds the memory as the runner counts it; `MemoryExceeded` is raised beyond.
    """
    counter = Counter(limit)
    pieces: list[str] = []
    # What is still to be written, last first: text as it is, or (prefix, value, level)
    pending: list[str | tuple[str, Value, int]] = [("", value, 0)]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            piece = item
        else:
            prefix, current, level = item
            piece = prefix + _open_json(current)
            if current and isinstance(current, list | dict):
                _plan_items(current, level, pending)
        counter.add_string(piece)
        pieces.append(piece)
    return "".join(pieces)


def _open_json(value: Value) -> str:
    if isinstance(value, str):
        return quote_json(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" if value else "[]"
    if isinstance(value, dict):
        return "{" if value else "{}"
    return format_number(value)


def _plan_items(
    container: "list[Value] | dict[str, Value]", level: int, pending: "list[str | tuple[str, Value, int]]"
) -> None:
    indent = "\n" + "  " * (level + 1)
    planned: list[str | tuple[str, Value, int]] = []
    if isinstance(container, list):
        planned.extend((("," if number else "") + indent, item, level + 1) for number, item in enumerate(container))
    else:
        for number, (key, item) in enumerate(container.items()):
            planned.append(("," if number else "") + indent + quote_json(key))
            planned.append((": ", item, level + 1))
    pending.append("\n" + "  " * level + ("]" if isinstance(container, list) else "}"))
    pending.extend(reversed(planned))


def quote_json(text: str) -> str:
    """A text as a JSON string (Newtonsoft's escapes: nothing beyond ASCII but the three line separators)."""
    return f'"{text.translate(_ESCAPE_TABLE)}"'


def from_json(text: str) -> Value:
    """The value of a JSON text, read as leniently as GitHub does. Raises `ExpressionError`."""
    try:
        return _copy_plain(msgspec.json.decode(text), 1)
    except (msgspec.MsgspecError, RecursionError, OverflowError, ValueError):
        pass  # not plain JSON, or not such that both readers see the same in it
    try:
        return read_json(text)
    except JsonError as error:
        raise ExpressionError("evaluation", f"Error parsing fromJson,{error}", 0) from None


def _copy_plain(decoded: Any, depth: int) -> Value:
    """Decoded JSON with every number a float. Raises `ValueError` for what the lenient reader is to look at."""
    if isinstance(decoded, dict):
        if depth > MAX_DEPTH or len({fold_case(key) for key in decoded}) < len(decoded):
            raise ValueError
        return {key: _copy_plain(item, depth + 1) for key, item in decoded.items()}
    if isinstance(decoded, list):
        if depth > MAX_DEPTH:
            raise ValueError
        return [_copy_plain(item, depth + 1) for item in decoded]
    if isinstance(decoded, int) and not isinstance(decoded, bool):
        return float(decoded)
    assert decoded is None or isinstance(decoded, bool | float | str)
    return decoded

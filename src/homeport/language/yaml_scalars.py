"""What a plain YAML scalar means: the core schema of YAML 1.2, with GitHub's limits of numbers.

Source: https://yaml.org/spec/1.2.2/#103-core-schema and actions/runner `YamlObjectReader` (hexadecimal and octal numbers are 32
bits wide and signed; underscores, binary and sexagesimal numbers, timestamps, `on`, `yes` and `no` are strings).
"""

import msgspec

from homeport.language.expr.coercion import format_number
from homeport.language.yaml_nodes import ScalarKind

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false"}
_SPECIAL_NUMBERS = {
    f"{sign}.{name}": float(f"{sign}inf") for sign in ("", "+", "-") for name in ("inf", "Inf", "INF")
} | dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))
_DIGITS = frozenset("0123456789")
_FLOAT_CHARACTERS = _DIGITS | frozenset("+-.eE")
_NUMBER_START = _DIGITS | frozenset("+-.")
_BASES = {"0x": (16, frozenset("0123456789abcdefABCDEF")), "0o": (8, frozenset("01234567"))}


class Meaning(msgspec.Struct, frozen=True, gc=False):
    """What a scalar is: its kind, its canonical text, and its number if it is one."""

    kind: ScalarKind
    text: str
    number: float = 0.0


class OutOfRangeError(ValueError):
    """A hexadecimal or octal number of more than 32 bits."""


def resolve_plain(text: str) -> Meaning:
    """The meaning of an untagged plain scalar. Raises OutOfRangeError."""
    if text in _NULLS:
        return Meaning("null", "")
    if text in _BOOLEANS:
        return Meaning("boolean", _BOOLEANS[text])
    if text[0] in _NUMBER_START:
        number = _read_integer(text)
        if number is None:
            number = _read_float(text)
        if number is not None:
            return _number(number)
    return Meaning("string", text)


def resolve_tagged(text: str, tag: str) -> Meaning | None:
    """The meaning of a plain scalar with one of the five core tags; None where the text does not fit the tag."""
    match tag:
        case "null":
            return Meaning("null", "") if text in _NULLS else None
        case "bool":
            return Meaning("boolean", _BOOLEANS[text]) if text in _BOOLEANS else None
        case "int":
            number = _read_integer(text)
        case "float":
            number = _read_float(text)
        case _:
            return Meaning("string", text)
    return None if number is None else _number(number)


def _number(number: float) -> Meaning:
    return Meaning("number", format_number(number), number)


def _read_integer(text: str) -> float | None:
    if text in _DIGITS or (
        _DIGITS.issuperset(text[1:]) and len(text) > 1 and text[0] in _NUMBER_START and text[0] != "."
    ):
        return float(text)
    base, digits = _BASES.get(text[:2], (0, _DIGITS))
    if not base or len(text) == 2 or not digits.issuperset(text[2:]):
        return None
    bits = int(text[2:], base)
    if bits > 0xFFFFFFFF:
        raise OutOfRangeError(text)
    return float(bits - 0x1_0000_0000 if bits > 0x7FFFFFFF else bits)


def _read_float(text: str) -> float | None:
    """With these characters only, Python's idea of a decimal number is that of the core schema."""
    if text in _SPECIAL_NUMBERS:
        return _SPECIAL_NUMBERS[text]
    if not _FLOAT_CHARACTERS.issuperset(text):
        return None
    try:
        return float(text)
    except ValueError:
        return None

"""What a plain YAML scalar means: the core schema of YAML 1.2, with GitHub's limits of numbers.

Source: https://yaml.org/spec/1.2.2/#103-core-schema and actions/runner `YamlObjectReader` (hexadecimal and octal numbers are 32
bits wide and signed; underscores, binary and sexagesimal numbers, timestamps, `on`, `yes` and `no` are strings).
"""

import re

import msgspec

from homeport.language.yaml_nodes import ScalarKind

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false"}
_INFINITIES = frozenset({".inf", ".Inf", ".INF"})
_NOT_A_NUMBERS = frozenset({".nan", ".NaN", ".NAN"})
_CANONICAL_NAMES = {"INF": "Infinity", "-INF": "-Infinity", "NAN": "NaN", "-0": "0"}
_NUMBER_START = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0(?:x[0-9a-fA-F]+|o[0-7]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


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


def canonical_number(number: float) -> str:
    """A number as GitHub writes it into text: .NET's `G15` (`1E+15`, `0.1`, `Infinity`); minus zero is zero."""
    text = f"{number:.15G}"
    return _CANONICAL_NAMES.get(text, text)


def _number(number: float) -> Meaning:
    return Meaning("number", canonical_number(number), number)


def _read_integer(text: str) -> float | None:
    if _INTEGER.fullmatch(text):
        return float(text)
    if not _BASED.fullmatch(text):
        return None
    bits = int(text[2:], 16 if text[1] == "x" else 8)
    if bits > 0xFFFFFFFF:
        raise OutOfRangeError(text)
    return float(bits - 0x1_0000_0000 if bits > 0x7FFFFFFF else bits)


def _read_float(text: str) -> float | None:
    if _FLOAT.fullmatch(text):
        return float(text)
    unsigned = text[1:] if text[:1] in {"+", "-"} else text
    if unsigned in _INFINITIES:
        return float("-inf") if text[0] == "-" else float("inf")
    return float("nan") if text in _NOT_A_NUMBERS else None

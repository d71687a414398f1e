"""How values turn into one another: to text, to a number, to true or false; and when two are equal, or one is less.

Source: actions/runner `EvaluationResult` (AbstractEqual, AbstractLessThan, CoerceTypes, ConvertToString) and
`ExpressionUtility.ParseNumber`; docs "Evaluate expressions in workflows and actions".
"""

from math import inf, isnan, nan

from homeport.language.expr.text import WHITESPACE, fold_case, sort_key
from homeport.language.expr.values import Value
from homeport.language.late_pattern import late_pattern

_DECIMAL = late_pattern(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\0*")
_NAMED = {"infinity": inf, "+infinity": inf, "-infinity": -inf}
_UINT32_LIMIT = 1 << 32
_INT32_LIMIT = 1 << 31


def kind_of(value: Value) -> str:
    """Null, Boolean, Number, String, Array or Object."""
    if isinstance(value, str):
        return "String"
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, list):
        return "Array"
    if isinstance(value, dict):
        return "Object"
    return "Number"


def is_truthy(value: Value) -> bool:
    """False for false, 0, -0, NaN, '' and null; true for all else, an empty array or object too."""
    if isinstance(value, list | dict):
        return True
    if isinstance(value, float):
        return value != 0 and not isnan(value)
    return bool(value)


def to_string(value: Value) -> str:
    """The text of a value: '' for null, `Array` and `Object` for those."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return kind_of(value)
    return format_number(value)


def format_number(number: float) -> str:
    """A number as .NET's `G15` writes it: 15 significant digits, `1E+15`, `1E-05`; -0 is `0`."""
    if isnan(number):
        return "NaN"
    if number in {inf, -inf}:
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    return f"{number:.15G}"


def to_number(value: Value) -> float:
    """The number of a value: 0 for null, 0 or 1 for a boolean, a string as it reads, NaN for arrays and objects."""
    if isinstance(value, str):
        return parse_number(value)
    if value is None:
        return 0.0
    if isinstance(value, list | dict):
        return nan
    return float(value)


def parse_number(text: str) -> float:
    """The number that a text reads as, NaN where it is none; '' is 0. Hexadecimal and octal wrap at 32 bits, signed."""
    trimmed = text.strip(WHITESPACE)
    if not trimmed:
        return 0.0
    decimal = _DECIMAL.fullmatch(trimmed)
    if decimal:
        return float(decimal[1])
    if trimmed.startswith(("0x", "0o")):
        return _parse_prefixed(trimmed[2:], 16 if trimmed[1] == "x" else 8)
    return _NAMED.get(trimmed.lower(), nan) if trimmed.isascii() else nan


def _parse_prefixed(digits: str, base: int) -> float:
    if not digits or digits.strip("0123456789abcdefABCDEF" if base == 16 else "01234567"):
        return nan
    number = int(digits, base)
    if number >= _UINT32_LIMIT:
        return nan
    return float(number - _UINT32_LIMIT if number >= _INT32_LIMIT else number)


def loosely_equal(left: Value, right: Value) -> bool:
    """`==`: text ignores case, different kinds meet as numbers, arrays and objects equal only themselves."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right or (len(left) == len(right) and fold_case(left) == fold_case(right))
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return left is right
    return to_number(left) == to_number(right)


def less_than(left: Value, right: Value) -> bool:
    """`<`: text by its upper case, all else as numbers; arrays and objects are never less, nor is null than null."""
    if isinstance(left, str) and isinstance(right, str):
        return sort_key(left) < sort_key(right)
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return False
    return to_number(left) < to_number(right)

"""The values of expressions: plain Python ones, with the lookups that ignore case.

null is None, a boolean a bool, every number a float, a string a str, an array a list, an object a dict. Objects are looked up
ignoring case (actions/runner `DictionaryContextData`), but for `CaseSensitiveObject`.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from homeport.language.expr.text import fold_case

Value: TypeAlias = "bool | float | str | list[Value] | dict[str, Value] | None"


class CaseSensitiveObject(dict[str, "Value"]):
    """An object whose keys are told apart by case, as `env` is on Linux (`CaseSensitiveDictionaryContextData`)."""


class FilteredArray(list["Value"]):
    """What `.*` gives: later keys apply to each item, and items that do not have them are dropped."""


def find_property(owner: Mapping[str, Value], key: str) -> tuple[bool, Value]:
    """Whether an object has a property, and its value: the exact name first, then ignoring case."""
    if key in owner:
        return True, owner[key]
    if not isinstance(owner, CaseSensitiveObject):
        folded = fold_case(key)
        for name, value in owner.items():
            if len(name) == len(key) and fold_case(name) == folded:
                return True, value
    return False, None


def from_json(value: Any) -> Value:
    """A value of decoded JSON as an expression sees it: integers become floats, tuples lists; all of it is copied.

    Raises `TypeError` for what JSON does not have. Depth is no matter.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return _to_float(value)
    result: Value
    result, pending = _copy_container(value)
    while pending:
        owner, key, item = pending.pop()
        owner[key], deeper = _copy_container(item)
        pending.extend(deeper)
    return result


def _copy_container(source: Any) -> tuple[Any, list[tuple[Any, Any, Any]]]:
    """A copy with its scalars in place, and where the containers in it still have to be put."""
    if isinstance(source, dict):
        copied: Any = CaseSensitiveObject(source) if isinstance(source, CaseSensitiveObject) else dict(source)
        entries: Any = source.items()
    elif isinstance(source, list | tuple):
        copied = FilteredArray(source) if isinstance(source, FilteredArray) else list(source)
        entries = enumerate(source)
    else:
        raise TypeError(f"an expression has no value for {type(source).__name__}")
    pending = []
    for key, item in entries:
        if item is None or isinstance(item, bool | str | float):
            continue
        if isinstance(item, int):
            copied[key] = _to_float(item)
        else:
            pending.append((copied, key, item))
    return copied, pending


def _to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")

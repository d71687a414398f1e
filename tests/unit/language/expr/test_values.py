"""From decoded JSON to values, and looking things up in them."""

from typing import Any

import pytest

from homeport.language.expr.values import CaseSensitiveObject, FilteredArray, find_property, from_json


def test_integers_become_floats_and_all_else_stays() -> None:
    value = from_json({"a": [1, True, None, 2.5, "x", {"b": (3,)}]})
    assert value == {"a": [1.0, True, None, 2.5, "x", {"b": [3.0]}]}
    assert repr(value) == "{'a': [1.0, True, None, 2.5, 'x', {'b': [3.0]}]}"


def test_the_order_of_keys_is_kept() -> None:
    value = from_json({"z": {}, "a": 1, "m": []})
    assert isinstance(value, dict)
    assert list(value) == ["z", "a", "m"]


def test_what_is_given_is_copied() -> None:
    given: dict[str, Any] = {"a": [1]}
    value = from_json(given)
    given["a"].append(2)
    assert value == {"a": [1.0]}


def test_kinds_of_containers_are_kept() -> None:
    assert isinstance(from_json(CaseSensitiveObject({"A": "x"})), CaseSensitiveObject)
    assert isinstance(from_json(FilteredArray(["x"])), FilteredArray)


def test_integers_too_large_for_a_float_are_infinite() -> None:
    assert from_json([10**400, -(10**400)]) == [float("inf"), float("-inf")]


def test_depth_is_no_matter() -> None:
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    assert from_json(deep) is not deep


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="no value for set"):
        from_json({"a": {1}})
    with pytest.raises(TypeError, match="no value for bytes"):
        from_json(b"")


def test_a_property_is_found_by_its_exact_name_first() -> None:
    assert find_property({"a": 1.0, "A": 2.0}, "A") == (True, 2.0)
    assert find_property({"a": None}, "A") == (True, None)
    assert find_property({"a": 1.0}, "b") == (False, None)
    assert find_property(CaseSensitiveObject({"a": 1.0}), "A") == (False, None)

"""An answer that breaks the contract is refused at its exact place."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import pytest

from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.errors import DecodeError

pytestmark = pytest.mark.unit


class Colour(Enum):
    RED = "red"
    GREEN = "green"


@pytest.mark.parametrize(
    ("json", "read", "message"),
    [
        ({}, lambda json: json.text("a"), "$.a: expected a string, found None"),
        ({"a": 1}, lambda json: json.text("a"), "$.a: expected a string, found 1"),
        ({"a": 1}, lambda json: json.optional_text("a"), "$.a: expected a string, found 1"),
        ({"a": "1"}, lambda json: json.integer("a"), "$.a: expected a whole number, found '1'"),
        ({"a": True}, lambda json: json.integer("a"), "$.a: expected a whole number, found True"),
        ({"a": 1.5}, lambda json: json.optional_integer("a"), "$.a: expected a whole number, found 1.5"),
        ({"a": "blue"}, lambda json: json.choice("a", Colour), "$.a: expected one of red, green, found 'blue'"),
        ({"a": "soon"}, lambda json: json.moment("a"), "$.a: expected an RFC 3339 time, found 'soon'"),
        (
            {"a": "2026-03-01T09:30:00"},
            lambda json: json.moment("a"),
            "$.a: expected a time with its zone, found '2026-03-01T09:30:00'",
        ),
        ({"a": {"b": 1}}, lambda json: json.inner("a").text("b"), "$.a.b: expected a string, found 1"),
        ({"a": []}, lambda json: json.inner("a"), "$.a: expected an object, found []"),
        ({"a": {}}, lambda json: json.items("a"), "$.a: expected a list, found {}"),
        ({"a": [{}, 7]}, lambda json: json.items("a"), "$.a[1]: expected an object, found 7"),
    ],
)
def test_a_broken_field_is_named(json: dict[str, object], read: Callable[[JsonObject], object], message: str) -> None:
    with pytest.raises(DecodeError) as raised:
        read(JsonObject(json))

    assert str(raised.value) == message


@pytest.mark.parametrize("value", [None, "text", 1, []])
def test_an_answer_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(DecodeError, match=r"\$: expected an object"):
        JsonObject(value)


def test_optional_fields_may_be_absent_or_null() -> None:
    json = JsonObject({"text": None, "number": None})

    assert json.optional_text("text") is json.optional_text("absent") is None
    assert json.optional_integer("number") is json.optional_integer("absent") is None


def test_a_choice_is_read_as_its_member() -> None:
    assert JsonObject({"a": "green"}).choice("a", Colour) is Colour.GREEN

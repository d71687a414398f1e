"""Text, numbers and truth: how values turn into one another."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.language.expr.coercion import (
    format_number,
    is_truthy,
    kind_of,
    less_than,
    loosely_equal,
    parse_number,
    to_number,
    to_string,
)
from homeport.language.expr.text import WHITESPACE, fold_case, sort_key, utf16_length
from homeport.language.expr.values import FilteredArray, Value


@pytest.mark.parametrize(
    ("value", "kind", "text", "truthy"),
    [
        (None, "Null", "", False),
        (True, "Boolean", "true", True),
        (False, "Boolean", "false", False),
        (0.0, "Number", "0", False),
        (-0.0, "Number", "0", False),
        (nan, "Number", "NaN", False),
        (-inf, "Number", "-Infinity", True),
        (2.5, "Number", "2.5", True),
        ("", "String", "", False),
        ("0", "String", "0", True),
        ([], "Array", "Array", True),
        (FilteredArray(), "Array", "Array", True),
        ({}, "Object", "Object", True),
    ],
)
def test_each_kind_of_value_has_a_name_a_text_and_a_truth(value: Value, kind: str, text: str, truthy: bool) -> None:
    assert (kind_of(value), to_string(value), is_truthy(value)) == (kind, text, truthy)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e14, "100000000000000"),
        (999999999999999.0, "999999999999999"),
        (1e15, "1E+15"),
        (-1.5e20, "-1.5E+20"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (1.23e-7, "1.23E-07"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333333333333"),
        (2 / 3, "0.666666666666667"),
        (1e300, "1E+300"),
        (5e-324, "4.94065645841247E-324"),
    ],
)
def test_numbers_are_written_with_fifteen_digits(number: float, text: str) -> None:
    assert format_number(number) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("\u2003 7 \x85", 7.0),
        ("1\0\0", 1.0),
        ("-0", 0.0),
        ("0o17", 15.0),
        ("0xff", 255.0),
        (".5e1", 5.0),
        ("1e-2", 0.01),
    ],
)
def test_text_reads_as_a_number(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    "text", ["\x1c1", "1 2", "1_000", "0b1", "0o8", "0xg", "--1", "1e", "e1", ".", "٣", "∞", "nan", "+-1"]
)
def test_text_that_is_no_number_is_nan(text: str) -> None:
    assert parse_number(text) != parse_number(text)


def test_collections_are_no_numbers() -> None:
    assert to_number([]) != to_number([])
    assert not loosely_equal([], 0.0)
    assert not less_than({}, 1.0)
    assert not less_than([], [])


@given(st.text())
def test_folding_keeps_the_length_and_is_done_once(text: str) -> None:
    folded = fold_case(text)
    assert len(folded) == len(text)
    assert fold_case(folded) == folded


@given(
    st.text(
        st.sampled_from("aA\xdf\u0131\u0130\u017f\u212a\xb5\u03c2\u03a3\ufb00\u1fb3\u1fbc\u0149\u01c5\xe9\U0001f600")
    )
)
def test_folding_a_text_is_folding_its_characters(text: str) -> None:
    assert fold_case(text) == "".join(fold_case(character) for character in text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_folds_to_upper_case(text: str) -> None:
    assert fold_case(text) == text.upper()
    assert loosely_equal(text, text.swapcase())


@given(st.text(), st.text())
def test_text_is_less_equal_or_greater(one: str, other: str) -> None:
    assert [less_than(one, other), loosely_equal(one, other), less_than(other, one)].count(True) == 1


@given(st.text())
def test_length_is_counted_in_utf16(text: str) -> None:
    assert utf16_length(text) == sum(2 if character > "\uffff" else 1 for character in text)
    assert len(sort_key(text)) == 2 * utf16_length(text)


def test_white_space_is_dotnets() -> None:
    assert set(WHITESPACE) == {chr(code) for code in range(0x110000) if chr(code).isspace()} - set("\x1c\x1d\x1e\x1f")


values: st.SearchStrategy[Value] = (
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})
)


@given(values, values)
def test_equality_is_symmetric_and_nothing_is_both_equal_and_less(one: Value, other: Value) -> None:
    assert loosely_equal(one, other) == loosely_equal(other, one)
    assert not (loosely_equal(one, other) and less_than(one, other))
    assert not (less_than(one, other) and less_than(other, one))

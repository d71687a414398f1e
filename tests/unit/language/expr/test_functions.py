"""What the functions do that is not seen through an expression: lenient JSON, pretty JSON."""

from math import inf, isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.functions import from_json, to_json
from homeport.language.expr.json_reader import JsonError, read_json
from homeport.language.expr.values import Value
from homeport.language.expr.values import from_json as to_value
from tests.support.cases import read_rows

SPECIAL = {"NaN": nan, "Infinity": inf, "-Infinity": -inf}


def with_specials(value: Any) -> Any:
    """The golden value, in which text stands for the three numbers that JSON cannot write."""
    if isinstance(value, list):
        return [with_specials(item) for item in value]
    return SPECIAL.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("row", read_rows("expr/json.jsonl"), ids=lambda row: f"{row['text']}: {row['why']}")
def test_json_is_read_as_newtonsoft_reads_it(row: dict[str, Any]) -> None:
    if "error" in row:
        with pytest.raises(ExpressionError) as raised:
            from_json(row["text"])
        assert raised.value.message.startswith("Error parsing fromJson,")
        assert row["error"] in raised.value.message
        return
    found, expected = from_json(row["text"]), to_value(with_specials(row["value"]))
    assert repr(found) == repr(expected)  # which tells NaN is NaN, and True from 1.0


def test_64_levels_are_read_and_65_are_not() -> None:
    from_json("[" * 64 + "]" * 64)
    for text in ("[" * 65 + "]" * 65, '{"a":' * 65 + "1" + "}" * 65, "[" * 100_000):
        with pytest.raises(ExpressionError, match="The reader's MaxDepth of 64 has been exceeded"):
            from_json(text)


def test_an_integer_has_380_digits_at_most() -> None:
    assert from_json("1" + "0" * 379) == inf
    with pytest.raises(ExpressionError, match="is not a valid number"):
        from_json("1" + "0" * 380)
    with pytest.raises(ExpressionError, match="is not a valid number"):
        from_json("9" * 10_000)


def test_half_a_surrogate_pair_in_the_text_itself_is_no_crash() -> None:
    assert from_json("'\ud800'") == "\ud800"


numbers = st.floats(-1e300, 1e300) | st.sampled_from(
    [nan, inf, -inf]
)  # fifteen digits of the greatest number are too many
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_what_is_printed_is_read_again(value: Any) -> None:
    plain = to_value(value)
    text = to_json(plain)
    assert to_json(from_json(text)) == to_json(merge_spellings(plain))


def merge_spellings(value: Value) -> Value:
    """Keys that differ by case are one: the last value under the first spelling (upper case is enough to say so here)."""
    if isinstance(value, list):
        return [merge_spellings(item) for item in value]
    if not isinstance(value, dict):
        return value
    return from_json(to_json({key: merge_spellings(item) for key, item in value.items()}))


@given(json_values)
def test_both_readers_see_the_same_in_plain_json(value: Any) -> None:
    text = to_json(to_value(value))
    assert repr(from_json(text)) == repr(read_json(text))


@given(st.text(alphabet="[]{},:'\"\\/* \n\0-+.0123456789eExXtrufalsnNIiy$_ud8", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    problem = ""
    try:
        read_json(text)
    except JsonError as error:
        problem = str(error)
    assert not problem or "Path '" in problem


def test_nan_is_printed_as_text_shows_it() -> None:
    assert to_json([nan, inf, -inf, -0.0, 1e21]) == "[\n  NaN,\n  Infinity,\n  -Infinity,\n  0,\n  1E+21\n]"
    read = from_json("NaN")
    assert isinstance(read, float)
    assert isnan(read)

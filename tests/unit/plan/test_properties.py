"""What holds for any pattern, any matrix and any text: no crash, no surprise."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.language.expr.values import Value
from homeport.plan.matrix import MAX_LEGS, MatrixError, build_combinations, leaf_texts
from homeport.plan.patterns import read_pattern

PATTERNS = st.text(st.sampled_from("ab/*?+[]-!\\."), max_size=12)
TEXTS = st.text(st.sampled_from("ab/-."), max_size=12)
SCALARS = st.none() | st.booleans() | st.floats() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abAB"), inner, max_size=3)
)
MATRICES = st.dictionaries(st.sampled_from(["a", "b", "c", "include", "exclude"]), VALUES, max_size=5)


@given(PATTERNS, TEXTS)
def test_any_text_is_a_pattern(pattern: str, text: str) -> None:
    assert read_pattern(pattern).matches(text) in {True, False}


@given(st.lists(st.sampled_from(["a", "b", "/", "*", "**", "a+", "a?", "[ab]", "[ab]+"]), max_size=7), TEXTS)
def test_patterns_match_as_the_regular_expressions_that_they_stand_for(parts: list[str], text: str) -> None:
    """But for `**` before a slash, and stars next to one another, which have meanings of their own."""
    source = "".join(parts)
    if "***" in source or "**/" in source or "*+" in source:
        return
    expression = source.replace("**", "\0").replace("*", "[^/]*").replace("\0", ".*")
    assert read_pattern(source).matches(text) == bool(re.fullmatch(expression, text))


@settings(max_examples=300)
@given(MATRICES)
def test_a_matrix_has_combinations_or_a_mistake(matrix: dict[str, Value]) -> None:
    try:
        combinations = build_combinations(matrix)
    except MatrixError:
        return
    assert len(combinations) <= MAX_LEGS
    vectors = [key for key in matrix if key not in {"include", "exclude"}]
    for combination in combinations:
        assert all(text for text in leaf_texts(combination))
        assert len({key.upper() for key in combination}) == len(combination)
    if "include" not in matrix and "exclude" not in matrix:
        assert all(list(combination) == vectors for combination in combinations)

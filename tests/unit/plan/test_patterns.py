"""Filter patterns, against the examples of GitHub's own page and what it leaves open."""

from typing import Any

import pytest

from homeport.plan.patterns import read_pattern, selects
from tests.support.planning import read_cases

CASES = read_cases("patterns.toml")


@pytest.mark.parametrize("case", CASES, ids=[" ".join(case["patterns"]) for case in CASES])
def test_patterns_select_what_the_documentation_says(case: dict[str, Any]) -> None:
    patterns = [read_pattern(source) for source in case["patterns"]]
    assert [text for text in case.get("selects", []) if not selects(patterns, text)] == []
    assert [text for text in case.get("leaves", []) if selects(patterns, text)] == []


def test_a_pattern_of_many_stars_takes_no_more_time_than_it_is_long() -> None:
    pattern = read_pattern("**a" * 40 + "b")
    assert not pattern.matches("a" * 3000)
    assert read_pattern("a+" * 40 + "b").matches("a" * 3000 + "b")


def test_a_range_of_characters_is_bounded() -> None:
    assert read_pattern("[\x00-\U0010ffff]").matches("x")

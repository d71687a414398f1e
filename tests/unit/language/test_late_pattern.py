"""Patterns that are compiled when they are first used behave as any others."""

import re

import pytest

from homeport.language.late_pattern import late_pattern, late_patterns


def test_a_late_pattern_finds_what_a_compiled_one_finds() -> None:
    late, compiled = late_pattern(r"(?P<word>[a-z]+)", re.IGNORECASE), re.compile(r"(?P<word>[a-z]+)", re.IGNORECASE)
    for _ in range(2):
        assert [found["word"] for found in late.finditer("one TWO 3")] == ["one", "TWO"]
    assert (late.pattern, late.flags, late.groups) == (compiled.pattern, compiled.flags, compiled.groups)
    assert late_pattern(rb"\d+").sub(b"#", b"a1b22") == b"a#b#"


def test_a_wrong_pattern_fails_where_it_is_used() -> None:
    late = late_pattern("(")
    with pytest.raises(re.error):
        late.match("x")


def test_modules_may_be_imported_with_late_patterns() -> None:
    with late_patterns():
        late = re.compile("a|b")
    assert type(late).__name__ != "Pattern"
    assert late.split("1a2b3") == ["1", "2", "3"]
    assert type(re.compile("a|b")).__name__ == "Pattern"

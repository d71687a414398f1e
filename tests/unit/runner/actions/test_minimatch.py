"""Patterns of artifact names: what the npm package `minimatch` answers (asked with node and minimatch 9)."""

import pytest

from homeport.runner.actions.native.minimatch import Minimatch, expand_braces

CASES = [
    ("*", "a", True),
    ("*", ".a", False),
    (".*", ".a", True),
    ("?a", ".a", False),
    ("a?c", "abc", True),
    ("a?c", "ac", False),
    ("log-*", "log-", True),
    ("log-*", "xlog-1", False),
    ("**", "a", True),
    ("**", "a/b", True),
    ("*", "a/b", False),
    ("[abc]*", "beta", True),
    ("[!abc]*", "beta", False),
    ("[^abc]*", "delta", True),
    ("[a-c]1", "b1", True),
    ("[a-c", "[a-c", True),
    ("{a,b}", "b", True),
    ("{a,b}*", "c", False),
    ("x{1..3}", "x2", True),
    ("x{1..3}", "x4", False),
    ("x{3..1}", "x2", True),
    ("{a}", "{a}", True),
    ("{a,{b,c}d}", "cd", True),
    ("!a*", "b", True),
    ("!a*", "abc", False),
    ("!!a*", "abc", True),
    ("#a", "#a", False),
    (r"\*", "*", True),
    (r"\*", "a", False),
    ("a+b", "a+b", True),
    ("a.b", "axb", False),
    ("dist-linux-3.1*", "dist-linux-3.12", True),
    ("(x|y)", "(x|y)", True),
]


@pytest.mark.parametrize(("pattern", "name", "expected"), CASES)
def test_a_name_matches_as_minimatch_says(pattern: str, name: str, expected: bool) -> None:
    assert Minimatch(pattern).is_match(name) is expected


def test_braces_expand() -> None:
    assert expand_braces("a{b,c}d{1,2}") == ["abd1", "abd2", "acd1", "acd2"]
    assert expand_braces("a{b") == ["a{b"]
    assert expand_braces("{},{a,b}") == ["{},a", "{},b"]

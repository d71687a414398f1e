"""Texts fall into words as they do on their way to `docker create` in GitHub's runner."""

import pytest

from homeport.runner.services.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  a\tb\n c ", ["a", "b", "c"]),
        ('--health-cmd "pg_isready -U x"', ["--health-cmd", "pg_isready -U x"]),
        ('--health-cmd="pg_isready -U x"', ["--health-cmd=pg_isready -U x"]),
        ("'a b'", ["'a", "b'"]),
        (r'"say \"hello\" now"', ['say "hello" now']),
        (r"a\b c\\d", [r"a\b", r"c\\d"]),
        (r'"ends with \\" next', ["ends with \\", "next"]),
        ('a""b', ["ab"]),
        ('"a""b"', ['a"b']),
        ('""', [""]),
        ('"never closed', ["never closed"]),
    ],
)
def test_double_quotes_hold_words_together_and_nothing_else_does(text: str, words: list[str]) -> None:
    assert split_words(text) == words

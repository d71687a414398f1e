"""Durations, widths and escape sequences."""

import pytest

from homeport.present.words import fit, show_duration, strip_ansi


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0ms"),
        (0.084, "84ms"),
        (3.24, "3.2s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (65, "1m 05s"),
        (7384, "2h 03m"),
    ],
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("much too long", 8, "much to…"),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 7, "漢字漢…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
        ("a\x07b\x08c", 5, "abc"),
    ],
)
def test_text_is_fitted_by_columns(text: str, width: int, shown: str) -> None:
    assert fit(text, width) == shown


def test_escape_sequences_are_taken_out() -> None:
    assert strip_ansi("\x1b[1;31mred\x1b[0m \x1b]0;title\x07plain\x1b[2K") == "red plain"

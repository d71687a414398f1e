"""Nearest names, lists and excerpts."""

import pytest

from homeport.language.names import find_nearest, list_names, quote
from homeport.language.timezones import is_time_zone, list_time_zones

KEYS = ("branches", "branches-ignore", "runs-on", "steps", "if", "id", "working-directory", "timeout-minutes")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("branch", "branches"),
        ("run-on", "runs-on"),
        ("runson", "runs-on"),
        ("STEPS", "steps"),
        ("setps", "steps"),
        ("workign-directory", "working-directory"),
        ("working-dir", "working-directory"),
        ("timeout", "timeout-minutes"),
        ("of", None),
        ("ID", "id"),
        ("x", None),
        ("", None),
        ("something-else", None),
    ],
)
def test_the_nearest_name_is_one_mistake_in_three_letters_away(name: str, nearest: str | None) -> None:
    assert find_nearest(name, KEYS) == nearest


def test_the_nearer_of_two_wins() -> None:
    assert find_nearest("brunches", ("bunches", "branches", "benches")) == "bunches"


def test_names_are_listed_in_order() -> None:
    assert list_names({"b", "a", "c"}) == "a, b, c"


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [("a b", "'a b'"), ("a\n  b", "'a b'"), ("x" * 60, f"'{'x' * 60}'"), ("x" * 61, f"'{'x' * 60}…'")],
)
def test_an_excerpt_is_one_short_line(text: str, excerpt: str) -> None:
    assert quote(text) == excerpt


def test_time_zones_are_known_by_their_names() -> None:
    assert all(map(is_time_zone, ("UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+3", "Asia/Kolkata")))
    assert not any(map(is_time_zone, ("", "Europe", "Europe/", "Berlin", "Europe/Berlin ", "Asia/Somewhere", "utc")))
    assert all(map(is_time_zone, list_time_zones()))

"""A badge is a well-formed image, whatever the names in it are, and its key opens one repository only."""

from xml.etree import ElementTree

import pytest

from homeport.ports.directory import HostedRepository
from homeport.server.badge_image import Tone, draw_badge
from homeport.server.badge_key import BadgeKey

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("CI", "CI"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\"'><svg onload=x>", "\"'><svg onload=x>"),
        ("]]><!--&amp;", "]]><!--&amp;"),
        ("a\x00b\x1b[31m\ud800\ufffe\u202ec", "a b [31m c"),
        ("日本 ü 😀", "日本 ü 😀"),
        ("", ""),
        ("x" * 500, "x" * 79 + "…"),
    ],
)
def test_names_are_shown_as_text_and_never_as_mark_up(name: str, shown: str) -> None:
    image = ElementTree.fromstring(draw_badge(name, "passing", "success"))
    assert {element.tag for element in image.iter()} == {
        f"{SVG}{tag}" for tag in ("svg", "title", "clipPath", "rect", "g", "text")
    }
    assert [element.text or "" for element in image.iter(f"{SVG}text")] == [shown, "passing"]


@pytest.mark.parametrize("tone", ["success", "failure", "neutral", "middling"])
def test_white_stands_out_on_every_ground(tone: Tone) -> None:
    image = ElementTree.fromstring(draw_badge("CI", "x", tone))
    for ground in (element.get("fill") or "" for element in image.iter(f"{SVG}rect") if element.get("fill")):
        channels = [int(ground[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5


def test_a_key_is_good_for_one_repository() -> None:
    key = BadgeKey(b"k" * 32)
    one, two = HostedRepository(id=1, owner="a", name="b"), HostedRepository(id=2, owner="a", name="c")
    assert key.is_good(one, key.sign(one))
    assert not key.is_good(two, key.sign(one))
    assert not key.is_good(one, "")
    assert not key.is_good(one, "ü\ud800")
    assert not BadgeKey(b"other" * 8).is_good(one, key.sign(one))

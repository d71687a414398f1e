"""A badge is a well-formed image, whatever the names in it are, and its key opens one repository only."""

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from homeport.ports.directory import HostedRepository
from homeport.server.badge_image import Tone, draw_badge
from homeport.server.badge_key import BadgeKey
from homeport.server.coverage_records import read_coverage
from homeport.store.artifacts_folder import FolderArtifacts
from tests.support.plans import FixedClock

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


def pack(description: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("upload.json", description)
    return packed.getvalue()


def say_encrypted(archive: bytes) -> bytes:
    """The flag is in both heads of a file: 6 bytes behind the beginning of the one, 8 behind that of the other."""
    data = bytearray(archive)
    data[6] |= 1
    data[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


GOOD = pack(b'{"reports": [{"covered": 9, "lines": 10}]}')


@pytest.mark.parametrize(
    ("archive", "covered"),
    [
        (GOOD, 90.0),
        (GOOD[:-30], None),
        (say_encrypted(GOOD), None),
        (pack(b'{"report_type": "\xff"}'), None),
        (pack(b'{"reports": 7}'), None),
        (pack(b'{"reports": [{"covered": 9}]}'), None),
        (b"", None),
    ],
)
def test_a_record_that_cannot_be_read_says_nothing(tmp_path: Path, archive: bytes, covered: float | None) -> None:
    (tmp_path / "record.zip").write_bytes(archive)
    artifacts = FolderArtifacts(str(tmp_path), FixedClock())
    artifacts.put_file("7", 1, "build", "coverage", str(tmp_path / "record.zip"), is_record=True)
    assert read_coverage(artifacts, "7") == covered

"""Versions and ranges of setup-python: expected values are those of npm's semver 7 (`semver.satisfies`), asked with node."""

from itertools import pairwise

import pytest

from homeport.runner.actions.native.semver import Version, parse_range, parse_version
from homeport.runner.actions.native.setup_python.versions import parse_wish

HERE = [
    "2.7.18",
    "3.6.15",
    "3.7.0",
    "3.8.18",
    "3.9.0",
    "3.9.18",
    "3.10.0",
    "3.10.13",
    "3.11.7",
    "3.12.0",
    "3.12.1",
    "3.13.0",
    "3.14.0-alpha.1",
    "3.14.0-beta.2",
    "3.14.0-rc.1",
    "3.14.0",
    "3.14.1",
    "3.15.0-alpha.3",
    "4.0.0",
]

RANGES = {
    "3": "3.14.1",
    "3.x": "3.14.1",
    "3.12": "3.12.1",
    "3.12.x": "3.12.1",
    "3.12.0": "3.12.0",
    "v3.9": "3.9.18",
    "==3.12.*": "3.12.1",
    "*": "4.0.0",
    "x": "4.0.0",
    "": "4.0.0",
    ">=3.10 <3.13": "3.12.1",
    ">= 3.10 < 3.13": "3.12.1",
    "<3.10": "3.9.18",
    "<=3.10": "3.10.13",
    "<=3.10.0": "3.10.0",
    ">3.13 <3.15": "3.14.1",
    "<3.14": "3.13.0",
    "~3.12.0": "3.12.1",
    "~3": "3.14.1",
    "~3.14.0-0": "3.14.1",
    "~=3.10": "3.10.13",
    "~=3.10.0": "3.10.13",
    "~>3.9": "3.9.18",
    "^3.9": "3.14.1",
    "3.9 - 3.11": "3.11.7",
    "3.9.1 - 3.10.0": "3.10.0",
    "3.8 || 3.10": "3.10.13",
    "3.14.0-rc.1": "3.14.0-rc.1",
    "~3.15.0-0": "3.15.0-alpha.3",
    ">=3.15.0-alpha.1 <3.16": "3.15.0-alpha.3",
    "3.15": None,
    ">=3.15 <4": None,
    "3.12 3.11": None,
    "<*": None,
}


@pytest.mark.parametrize(("text", "expected"), RANGES.items())
def test_a_range_admits_what_semver_admits(text: str, expected: str | None) -> None:
    versions = [version for name in HERE if (version := parse_version(name)) is not None]
    assert len(versions) == len(HERE)
    found = parse_range(text)
    assert found is not None
    newest = found.find_newest(versions)
    assert (str(newest) if newest else None) == expected


@pytest.mark.parametrize(
    "text", ["abc", "3.12.1.2", "3..1", ">", "!=3.9.0", ">=3.8,<3.12", "03.1", "3.12-rc.1", "3.12;3.13"]
)
def test_what_is_no_range(text: str) -> None:
    assert parse_range(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.12.1", Version(3, 12, 1)),
        ("3.14.0rc1", Version(3, 14, 0, "rc", 1)),
        ("3.14.0-rc.1", Version(3, 14, 0, "rc", 1)),
        ("3.15.0a3+", Version(3, 15, 0, "alpha", 3)),
        ("3.13.0t", Version(3, 13, 0)),
        ("3.12", None),
        ("3.12.1.post1", None),
    ],
)
def test_versions_are_read_in_both_spellings(text: str, expected: Version | None) -> None:
    assert parse_version(text) == expected


def test_a_prerelease_goes_before_its_release() -> None:
    names = ["3.14.0-alpha.1", "3.14.0-beta.2", "3.14.0-rc.1", "3.14.0-rc.2", "3.14.0"]
    versions = [version for name in names if (version := parse_version(name)) is not None]
    assert all(one.order < other.order for one, other in pairwise(versions))
    assert [str(version) for version in versions] == names


@pytest.mark.parametrize(
    ("text", "versions", "freethreaded"),
    [
        ("3.13", "3.13", False),
        ("3.13t", "3.13", True),
        ("3.13.1t", "3.13.1", True),
        ("3.14-dev", "~3.14.0-0", False),
        ("3.14t-dev", "~3.14.0-0", True),
        ("3.14.0rc1", "3.14.0-rc1", False),
        (">=3.14.0b1", ">=3.14.0-b1", False),
    ],
)
def test_special_notations(text: str, versions: str, freethreaded: bool) -> None:
    wish = parse_wish(text)
    assert (wish.versions, wish.freethreaded, wish.pypy) == (versions, freethreaded, False)


def test_prereleases_are_allowed_for_a_minor_version_only() -> None:
    assert parse_wish("3.14", allow_prereleases=True).versions == "~3.14.0-0"
    assert parse_wish("3.x", allow_prereleases=True).versions == "3.x"


@pytest.mark.parametrize(
    ("text", "versions", "pypy_versions"),
    [
        ("pypy3.10", "3.10", "x"),
        ("pypy-3.9", "3.9", "x"),
        ("pypy3.10-v7.3.x", "3.10", "7.3.x"),
        ("pypy-3.8-v7.x", "3.8", "7.x"),
    ],
)
def test_pypy_is_named_by_two_versions(text: str, versions: str, pypy_versions: str) -> None:
    wish = parse_wish(text)
    assert (wish.pypy, wish.versions, wish.pypy_versions) == (True, versions, pypy_versions)


@pytest.mark.parametrize("text", ["pypy", "pypy3", "pypy3.x", "pypy-7.3.1"])
def test_a_pypy_without_a_minor_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="PyPy"):
        parse_wish(text)

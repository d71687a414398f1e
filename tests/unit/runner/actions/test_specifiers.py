"""Version specifiers: expected values are those of the `packaging` library (`SpecifierSet.contains`)."""

import pytest

from homeport.runner.actions.native.semver import parse_version
from homeport.runner.actions.native.specifiers import parse_specifiers

VERSIONS = ["0.4.9", "0.4.30", "0.5.0", "0.5.1", "0.5.2", "0.6.0rc1", "0.6.0", "1.0.0"]
CASES = {
    ">=0.4.25,<0.5": ["0.4.30"],
    ">= 0.4.25, < 0.5": ["0.4.30"],
    "~=0.5.1": ["0.5.1", "0.5.2"],
    "~=0.4": ["0.4.9", "0.4.30", "0.5.0", "0.5.1", "0.5.2", "0.6.0"],
    "==0.5.*": ["0.5.0", "0.5.1", "0.5.2"],
    "!=0.5.*,<0.6": ["0.4.9", "0.4.30"],
    "!=0.5.1,>=0.5,<0.6": ["0.5.0", "0.5.2"],
    ">0.5.1": ["0.5.2", "0.6.0", "1.0.0"],
    "<=0.5": ["0.4.9", "0.4.30", "0.5.0"],
    "==0.5": ["0.5.0"],
    ">=0.6.0rc1,<1": ["0.6.0rc1", "0.6.0"],
}


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_specifiers_admit_what_packaging_admits(text: str, expected: list[str]) -> None:
    admits = parse_specifiers(text)
    assert admits is not None
    assert [name for name in VERSIONS if (version := parse_version(name)) and admits(version)] == expected


@pytest.mark.parametrize("text", ["", "0.5", "latest", ">=", "~=1", ">=0.5.*", ">=0.5 <0.6", "===0.5", "==0.5.0.0"])
def test_what_is_no_list_of_specifiers(text: str) -> None:
    assert parse_specifiers(text) is None

"""`docs/rules.md` describes every code, and its examples are true."""

import re

import pytest

from homeport.language.lint import lint
from homeport.language.rules import CODES, OPTIONAL_CODES
from tests.support.conformance import ROOT

PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_code_has_a_section_in_order() -> None:
    assert list(SECTIONS) == sorted(CODES)
    assert list(CODES) == sorted(CODES)


@pytest.mark.parametrize("code", SECTIONS)
def test_the_wrong_example_has_the_code_and_the_right_one_has_none(code: str) -> None:
    (wrong,) = re.findall(r"```yaml wrong\n(.*?)```", SECTIONS[code], re.DOTALL)
    (right,) = re.findall(r"```yaml right\n(.*?)```", SECTIONS[code], re.DOTALL)
    assert codes_in(wrong, code) == {code}
    assert codes_in(right, code) == set()


def codes_in(text: str, code: str) -> set[str]:
    found = lint({".github/workflows/x.yml": text}, enabled=OPTIONAL_CODES & {code}).diagnostics
    assert all(diagnostic.docs == f"docs/rules.md#{diagnostic.code}" for diagnostic in found)
    return {diagnostic.code for diagnostic in found}

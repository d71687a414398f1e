"""What the rules find, and what they leave alone: golden files.

Each file under `tests/cases/rules` is a workflow, or with `#: path` lines a repository; it ends with what is found in it, one `#= ` line
a diagnostic. `#+ code` switches an optional rule on.
"""

from pathlib import Path

import pytest

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language.lint import lint
from homeport.language.rules import CODES, OPTIONAL_CODES, RULES
from tests.support.cases import FOLDER

FILES = sorted((FOLDER / "rules").glob("*.yml"))
MAIN = ".github/workflows/main.yml"
EXPECTED, PATH, ENABLE = "#= ", "#: ", "#+ "


@pytest.mark.parametrize("case", FILES, ids=[path.stem for path in FILES])
def test_a_rule_finds_what_is_wrong_and_nothing_else(case: Path) -> None:
    texts: dict[str, str] = {}
    name, expected, enabled = MAIN, [], []
    for line in case.read_text("utf-8").splitlines(keepends=True):
        if line.startswith(EXPECTED):
            expected.append(line.removeprefix(EXPECTED).rstrip("\n"))
        elif line.startswith(PATH):
            name = line.removeprefix(PATH).strip()
        elif line.startswith(ENABLE):
            enabled.append(line.removeprefix(ENABLE).strip())
        else:
            texts[name] = texts.get(name, "") + line
    assert [_render(diagnostic) for diagnostic in check(texts, enabled)] == expected


def check(texts: dict[str, str], enabled: list[str]) -> list[Diagnostic]:
    """Check the YAML files of a case; the others are only there."""
    files: dict[str, str | bytes] = {name: text for name, text in texts.items() if name.endswith((".yml", ".yaml"))}
    return lint(files, others=FilesOfCase(texts), enabled=enabled).diagnostics


class FilesOfCase:
    """A repository that holds nothing but the files of the case."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def read(self, path: str) -> str | None:
        return self._texts.get(path)

    def has(self, path: str) -> bool:
        return path in self._texts


def _render(diagnostic: Diagnostic) -> str:
    kind = "refused" if diagnostic.invalid else diagnostic.severity
    span = diagnostic.span
    end = f"{span.end_line}:{span.end_column}" if span.end_line != span.line else str(span.end_column)
    parts = [f"{_show(span)}-{end} {diagnostic.code} {kind} {diagnostic.message}"]
    if diagnostic.hint is not None:
        parts.append(diagnostic.hint)
    parts.extend(f"{_show(related.span)} {related.message}" for related in diagnostic.related)
    return " | ".join(parts)


def _show(span: Span) -> str:
    return f"{'' if span.file == MAIN else span.file + ':'}{span.line}:{span.column}"


def test_every_rule_has_a_case_of_its_own() -> None:
    found = {
        line.split()[2] for case in FILES for line in case.read_text("utf-8").splitlines() if line.startswith(EXPECTED)
    }
    assert {rule.code for rule in RULES} <= found


def test_every_rule_reports_a_known_code() -> None:
    assert {rule.code for rule in RULES} <= CODES.keys()
    assert {"unpinned-action"} == OPTIONAL_CODES

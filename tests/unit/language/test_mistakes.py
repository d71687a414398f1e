"""Every mistake of a file at once, with code, place, words, hint and related places: golden files.

Each file under `tests/cases/language/mistakes` ends with what is found in it, one `#= ` line a diagnostic.
"""

from pathlib import Path

import pytest

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.lint import lint
from tests.support.cases import FOLDER

FILES = sorted((FOLDER / "language" / "mistakes").glob("*/*.yml"))
MARK = "#= "


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_every_mistake_of_a_file_is_found_at_once(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith(MARK))
    expected = [line.removeprefix(MARK).rstrip("\n") for line in lines if line.startswith(MARK)]
    name = "action.yml" if path.parent.name == "actions" else ".github/workflows/x.yml"
    assert [_render(diagnostic) for diagnostic in lint({name: text}).diagnostics] == expected


def _render(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    kind = "refused" if diagnostic.invalid else diagnostic.severity
    parts = [
        f"{span.line}:{span.column}-{span.end_line}:{span.end_column} {diagnostic.code} {kind} {diagnostic.message}"
    ]
    if diagnostic.hint is not None:
        parts.append(diagnostic.hint)
    parts.extend(f"{related.span.line}:{related.span.column} {related.message}" for related in diagnostic.related)
    return " | ".join(parts)

"""Every mistake of a file at once, with code, place, words, hint and related places: golden files.

Each file under `tests/cases/language/mistakes` ends with what is found in it, one `#= ` line a diagnostic.
"""

from pathlib import Path

import pytest

from homeport.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from homeport.language.calls import check_calls
from homeport.language.parser.action import parse_action
from homeport.language.parser.workflow import parse_workflow
from homeport.language.project import GivenFiles, Project
from homeport.language.rules.env_var import check_env_names
from homeport.language.rules.events import check_inputs
from homeport.language.rules.glob import check_globs
from homeport.language.rules.matrix import check_matrix_values
from homeport.language.rules.shell_name import check_shells
from homeport.language.subject import Subject
from tests.support.cases import FOLDER

FILES = sorted((FOLDER / "language" / "mistakes").glob("*/*.yml"))
MARK = "#= "


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_every_mistake_of_a_file_is_found_at_once(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith(MARK))
    expected = [line.removeprefix(MARK).rstrip("\n") for line in lines if line.startswith(MARK)]
    found = _check_action(text) if path.parent.name == "actions" else _check_workflow(text)
    assert [_render(diagnostic) for diagnostic in found] == expected


def _check_action(text: str) -> list[Diagnostic]:
    return parse_action(text, "action.yml")[1]


def _check_workflow(text: str) -> list[Diagnostic]:
    """With the rules that look at one value at a time; those that know types and other files have tests of their own."""
    workflow, diagnostics = parse_workflow(text, ".github/workflows/x.yml")
    if workflow is not None:
        diagnostics += check_calls(workflow, lambda _: None)
        subject = Subject(workflow, Project(GivenFiles({})), ())
        for rule in (check_env_names, check_globs, check_inputs, check_matrix_values, check_shells):
            diagnostics += rule(subject)
    return sort_diagnostics(diagnostics)


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

"""`check` against rhysd/actionlint's own cases (`testdata/ok`, `testdata/examples`, `testdata/projects`; MIT licence)."""

import re
from pathlib import Path
from typing import Any

import pytest

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.lint import lint
from tests.support.actionlint import EXTERNAL, FolderOfFiles, find_rule, rule_of, translate
from tests.support.conformance import conformance_folder, load_cases, require_cases

DATA = "actionlint/cases.jsonl"
FILE = ".github/workflows/test.yaml"
CASES = load_cases(DATA)
OK = [case for case in CASES if case["set"] == "ok"]
EXAMPLES = [case for case in CASES if case["set"] == "examples" and "dangling_alias" not in case["source"]]
EXAMPLE_FILES = FolderOfFiles(conformance_folder() / "actionlint" / "examples")

PLACE_DIFFERS = {"job-needs"}
"""GitHub blames the need, they the job; where the two differ, GitHub is right."""
ADVICE = {
    "no_local_action_found": "action",  # an earlier step may have put the action into the workspace
    "special_function_availability": "status-function",
    "workflow_dispatch_input_types": "if-cond",  # `if: github.event.inputs.flag` is true for the text `false`
}
"""Warnings of ours in workflows that are right for actionlint."""


def _name(case: dict[str, Any]) -> str:
    return str(case["source"]).rpartition("/")[2].removesuffix(".yaml")


def _check(case: dict[str, Any]) -> list[Diagnostic]:
    diagnostics = lint({FILE: case["workflow"]}, others=EXAMPLE_FILES).diagnostics
    assert {diagnostic.span.file for diagnostic in diagnostics} <= {FILE}
    return diagnostics


def _place(rule: str, line: int, column: int) -> tuple[str, int, int]:
    return (rule, 0, 0) if rule in PLACE_DIFFERS else (rule, line, column)


def test_the_published_cases_are_there() -> None:
    require_cases(DATA)
    assert (len(OK), len(EXAMPLES)) == (84, 50)


@pytest.mark.parametrize("case", OK, ids=map(_name, OK))
def test_a_right_workflow_is_met_with_silence(case: dict[str, Any]) -> None:
    found = _check(case)
    assert [diagnostic for diagnostic in found if diagnostic.severity == "error"] == []
    assert {diagnostic.code for diagnostic in found} == ({ADVICE[_name(case)]} if _name(case) in ADVICE else set())


@pytest.mark.parametrize("case", EXAMPLES, ids=map(_name, EXAMPLES))
def test_a_mistake_has_its_rule_and_its_place(case: dict[str, Any]) -> None:
    rows = [row for row in case["expect"] if rule_of(row) not in EXTERNAL]
    expected = {_place(rule_of(row), row["line"], row["col"]) for row in rows}
    assert {_place(*translate(diagnostic)) for diagnostic in _check(case)} == expected


# --- projects of several files ---------------------------------------------------------------------------------------

PROJECTS = conformance_folder() / "actionlint" / "projects"
SETTINGS = {"config_variables", "paths_config", "user_defined_runner_label"}
"""Projects that are about actionlint's own settings file."""
DIFFERENT: dict[str, str] = {
    "broken_reusable_workflow": "GitHub's schema wants a mapping for every input, and refuses one that is empty",
    "deprecated_inputs": "an empty deprecation message has no effect (actions/runner ActionRunner)",
    "example_inputs_secrets_in_workflow_call": "GitHub refuses the called workflow for its unknown context, whatever it is given",
    "example_workflow_call_outputs_downstream_jobs": "GitHub refuses the called workflow for its unknown context",
    "local_action_invalid": "an empty deprecation message has no effect",
    "local_action_invalid_runners": "node12 and node16 are run by a newer Node: a warning in the action's own file",
    "local_action_yaml_1.1_boolean": "yes and on are texts in YAML 1.2, and no booleans",
    "local_composite_action": "a composite run step needs a shell (docs: 'Metadata syntax', runs.steps[*].shell)",
    "local_javascript_action": "a file may be built by an earlier step, and a condition that guards nothing does no harm: warnings",
    "recursive_workflow_call": "a workflow cannot call itself (docs: 'Reusing workflow configurations')",
    "workflow_call_undefined": "GitHub blames the value of an unknown input (TemplateTokenExtensions, parser cases)",
    "workflow_call_upper_case": "GitHub refuses the called workflow for the inputs without a type",
    "yaml_anchor_in_action": "an image of a registry begins with docker:// (actions/runner ActionManager)",
    "workflow_call_input_type_check": "GitHub refuses the called workflow for the input without a type",
}
"""Where GitHub does otherwise, and how."""


def _projects() -> list[Path]:
    """Those whose files were published with what is expected of them."""
    return sorted(
        path for path in PROJECTS.glob("*.out") if path.stem not in SETTINGS and path.with_suffix("").is_dir()
    )


@pytest.mark.parametrize("expected", _projects(), ids=lambda path: str(path.stem))
def test_a_project_is_checked_with_its_actions_and_workflows(expected: Path) -> None:
    root = expected.with_suffix("")
    texts: dict[str, str | bytes] = {
        str(path.relative_to(root)): path.read_bytes() for path in sorted((root / "workflows").rglob("*.yaml"))
    }
    diagnostics = lint(texts, others=FolderOfFiles(root)).diagnostics
    found = {(diagnostic.span.file, *translate(diagnostic)) for diagnostic in diagnostics}
    assert (found == _read_expected(expected)) == (expected.stem not in DIFFERENT)


def _read_expected(path: Path) -> set[tuple[str, str, int, int]]:
    rows = set()
    for line in path.read_text("utf-8").splitlines():
        match = re.match(r"(?P<file>[^:]+):(?P<line>\d+):(?P<column>\d+):", line.replace("\\", "").strip("/"))
        assert match is not None, line
        rows.add((match["file"], find_rule(line), int(match["line"]), int(match["column"])))
    return rows

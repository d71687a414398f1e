"""The parser and its rules against rhysd/actionlint's own cases (`testdata/ok` and `testdata/examples`, MIT licence)."""

import re
from typing import Any

import pytest

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.lint import lint
from tests.support.conformance import load_cases, require_cases

DATA = "actionlint/cases.jsonl"
CASES = load_cases(DATA)
OK = [case for case in CASES if case["set"] == "ok"]
EXAMPLES = [case for case in CASES if case["set"] == "examples" and "dangling_alias" not in case["source"]]

STRUCTURE = {
    "syntax-check",
    "events",
    "glob",
    "id",
    "job-needs",
    "permissions",
    "matrix",
    "workflow-call",
    "env-var",
    "shell-name",
}
"""Their rules whose mistakes show without knowing what expressions give or what actions take. Our codes are the same."""
READING = {
    "expression": ("expression_syntax_error", "contexts_special_functions_availability"),
    "action": ("invalid_action_format",),
}
"""Their other rules, with the cases that are about how something is written."""
PLACE_DIFFERS = {"job-needs"}
"""GitHub blames the need, they the job; where the two differ, GitHub is right."""


def _name(case: dict[str, Any]) -> str:
    return str(case["source"]).rpartition("/")[2].removesuffix(".yaml")


def _check(case: dict[str, Any]) -> list[Diagnostic]:
    return lint({".github/workflows/test.yaml": case["workflow"]}).diagnostics


def _rule_of(expected: dict[str, Any]) -> str:
    rule = expected["rule"] or re.findall(r"\\?\[([a-z-]+)\\?\]", expected["message"])[-1]
    assert isinstance(rule, str)
    return rule


def _is_ours(rule: str, case: dict[str, Any]) -> bool:
    return rule in STRUCTURE or _name(case) in READING.get(rule, ())


def _place(rule: str, line: int, column: int) -> tuple[str, int, int]:
    return (rule, 0, 0) if rule in PLACE_DIFFERS else (rule, line, column)


def test_the_published_cases_are_there() -> None:
    require_cases(DATA)
    assert (len(OK), len(EXAMPLES)) == (84, 50)


@pytest.mark.parametrize("case", OK, ids=map(_name, OK))
def test_a_right_workflow_is_met_with_silence(case: dict[str, Any]) -> None:
    assert _check(case) == []


@pytest.mark.parametrize("case", EXAMPLES, ids=map(_name, EXAMPLES))
def test_a_mistake_has_its_rule_and_its_place(case: dict[str, Any]) -> None:
    expected = {
        _place(rule, row["line"], row["col"]) for row in case["expect"] if _is_ours(rule := _rule_of(row), case)
    }
    found = {
        _place(diagnostic.code, diagnostic.span.line, diagnostic.span.column)
        for diagnostic in _check(case)
        if _is_ours(diagnostic.code, case)
    }
    assert found == expected

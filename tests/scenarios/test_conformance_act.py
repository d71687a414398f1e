"""nektos/act's own workflows (pkg/runner/testdata at bd861521, MIT): every row that needs no container, no Windows and no code from
elsewhere, run through the real command line.

The published set has no scripts, so the actions that some rows call are small stand-ins here (`STAND_INS`), written for what the
workflow checks. Rows that need an action from the network run where Homeport has that action natively.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.conformance import ROOT, conformance_folder, load_cases, require_cases
from tests.support.homeport import run_homeport
from tests.support.projects import commit_all, init_repository

CASES = "act/cases.jsonl"

ELSEWHERE = {
    "remote-action-composite-action-ref": "nektos/act-test-actions",
    "remote-action-docker": "an image action",
    "remote-action-js": "actions/hello-world-javascript-action",
    "issue-597": "actions/hello-world-javascript-action",
    "uses-action-with-pre-and-post-step": "nektos/act-test-actions",
    "GITHUB_ENV-use-in-env-ctx": "nektos/act-test-actions",
    "stepsummary": "actions/github-script",
    "uses-workflow-defaults": "a called workflow that the published set leaves out",
}
"""Rows whose workflow needs code that is neither published with it nor native: what they need."""

NOT_GITHUBS = {"if-env-act": "docs/decisions/0004-no-act-variable.md"}
"""Rows that hold in act only: the record that shows GitHub's own behaviour."""

OPTIONS = {
    "runs-on": ["--actor", "nektos/act"],
    "matrix": ["--runner", "macos-latest=process"],
    "matrix-include-exclude": ["--runner", "macos-latest=process"],
    "workflow_dispatch": ["--input", "required=required input", "--input", "boolean=true"],
}

STAND_INS = {
    "composite-fail-with-output": {
        "actions/composite-fail-with-output/action.yml": """
            outputs:
              customoutput:
                value: ${{ steps.set.outputs.custom }}
            runs:
              using: composite
              steps:
                - id: set
                  run: echo "custom=my-customoutput-green" >> "$GITHUB_OUTPUT"; exit 1
                  shell: bash
            """,
    },
    "uses-composite-with-error": {
        "uses-composite-with-error/composite_action2/action.yml": """
            runs:
              using: composite
              steps:
                - run: exit 1
                  shell: bash
            """,
    },
    "uses-composite-check-for-input-collision": {
        "uses-composite-check-for-input-collision/composite_action/action.yml": """
            inputs:
              inner:
                default: outer
            runs:
              using: composite
              steps:
                - run: test '${{ inputs.inner }}' = outer -a -z "$INPUT_INNER"
                  shell: bash
            """,
    },
    "uses-nested-composite": {
        "uses-nested-composite/composite_action2/action.yml": """
            inputs:
              test_input_optional: {}
            runs:
              using: composite
              steps:
                - uses: ./uses-nested-composite/inner
                  with:
                    value: ${{ inputs.test_input_optional }}
            """,
        "uses-nested-composite/inner/action.yml": """
            inputs:
              value: {required: true}
            runs:
              using: composite
              steps:
                - run: |
                    test "${{ inputs.value }}" = Test
                    echo "COMPOSITE_ACTION_ENV_OUTPUT=my test value" >> "$GITHUB_ENV"
                  shell: bash
            """,
    },
}


def wanted_rows() -> list[dict[str, Any]]:
    """One row a path and event: those that this build is to carry out."""
    rows = {}
    for row in load_cases(CASES):
        left_out = (
            {"docker", "windows"} & set(row["needs"])
            or row["path"] in {**ELSEWHERE, **NOT_GITHUBS}
            or not row["present"]
        )
        if not left_out and not row["path"].startswith("local-action"):
            rows[row["path"], row["event"]] = row
    return list(rows.values())


def test_every_exception_has_its_decision_record() -> None:
    assert [record for record in NOT_GITHUBS.values() if not (ROOT / record).exists()] == []


def test_the_published_cases_are_there() -> None:
    require_cases(CASES)
    assert len(wanted_rows()) >= 20


@pytest.mark.parametrize("row", wanted_rows(), ids=lambda row: row["path"])
def test_a_workflow_of_act_ends_as_it_does_there(row: dict[str, Any], tmp_path: Path) -> None:
    path = row["path"]
    if path == "networking" and os.geteuid() != 0:
        pytest.skip("installs a Debian package, which needs root")
    if path == "workdir" and os.geteuid() != 0:
        pytest.skip("works in /root, which needs root")
    repository = tmp_path / "act"
    shutil.copytree(conformance_folder() / "act" / "workflows", repository)
    for name, text in STAND_INS.get(path, {}).items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    init_repository(repository)
    commit_all(repository, "act's workflows")
    workflow = next(file for file in (repository / path).iterdir() if file.suffix in (".yml", ".yaml"))
    answer = run_homeport(
        ["run", str(workflow.relative_to(repository)), "--event", row["event"], *OPTIONS.get(path, [])], cwd=repository
    )
    expected = "success" if row["expect_error"] is None else "failure"
    assert answer.conclusion == expected, answer.describe()
    assert answer.exit_code == (0 if expected == "success" else 1)

"""The workflows of all documents, as far as they cannot run yet: free of mistakes, and planned as their documents say.

`tests/cases/examples/plans.json` holds what each event starts: example → call → workflow → jobs. After a deliberate change,
`python -m tests.scenarios.test_examples_plan` writes it anew: read the difference against the document before committing it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.conformance import ROOT
from tests.support.homeport import environment
from tests.support.projects import commit_all, git, init_repository

EXAMPLES = ("sdk", "plugin", "shop", "timetracker")
GOLDEN = ROOT / "tests" / "cases" / "examples" / "plans.json"
CALLS = (
    "--event push",
    "--event push --ref develop",
    "--event push --ref v1.2.3",
    "--event pull_request",
    "--event release",
    "--event schedule",
    "--event workflow_dispatch",
    "--event workflow_dispatch --input version=1.2.3",
)

Plans = dict[str, dict[str, list[str]]]


def copy_example(name: str, parent: Path) -> Path:
    """A repository of its own with the example in it, with the refs that its workflows ask about."""
    folder = parent / name
    shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    init_repository(folder)
    commit_all(folder, "begin")
    git(folder, "branch", "develop")
    git(folder, "tag", "v1.2.3")
    return folder


def plan_example(folder: Path) -> Plans:
    """What each call starts: workflow → its jobs' keys."""
    plans: Plans = {}
    for call in CALLS:
        answer = homeport("plan", *call.split(), "--format", "json", folder=folder)
        planned: list[dict[str, Any]] = json.loads(answer.stdout)["workflows"]
        started = {
            Path(workflow["file"]).name: [job["key"] for job in workflow["jobs"]]
            for workflow in planned
            if workflow["starts"]
        }
        plans[call] = started
    return plans


def homeport(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "homeport", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_planned_as_its_document_says(name: str, tmp_path: Path) -> None:
    golden: dict[str, Plans] = json.loads(GOLDEN.read_text())
    assert plan_example(copy_example(name, tmp_path)) == golden[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_checks_clean(name: str, tmp_path: Path) -> None:
    answer = homeport("check", "--format", "json", folder=copy_example(name, tmp_path))
    assert [row for row in json.loads(answer.stdout) if row["severity"] == "error"] == []
    assert answer.returncode == 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: plan_example(copy_example(name, Path(scratch))) for name in EXAMPLES}
    GOLDEN.write_text(json.dumps(found, indent=1) + "\n")

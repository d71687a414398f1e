"""The workflows of the examples, and Homeport's own, have no mistake that `homeport check` knows."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REPOSITORIES = [ROOT, *sorted(path.parents[1] for path in (ROOT / "examples").glob("*/.github/workflows"))]


@pytest.mark.parametrize("repository", REPOSITORIES, ids=lambda path: str(path.name))
def test_the_workflows_are_free_of_errors(repository: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "homeport", "check", "--format", "text"],
        cwd=repository,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_there_are_examples_to_check() -> None:
    assert {"sdk", "plugin", "shop", "timetracker"} <= {path.name for path in REPOSITORIES}

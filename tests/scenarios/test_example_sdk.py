"""The SDK example's whole pipeline, for real: green as it stands, and exactly the right gate red when what it guards is broken."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.conformance import ROOT
from tests.support.homeport import Answer, run_homeport
from tests.support.interpreters import require_pythons
from tests.support.projects import commit_all, init_repository

EXAMPLE = ROOT / "examples" / "sdk"
UNIT = ("unit (3.10)", "unit (3.11)", "unit (3.12)")
GREEN = dict.fromkeys(("lint", *UNIT, "integration", "build", "ci-success"), "success")

pytestmark = pytest.mark.xdist_group("example-sdk")


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all runs, so that the later ones find the caches of the first, as on a laptop."""
    return tmp_path_factory.mktemp("sdk-home")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository of its own with the example in it."""
    require_pythons("3.10", "3.11", "3.12")
    folder = tmp_path / "villa"
    shutil.copytree(
        EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.egg-info", "dist")
    )
    init_repository(folder)
    commit_all(folder, "The example as it is")
    return folder


def run_pipeline(project: Path, home: Path) -> Answer:
    return run_homeport(["run", "ci.yml"], cwd=project, env={"HOMEPORT_HOME": str(home)})


def break_formatting(project: Path) -> None:
    path = project / "villa_backend_sdk" / "config.py"
    path.write_text(path.read_text() + "\n\nUNTIDY   =   1\n")


def break_a_unit_test(project: Path) -> None:
    path = project / "tests" / "unit" / "test_models.py"
    path.write_text(
        path.read_text() + "\n\n@pytest.mark.unit\ndef test_that_fails() -> None:\n    assert sum([1, 1]) == 3\n"
    )
    assert "import pytest" in path.read_text()


def break_coverage(project: Path) -> None:
    functions = "\n\n".join(
        f"def untested_{number}(value: int) -> int:\n"
        + "".join(f"    value += {step}\n" for step in range(20))
        + "    return value\n"
        for number in range(40)
    )
    (project / "villa_backend_sdk" / "untested.py").write_text(f'"""Nothing here is tested."""\n\n\n{functions}')


def break_the_entry_point(project: Path) -> None:
    path = project / "pyproject.toml"
    path.write_text(path.read_text().replace("villa_backend_sdk.cli:entry_point", "villa_backend_sdk.cli:gone"))


def test_the_pipeline_is_green_as_it_stands(project: Path, shared_home: Path) -> None:
    answer = run_pipeline(project, shared_home)
    assert answer.conclusions == GREEN, answer.describe()
    assert answer.exit_code == 0
    assert {fact["name"] for fact in answer.of("artifact_uploaded")} == {"coverage", "dist"}
    versions = {fact["job"]: fact["version"] for fact in answer.of("version_resolved", kind="tool", name="python")}
    assert {job: version.rpartition(".")[0] for job, version in versions.items() if job in UNIT} == {
        "unit (3.10)": "3.10",
        "unit (3.11)": "3.11",
        "unit (3.12)": "3.12",
    }


@pytest.mark.parametrize(
    ("damage", "red"),
    [(break_formatting, "lint"), (break_coverage, "build"), (break_the_entry_point, "build")],
    ids=["formatting", "coverage", "entry-point"],
)
def test_breaking_what_a_gate_guards_turns_that_gate_red(
    project: Path, shared_home: Path, damage: Callable[[Path], None], red: str
) -> None:
    damage(project)
    answer = run_pipeline(project, shared_home)
    expected = GREEN | {red: "failure", "ci-success": "failure"}
    if red != "build":
        expected["build"] = "skipped"
    assert answer.conclusions == expected, answer.describe()
    assert answer.exit_code == 1


def test_a_broken_unit_test_turns_unit_red_and_cancels_its_siblings(project: Path, shared_home: Path) -> None:
    break_a_unit_test(project)
    answer = run_pipeline(project, shared_home)
    conclusions = answer.conclusions
    legs = [conclusions.pop(leg) for leg in UNIT]
    assert "failure" in legs
    assert set(legs) <= {"failure", "cancelled"}, answer.describe()
    assert conclusions == {
        "lint": "success",
        "integration": "success",
        "build": "skipped",
        "ci-success": "failure",
    }
    assert answer.exit_code == 1

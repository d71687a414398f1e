"""`homeport init` writes the workflows of the examples into a repository that has none."""

import re
import tomllib
from pathlib import Path

import pytest

from homeport.cli.templates import TEMPLATES, Template, read_files
from tests.support.conformance import ROOT
from tests.support.console import call
from tests.support.projects import init_repository

NAMES = [template.name for template in TEMPLATES]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    init_repository(folder)
    return folder


def written(folder: Path) -> dict[str, str]:
    return files_below(folder / ".github")


def files_below(folder: Path) -> dict[str, str]:
    return {f".github/{path.relative_to(folder)}": path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_the_workflows_of_the_example_are_written_and_sound(repository: Path, name: str) -> None:
    captured = call("init", "--template", name, "--format", "json", folder=repository)
    assert captured.code == 0
    assert written(repository) == files_below(ROOT / "examples" / name / ".github")
    assert captured.json["files"] == sorted(written(repository))
    assert call("check", "--strict", folder=repository).code == 0


def test_nothing_is_overwritten(repository: Path) -> None:
    folder = repository / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("on: push\n")
    captured = call("init", "--template", "sdk", folder=repository)
    assert captured.code == 2
    assert "nothing is overwritten" in captured.said
    assert written(repository) == {".github/workflows/mine.yaml": "on: push\n"}


def test_a_folder_that_cannot_be_written_is_left_as_it_was(repository: Path) -> None:
    (repository / ".github").write_text("a file in the way")
    captured = call("init", folder=repository)
    assert captured.code == 1
    assert "the workflows cannot be written" in captured.said
    assert (repository / ".github").read_text() == "a file in the way"


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        (None, "sdk"),
        ("[project]\nname = 'x'\n", "sdk"),
        ("[project.entry-points.pytest11]\nx = 'x'\n", "plugin"),
        ("[project]\ndependencies = ['FastAPI>=0.1']\n", "shop"),
        ("[project]\ndependencies = ['flask']\n", "timetracker"),
    ],
)
def test_without_a_name_the_one_that_fits_is_taken(repository: Path, project: str | None, expected: str) -> None:
    if project is not None:
        (repository / "pyproject.toml").write_text(project)
    assert call("init", "--format", "json", folder=repository).json["template"] == expected


def test_what_belongs_to_the_example_is_listed(repository: Path) -> None:
    (repository / "pyproject.toml").write_text("")
    adapt = call("init", "--template", "sdk", "--format", "json", folder=repository).json["adapt"]
    found = {each["text"]: each for each in adapt}
    assert found.keys() >= {"villa_backend_sdk", "scripts/deploy_manual_s3.py", "secrets.AWS_ACCESS_KEY_ID"}
    assert "pyproject.toml" not in found  # it is there
    assert "secrets.GITHUB_TOKEN" not in found
    place = found["villa_backend_sdk"]
    line = (repository / place["file"]).read_text().splitlines()[place["line"] - 1]
    assert "villa_backend_sdk" in line


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_the_words_of_a_template_stand_in_it(template: Template) -> None:
    text = "\n".join(read_files(template).values())
    for word in template.words:
        assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text), word


@pytest.mark.parametrize("name", NAMES)
def test_the_package_is_built_with_the_templates(name: str) -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert hatch["wheel"]["force-include"][f"examples/{name}/.github"] == f"homeport/templates/{name}"
    assert "examples/*/.github" in hatch["sdist"]["include"]

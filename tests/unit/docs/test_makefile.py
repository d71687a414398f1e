"""What a developer does by name is there, and is listed."""

import re
import subprocess
import tomllib

import pytest

from tests.support.conformance import ROOT


def make(*words: str) -> str:
    return subprocess.run(
        ["make", "--no-print-directory", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_help_lists_every_command_with_what_it_does() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = dict(line.split(None, 2)[1:] for line in make("help").splitlines())
    assert set(listed) == set(phony[0].split())
    assert all(listed.values())
    assert make() == make("help"), "it is what `make` alone does"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("test", "pytest"),
        ("check", "ruff check"),
        ("check", "mypy"),
        ("format", "ruff format"),
        ("serve", "homeport serve"),
    ],
)
def test_one_command_does_it_with_all_that_it_needs(name: str, command: str) -> None:
    lines = make("--dry-run", name).splitlines()
    assert "scripts/bootstrap" in lines[0]
    assert any(command in line for line in lines[1:])


def test_the_oldest_python_is_said_where_installers_look() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"

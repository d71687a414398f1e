"""The scripts of the build of a repository without workflows, as shells and Pythons run them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.language.nodes import Job, RunStep
from homeport.language.parser.workflow import parse_workflow
from homeport.language.tokens import StringToken
from homeport.runner.actions.native.setup_python.discovery import find_interpreters
from homeport.server.default_build import DEFAULT_FILE, write_default_build
from tests.support.interpreters import require_pythons


def script_of(name: str) -> str:
    workflow, _ = parse_workflow(write_default_build(["a.py"]) or "", DEFAULT_FILE)
    assert workflow is not None
    for job in workflow.jobs:
        for step in job.steps if isinstance(job, Job) else ():
            if isinstance(step, RunStep) and isinstance(step.name, StringToken) and step.name.value == name:
                assert isinstance(step.script, StringToken)
                return step.script.value
    raise AssertionError(f"there is no step {name!r}")


def several_pythons() -> dict[str, str]:
    """The executables of all that are supported by their makers, by version."""
    require_pythons("3.11", "3.12")
    found = [each for each in find_interpreters(os.environ) if (each.version.major, each.version.minor) >= (3, 10)]
    return {each.label: each.executable for each in found}


def look_for_tests(python: str, folder: Path) -> tuple[str, str]:
    output = folder / "output"
    output.unlink(missing_ok=True)
    environment = {**os.environ, "GITHUB_OUTPUT": str(output)}
    said = subprocess.run(
        [python, "-c", script_of("Look for tests")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return output.read_text().strip(), said.stdout


@pytest.mark.parametrize("files", [{}, {"shop.py": "x = 1\n"}, {"tests/test_shop.py": "", "tests/__init__.py": ""}])
def test_zero_tests_are_none_on_every_python(files: dict[str, str], tmp_path: Path) -> None:
    """`unittest` itself ends with 0 before Python 3.12, and with 5 from then on."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for version, python in several_pythons().items():
        found, said = look_for_tests(python, tmp_path)
        assert found == "tests=none", version
        assert "::warning title=No tests::" in said


@pytest.mark.parametrize(
    "text",
    [
        "def test_shop():\n    assert False\n",
        "async def test_shop():\n    assert False\n",
        "class TestShop:\n    def test_price(self):\n        assert False\n",
        "import unittest\n\n\nclass T(unittest.TestCase):\n    pass\n\n\ndef test_price():\n    assert False\n",
    ],
)
def test_tests_that_unittest_does_not_see_are_tests(text: str, tmp_path: Path) -> None:
    """No word of pytest anywhere: neither required, nor configured, nor imported."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_shop.py").write_text(text)
    assert look_for_tests(sys.executable, tmp_path)[0] == "tests=pytest"


@pytest.mark.parametrize(("assertion", "expected"), [("True", 0), ("False", 1)])
def test_tests_decide_alike_on_every_python(assertion: str, expected: int, tmp_path: Path) -> None:
    """In a folder of their own: at the root there are none, which is no failure."""
    (tmp_path / "w" / "tests").mkdir(parents=True)
    case = f"import unittest\n\n\nclass T(unittest.TestCase):\n    def test(self):\n        assert {assertion}\n"
    (tmp_path / "w" / "tests" / "test_shop.py").write_text(case)
    for version, python in several_pythons().items():
        assert look_for_tests(python, tmp_path / "w")[0] == "tests=unittest"
        programs = tmp_path / f"bin-{version}"
        programs.mkdir()
        (programs / "python").symlink_to(python)
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
        command = ["bash", "-e", "-c", script_of("Run the tests with unittest")]
        done = subprocess.run(command, cwd=tmp_path / "w", env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == expected, f"{version}: {done.stderr}"


@pytest.mark.parametrize(("text", "expected"), [("x = 1\n", 0), ("def f(:\n", 1)])
def test_without_flake8_the_syntax_is_checked_all_the_same_and_it_is_said(
    text: str, expected: int, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "shop.py").write_text(text)
    subprocess.run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", tmp_path / "venv"], check=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))},
        "PATH": f"{tmp_path / 'venv' / 'bin'}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
    }
    command = ["bash", "-e", "-c", script_of("Check the syntax")]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == expected
    assert "::warning title=flake8 cannot be had::" in done.stdout
    assert ("shop.py" in done.stdout) == bool(expected)

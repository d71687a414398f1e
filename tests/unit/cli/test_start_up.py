"""What `homeport run` imports before the first step starts: start-up time is a feature, and imports are nearly all of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.homeport import TIMEOUT_SECONDS, environment

CASES = Path(__file__).resolve().parents[2] / "cases" / "start_up.txt"

NOT_FOR_A_RUN = (
    "homeport.archive",
    "homeport.cli.commands.",
    "homeport.cli.fault",
    "homeport.forge",
    "homeport.insight",
    "homeport.language.action_grammar",
    "homeport.language.parser.action",
    "homeport.language.rules",
    "homeport.present.",
    "homeport.runner.actions.javascript",
    "homeport.runner.actions.native",
    "homeport.runner.actions.node",
    "homeport.runner.actions.resolve",
    "homeport.runner.matcher_process",
    "homeport.server",
    "homeport.store.artifacts_folder",
    "homeport.store.caches_folder",
    "homeport.store.memory",
    "homeport.store.pruning",
    "homeport.toolkit",
)
"""Modules that a run of one plain step has no use for, by their beginnings."""
BUT = frozenset({"homeport.cli.commands.run", "homeport.present.view"})

YAML_PARTS = ("_yaml", "error", "events", "nodes", "tokens")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Every module that a real run of one step imports."""
    folder = tmp_path_factory.mktemp("project")
    workflows = folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    text = "on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo hello}]}}\n"
    (workflows / "ci.yml").write_text(text)
    return frozenset(_run(folder, tmp_path_factory.mktemp("home")))


def _run(folder: Path, home: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "homeport", "run", "--format", "json"],
        cwd=folder,
        env=environment({"HOMEPORT_HOME": str(home)}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    return re.findall(r"^import time: .*\| +(\S+)$", done.stderr, re.MULTILINE)


def test_a_run_imports_nothing_slow_from_outside(imported: frozenset[str]) -> None:
    lines = [line for line in CASES.read_text().splitlines() if not line.startswith("#")]
    allowed = {name for line in lines for name in line.split()}
    outside = {name.partition(".")[0] for name in imported if not name.startswith("homeport")}
    assert outside - allowed == set(), f"see {CASES}"


def test_a_run_imports_only_what_it_needs_of_homeport(imported: frozenset[str]) -> None:
    needless = {name for name in imported if name.startswith(NOT_FOR_A_RUN) and name not in BUT}
    assert needless == set()


def test_the_command_that_is_called_is_the_only_one_imported(imported: frozenset[str]) -> None:
    commands = {name for name in imported if name.startswith("homeport.cli.commands.")}
    assert commands == {"homeport.cli.commands.run"}
    assert "homeport.run.codec" in imported  # the list is not empty by mistake


def test_the_yaml_library_is_loaded_without_its_part_in_python(imported: frozenset[str]) -> None:
    assert "yaml._yaml" in imported
    assert {name for name in imported if name.startswith("yaml.")} <= {f"yaml.{name}" for name in YAML_PARTS}


def test_msgspec_does_without_typing_extensions() -> None:
    """`_import_msgspec` hides it for a moment: afterwards it must be importable again, for those who want it."""
    code = (
        "import sys; from homeport.cli import main; main._import_msgspec(); import msgspec; "
        "assert 'typing_extensions' not in sys.modules; assert msgspec.json.encode([1]) == b'[1]'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=TIMEOUT_SECONDS)

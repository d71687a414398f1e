"""What `@actions/tool-cache` finds: unmodified `setup-` actions look there for what hosted images have."""

import os
import shutil
from pathlib import Path

import pytest

from homeport.runner.actions.native.setup_uv.source import machine_architecture as uv_architecture
from tests.support.homeport import run_homeport
from tests.support.interpreters import require_pythons
from tests.support.parts import require_npm_packages, require_program
from tests.support.projects import make_repository
from tests.support.uv import require_uv

PACKAGES = {"@actions/core": "1.11.1", "@actions/tool-cache": "2.0.2"}
LOOK = """
const core = require('@actions/core');
const tools = require('@actions/tool-cache');
const path = tools.find(core.getInput('tool'), core.getInput('python-version') || '*', core.getInput('arch') || undefined);
if (!path) core.setFailed('not found');
core.setOutput('path', path);
core.addPath(path + '/bin');
core.addPath(path);
"""
ACTION = """
name: look
description: looks into the tool cache, as the originals do
inputs: {tool: {required: true}, python-version: {required: false}, arch: {required: false}}
outputs: {path: {description: where}}
runs: {using: node20, main: main.js}
"""


def make_action(folder: Path) -> Path:
    folder.mkdir()
    (folder / "action.yml").write_text(ACTION)
    (folder / "main.js").write_text(LOOK)
    shutil.copytree(require_npm_packages(PACKAGES), folder / "node_modules", symlinks=True)
    return folder


def look(tmp_path: Path, name: str, inputs: str, script: str) -> list[str]:
    action = make_action(tmp_path / "action")
    workflow = f"""
        on: push
        jobs:
          a:
            runs-on: ubuntu-latest
            steps:
              - {{id: find, uses: 'some/{name}@v9', with: {{{inputs}}}}}
              - {{id: use, run: '{script}'}}
    """
    source = f"some/{name}@v9={action}"
    answer = run_homeport(["run", "--action-source", source], cwd=make_repository(tmp_path / "r", workflow))
    assert answer.conclusion == "success", answer.describe()
    return answer.lines("a", "use")


def test_the_python_that_is_asked_for_is_in_the_tool_cache_and_takes_packages(
    tmp_path: Path, homeport_home: Path
) -> None:
    require_pythons("3.12")
    require_program("node")
    script = 'python3.12 -c "import sys; print(sys.prefix)"; python3.12 -m pip --version; test -w "$(dirname "$(dirname "$(command -v python3.12)")")"'
    lines = look(tmp_path, "setup-python", "tool: Python, python-version: '3.12'", script)
    prefix = lines[-2]
    assert prefix.startswith(f"{homeport_home}/tools/homeport-hosted/Python/3.12.")
    assert Path(f"{prefix}.complete").exists()
    assert f"from {prefix}/lib/" in lines[-1]


def test_the_machines_node_is_in_the_tool_cache(tmp_path: Path, homeport_home: Path) -> None:
    require_program("node")
    lines = look(tmp_path, "setup-node", "tool: node", "command -v node && npm --version && npm prefix --global")
    assert lines[-3].startswith(f"{homeport_home}/tools/homeport-hosted/node/")
    assert lines[-1] == str(Path(lines[-3]).parent.parent)


def test_the_machines_uv_is_in_the_tool_cache(
    tmp_path: Path, homeport_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_program("node")
    monkeypatch.setenv("PATH", str(require_uv().parent), prepend=os.pathsep)
    lines = look(tmp_path, "setup-uv", f"tool: uv, arch: {uv_architecture()}", "command -v uv && uv --version")
    assert lines[-2].startswith(f"{homeport_home}/tools/homeport-hosted/uv/")
    assert lines[-1].startswith("uv ")

"""The setup actions in whole runs, with the real tools of this machine and a real package index on loopback."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.runner.actions.native.setup_python.discovery import find_interpreters
from tests.support.homeport import Answer, run_homeport
from tests.support.interpreters import require_pythons
from tests.support.package_index import fetch_packages, serve_packages
from tests.support.parts import require_program
from tests.support.projects import make_repository
from tests.support.uv import require_uv
from tests.support.wheels import build_wheel


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The folder that the index serves."""
    build_wheel(tmp_path / "packages", "greeter", "1.0")
    return tmp_path / "packages"


@pytest.fixture
def index(packages: Path) -> Iterator[dict[str, str]]:
    with serve_packages(packages) as variables:
        yield variables


def job(tmp_path: Path, text: str, **files: str) -> Path:
    """A repository whose workflow is this text below `jobs`."""
    named = {name.replace("__", "/").replace("_dot_", "."): content for name, content in files.items()}
    indented = "\n".join(f"  {line}" for line in text.strip("\n").split("\n"))
    return make_repository(tmp_path, f"on: push\njobs:\n{indented}\n", files=named)


def run(project: Path, index: dict[str, str], **environment: str) -> Answer:
    answer = run_homeport(["run"], cwd=project, env={"PIP_DISABLE_PIP_VERSION_CHECK": "1", **index, **environment})
    assert answer.exit_code == 0, answer.describe()
    return answer


PYTHON = """
one:
  runs-on: ubuntu-latest
  steps:
    - uses: actions/checkout@v5
    - id: python
      uses: actions/setup-python@v6
      with: {python-version-file: .python-version, cache: pip}
    - run: pip install -r requirements.txt
    # pip keeps nothing that came over plain HTTP, which is all that a loopback index speaks
    - run: mkdir -p "$(pip cache dir)"; date >> "$(pip cache dir)/kept"; wc -l < "$(pip cache dir)/kept"
    - run: greeter; python3.13 -c 'import sys; print(sys.version_info[1])'; pip --version
    - run: echo "hit=${{ steps.python.outputs.cache-hit }} ${{ steps.python.outputs.python-version }}"
"""


def test_pip_installs_from_an_index_and_its_cache_comes_back(tmp_path: Path, index: dict[str, str]) -> None:
    require_pythons("3.12", "3.13")
    files = {"_dot_python-version": "3.13\n3.12\n", "requirements_dot_txt": "greeter\n"}
    project = job(tmp_path, PYTHON, **files)
    first = run(project, index)
    assert "greeter 1.0" in first.lines("one")
    assert "13" in first.lines("one")
    assert any(line.startswith("hit=false 3.12.") for line in first.lines("one"))
    second = run(project, index)
    assert any(line.startswith("hit=true 3.12.") for line in second.lines("one"))
    assert "2" in second.lines("one")


UV = """
one:
  strategy:
    matrix:
      python: ['3.12', '3.13']
  runs-on: ubuntu-latest
  steps:
    - uses: actions/checkout@v5
    - id: uv
      uses: astral-sh/setup-uv@v7
      with: {python-version: '${{ matrix.python }}', activate-environment: true, enable-cache: true, prune-cache: false}
    - run: uv pip install greeter
    - run: greeter; python -c 'import sys; print(sys.version_info[1], sys.prefix != sys.base_prefix)'
    - run: echo "hit=${{ steps.uv.outputs.cache-hit }} ${{ steps.uv.outputs.uv-version }}"
"""


def test_uv_makes_environments_with_the_pythons_of_this_machine(tmp_path: Path, index: dict[str, str]) -> None:
    require_pythons("3.12", "3.13")
    require_uv()
    project = job(tmp_path, UV, requirements_dot_txt="greeter\n")
    first = run(project, index)
    for minor in ("12", "13"):
        printed = first.lines(f"one (3.{minor})")
        assert "greeter 1.0" in printed
        assert f"{minor} True" in printed
        assert any(line.startswith("hit=false ") for line in printed)
    kept = {(fact["name"], fact["version"]) for fact in first.of("version_resolved", kind="tool")}
    assert "uv" in {name for name, _ in kept}
    assert any(line.startswith("hit=true ") for line in run(project, index).lines("one (3.12)"))


NODE = """
one:
  runs-on: ubuntu-latest
  steps:
    - uses: actions/checkout@v5
    - id: node
      uses: actions/setup-node@v6
      with: {node-version-file: package.json, registry-url: 'http://127.0.0.1:9/', cache: npm}
    - run: npm ci --no-audit --no-fund --offline && npm test --silent
    - run: npm install --global --offline --no-audit --no-fund ./tool && tool
    - run: echo "src/a.ts(3,7)":" error TS2322":" Type mismatch"
    - run: echo "hit=${{ steps.node.outputs.cache-hit }} ${{ steps.node.outputs.node-version }}"; cat "$NPM_CONFIG_USERCONFIG"
"""


def test_node_runs_a_project_installs_globally_and_annotates(tmp_path: Path, index: dict[str, str]) -> None:
    require_program("npm")
    node = subprocess.run(
        [require_program("node"), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    package = f'{{"name": "x", "version": "1.0.0", "engines": {{"node": "{node[1:]}"}}, "scripts": {{"test": "node -p 6*7"}}}}'
    lock = (
        '{"name": "x", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "x", "version": "1.0.0"}}}'
    )
    project = job(
        tmp_path,
        NODE,
        package_dot_json=package,
        **{"package-lock_dot_json": lock},
        src__a_dot_ts="let a: string = 1\n",
        tool__package_dot_json='{"name": "tool", "version": "1.0.0", "bin": "tool.js"}',
        tool__tool_dot_js="#!/usr/bin/env node\nconsole.log('the tool runs')\n",
    )
    answer = run(project, index)
    printed = answer.lines("one")
    assert "42" in printed
    assert "the tool runs" in printed
    assert f"hit=false {node}" in printed
    assert "//127.0.0.1:9/:_authToken=${NODE_AUTH_TOKEN}" in printed
    (error,) = answer.of("annotation_raised", severity="error")
    assert (error["file"], error["line"], error["message"]) == ("src/a.ts", 3, "Type mismatch")
    assert f"hit=true {node}" in run(project, index).lines("one")


POETRY = """
one:
  runs-on: ubuntu-latest
  steps:
    - uses: actions/checkout@v5
    - uses: actions/setup-python@v6
      with: {python-version: '3.12'}
    - uses: snok/install-poetry@v1
      with: {virtualenvs-in-project: true}
    - run: poetry install --no-interaction
    - run: source $VENV; python -c 'import sys, hello; print(hello.WORD, sys.prefix.endswith(".venv"))'
"""
PROJECT = """
[project]
name = "hello"
version = "1.0"
requires-python = ">=3.12"
[tool.poetry]
packages = [{include = "hello.py"}]
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""


def test_poetry_installs_a_project(tmp_path: Path, packages: Path, index: dict[str, str]) -> None:
    require_pythons("3.12")
    fetch_packages(packages, _python("3.12"), "poetry")
    project = job(tmp_path, POETRY, pyproject_dot_toml=PROJECT, hello_dot_py="WORD = 'hello'\n")
    assert "hello True" in run(project, index).lines("one")


PRE_COMMIT = """
one:
  runs-on: ubuntu-latest
  steps:
    - uses: actions/checkout@v5
    - uses: actions/setup-python@v6
      with: {python-version: '3.12'}
    - uses: pre-commit/action@v3.0.1
"""
HOOKS = "- {id: shout, name: shout, entry: shout, language: python, types: [text], verbose: true}\n"
SETUP = "from setuptools import setup\nsetup(name='shout', version='1', py_modules=['shout'], entry_points={'console_scripts': ['shout=shout:main']})\n"
SHOUT = "import sys\ndef main():\n    print('read', len(sys.argv) - 1)\n    sys.exit(any('bad' in open(file).read() for file in sys.argv[1:]))\n"


def test_pre_commit_runs_real_hooks_and_their_environments_come_back(
    tmp_path: Path, packages: Path, index: dict[str, str]
) -> None:
    require_pythons("3.12")
    fetch_packages(packages, _python("3.12"), "pre-commit", "setuptools", "wheel")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name, text in {".pre-commit-hooks.yaml": HOOKS, "setup.py": SETUP, "shout.py": SHOUT}.items():
        (hooks / name).write_text(text)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "x"], ["tag", "v1"]):
        subprocess.run(["git", *words], cwd=hooks, check=True)
    configuration = f"repos:\n- repo: {hooks}\n  rev: v1\n  hooks: [{{id: shout}}]\n"
    project = job(tmp_path, PRE_COMMIT, **{"_dot_pre-commit-config_dot_yaml": configuration}, a_dot_txt="good\n")
    first = run(project, index)
    assert any("Installing environment for" in line for line in first.lines("one"))
    assert any(line.startswith("read ") for line in first.lines("one"))
    second = run(project, index)
    assert not any("Installing environment for" in line for line in second.lines("one"))
    assert any(line.startswith("read ") for line in second.lines("one"))
    (project / "a.txt").write_text("bad\n")
    answer = run_homeport(["run"], cwd=project, env=index)
    assert answer.exit_code == 1
    assert any("Failed" in line for line in answer.lines("one"))


def _python(short: str) -> str:
    """An interpreter of this machine with its pip."""
    found = [each for each in find_interpreters({"PATH": "/usr/bin"}) if each.short == short and not each.pypy]
    return found[0].executable if found else sys.executable

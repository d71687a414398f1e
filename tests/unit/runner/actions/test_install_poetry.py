"""snok/install-poetry, with a real Python and pip, and a package `poetry` of the test that remembers what it is told."""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from homeport.runner.actions.native import install_poetry, setup_python
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost
from tests.support.interpreters import require_pythons
from tests.support.wheels import build_tool_wheel

NewJob = Callable[..., FolderHost]

PROGRAM = """\
import os, sys
def main():
    words = sys.argv[1:]
    if words == ["--version"]:
        print("Poetry (version VERSION)")
    else:
        with open(os.path.join(os.environ["HOME"], "told"), "a") as file:
            file.write(" ".join(words) + "\\n")
        sys.exit(3 if "wrong" in words else 0)
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools")


@pytest.fixture
def new_job(tmp_path: Path, tools: Path) -> NewJob:
    """Jobs with a Python of their own, whose index offers three versions of Poetry."""
    require_pythons("3.12")
    for version in ("1.8.5", "2.1.0", "2.2.0rc1"):
        files = {"poetry_program.py": PROGRAM.replace("VERSION", version)}
        files[f"poetry-{version}.dist-info/entry_points.txt"] = "[console_scripts]\npoetry = poetry_program:main\n"
        build_tool_wheel(tmp_path / "wheels", "poetry", version, files)
    count = 0

    def new_job(**environment: str) -> FolderHost:
        nonlocal count
        count += 1
        index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
        host = FolderHost(tmp_path / f"job{count}", store=tmp_path / "store", environment={**index, **environment})
        kept = Path(host.paths.tool_cache)
        kept.rmdir()
        kept.symlink_to(tools)
        return host.use(setup_python, python_version="3.12")

    return new_job


def version_of(host: FolderHost) -> str:
    words = ["poetry", "--version"]
    return subprocess.run(words, env=host.environment, capture_output=True, text=True, check=True).stdout.strip()


def read_settings(host: FolderHost) -> dict[str, object]:
    return tomllib.loads((Path(host.paths.home) / ".config" / "pypoetry" / "config.toml").read_text())


def test_the_latest_release_is_installed_into_an_environment_of_its_own(new_job: NewJob) -> None:
    host = new_job().use(install_poetry)
    assert version_of(host) == "Poetry (version 2.1.0)"
    home = host.paths.home
    assert shutil.which("poetry", path=host.environment["PATH"]) == f"{home}/.local/bin/poetry"
    assert os.path.realpath(f"{home}/.local/bin/poetry") == f"{home}/.local/venv/bin/poetry"
    assert host.variables["VENV"] == ".venv/bin/activate"
    assert host.added_paths[-1] == f"{home}/.local/bin"
    assert "Poetry (2.1.0) is installed now. Great!" in host.lines
    assert host.resolutions[-1] == ("tool", "poetry", "2.1.0", "package index")
    listed = subprocess.run(["pip", "list"], env=host.environment, capture_output=True, text=True, check=True).stdout
    assert "poetry" not in listed


def test_a_version_can_be_named(new_job: NewJob) -> None:
    assert version_of(new_job().use(install_poetry, version="1.8.5")) == "Poetry (version 1.8.5)"


def test_the_settings_are_poetrys_own(new_job: NewJob) -> None:
    host = new_job().use(install_poetry)
    assert read_settings(host) == {
        "virtualenvs": {"create": True, "in-project": False, "path": "{cache-dir}/virtualenvs"},
        "installer": {"parallel": True},
    }
    other = new_job().use(
        install_poetry,
        virtualenvs_create="false",
        virtualenvs_in_project="true",
        virtualenvs_path='~/my "own" path',
        installer_parallel="false",
    )
    assert read_settings(other) == {
        "virtualenvs": {"create": False, "in-project": True, "path": f'{other.paths.home}/my "own" path'},
        "installer": {"parallel": False},
    }
    assert any("you can activate it by running" in line for line in host.lines)
    assert not any("you can activate it by running" in line for line in other.lines)


def test_settings_that_are_there_already_are_changed_by_poetry(new_job: NewJob) -> None:
    host = new_job()
    folder = Path(host.paths.home, ".config", "pypoetry")
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[repositories]\n")
    host.use(install_poetry, virtualenvs_in_project="true")
    told = (Path(host.paths.home) / "told").read_text().splitlines()
    assert "config virtualenvs.in-project true" in told
    assert "config virtualenvs.path {cache-dir}/virtualenvs" in told


def test_plugins_are_added(new_job: NewJob) -> None:
    host = new_job().use(install_poetry, plugins="poetry-plugin-export poetry-plugin-up@1.0\nanother")
    assert (
        Path(host.paths.home) / "told"
    ).read_text() == "self add poetry-plugin-export poetry-plugin-up@1.0 another\n"
    with pytest.raises(ActionError, match="Process completed with exit code 3"):
        new_job().use(install_poetry, plugins="wrong")


def test_arguments_of_the_installer(new_job: NewJob, tmp_path: Path) -> None:
    assert version_of(new_job().use(install_poetry, installation_arguments="--preview")) == "Poetry (version 2.2.0rc1)"
    host = new_job().use(install_poetry, installation_arguments="--yes --version=1.8.5 -f")
    assert version_of(host) == "Poetry (version 1.8.5)"
    wheel = tmp_path / "wheels" / "poetry-1.8.5-py3-none-any.whl"
    host = new_job().use(install_poetry, installation_arguments=f"--path {wheel}")
    assert version_of(host) == "Poetry (version 1.8.5)"


def test_a_second_use_replaces_the_first(new_job: NewJob) -> None:
    host = new_job().use(install_poetry, version="1.8.5").use(install_poetry)
    assert version_of(host) == "Poetry (version 2.1.0)"


def test_a_pip_that_cannot_install_for_another_python_makes_an_environment_with_its_own(new_job: NewJob) -> None:
    host = new_job()
    next(Path(host.variables["pythonLocation"]).glob("lib/python*/site-packages/pip")).unlink()
    host.use(install_poetry)
    assert version_of(host) == "Poetry (version 2.1.0)"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"version": "99.0.0"}, "Process completed with exit code 1"),
        ({"version": "newest"}, "Version newest does not exist"),
        ({"virtualenvs_create": "maybe"}, "'maybe' is an invalid value for virtualenvs.create"),
        ({"installation_arguments": "--uninstall"}, "'--uninstall' is refused: known are"),
        ({"installation_arguments": "--git"}, "argument --git: expected one argument"),
        ({"installation_arguments": "--path ./missing"}, "Process completed with exit code 1"),
    ],
)
def test_what_cannot_be_installed_fails_with_the_reason(new_job: NewJob, inputs: dict[str, str], message: str) -> None:
    with pytest.raises(ActionError, match=message):
        new_job().use(install_poetry, **inputs)


def test_without_a_python_it_fails(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    with pytest.raises(ActionError, match=r"python3: command not found. Use actions/setup-python before this step"):
        FolderHost(tmp_path / "job", environment={"PATH": str(tmp_path / "bin")}).use(install_poetry)

"""astral-sh/setup-uv with the real uv of this machine, and with packages of it that an index of the test offers."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import setup_uv
from homeport.runner.actions.native.semver import Version
from homeport.runner.actions.native.setup_uv.source import list_here
from homeport.runner.host import ActionError
from tests.support.action_host import PATH, FolderHost
from tests.support.interpreters import require_pythons
from tests.support.uv import require_uv
from tests.support.wheels import build_tool_wheel

NewJob = Callable[..., FolderHost]


@pytest.fixture
def uvs(tmp_path: Path) -> list[Version]:
    """The versions of this machine, the newest first; of most machines it is one."""
    require_uv()
    found = dict(list_here(FolderHost(tmp_path / "asking"), {}))
    return sorted(found, key=lambda version: version.order, reverse=True)


@pytest.fixture
def own_version(uvs: list[Version]) -> str:
    """What `latest` means here."""
    return str(uvs[0])


@pytest.fixture(scope="module")
def prepared_pythons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What preparing an interpreter leaves in the tool cache, made once for all tests."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture
def new_job(tmp_path: Path, prepared_pythons: Path) -> NewJob:
    """Jobs of one machine, whose index is a folder of wheels."""
    require_uv()
    tools, count = tmp_path / "tools", 0
    tools.mkdir()
    (tools / "homeport-python").symlink_to(prepared_pythons)
    (tmp_path / "wheels").mkdir()

    def new_job(*, files: dict[str, str] | None = None, **options: Any) -> FolderHost:
        nonlocal count
        count += 1
        environment = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(tmp_path / "wheels"),
            **options.pop("environment", {}),
        }
        host = FolderHost(tmp_path / f"job{count}", store=tmp_path / "store", environment=environment, **options)
        kept = Path(host.paths.tool_cache)
        kept.rmdir()
        kept.symlink_to(tools)
        for name, text in {"README.md": "x\n", **(files or {})}.items():
            (host.workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (host.workspace / name).write_text(text)
        return host

    return new_job


@pytest.fixture
def offer(tmp_path: Path) -> Callable[..., None]:
    """Puts versions of uv on the index: programs that say their version, and are the real uv in all else."""

    def offer(*versions: str) -> None:
        for version in versions:
            script = f'#!/bin/sh\n[ "$1" = --version ] && exec echo "uv {version}"\nexec {require_uv()} "$@"\n'
            build_tool_wheel(
                tmp_path / "wheels", "uv", version, {"bin/uv": script, "bin/uvx": script, "uv/__init__.py": ""}
            )

    return offer


def run(host: FolderHost, *words: str) -> str:
    done = subprocess.run(words, env=host.environment, cwd=host.workspace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


# --- which uv --------------------------------------------------------------------------------------------------------


def test_the_machines_uv_is_kept_in_the_tool_cache_and_put_on_the_path(new_job: NewJob, own_version: str) -> None:
    host = new_job().use(setup_uv)
    folder = f"{host.paths.tool_cache}/uv/{own_version}/{os.uname().machine}"
    assert host.outputs["uv-version"] == own_version
    assert (host.outputs["uv-path"], host.outputs["uvx-path"]) == (f"{folder}/uv", f"{folder}/uvx")
    assert Path(f"{folder}.complete").exists()
    assert shutil.which("uv", path=host.environment["PATH"]) == f"{folder}/uv"
    assert run(host, "uvx", "--version").split()[1] == own_version
    assert f"Successfully installed uv version {own_version}" in host.lines
    assert host.resolutions[0][:3] == ("tool", "uv", own_version)


def test_a_copy_in_the_tool_cache_is_not_the_machines_own_file(new_job: NewJob, own_version: str) -> None:
    """What a job does to the tool cache must not reach what the machine has installed."""
    host = new_job().use(setup_uv)
    assert not os.path.islink(host.outputs["uv-path"])
    assert os.stat(host.outputs["uv-path"]).st_nlink == 1


def test_the_next_job_finds_it_in_the_tool_cache(new_job: NewJob, own_version: str) -> None:
    new_job().use(setup_uv)
    host = new_job().use(setup_uv, version=own_version)
    assert f"Found uv in tool-cache for {own_version}" in host.lines
    assert host.resolutions == [("tool", "uv", own_version, "tool cache")]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("0.3.7", "0.3.7"), ("==0.3.7", "0.3.7"), ("0.3.x", "0.3.9"), (">=0.3.1,<0.3.9", "0.3.7"), ("~=0.3.7", "0.3.9")],
)
def test_what_is_not_here_comes_from_the_index(new_job: NewJob, offer: Any, asked: str, expected: str) -> None:
    offer("0.3.1", "0.3.7", "0.3.9")
    host = new_job().use(setup_uv, version=asked)
    assert host.outputs["uv-version"] == expected
    assert run(host, "uv", "--version") == f"uv {expected}"
    assert sorted(os.listdir(os.path.dirname(host.outputs["uv-path"]))) == ["uv", "uvx"]
    assert host.resolutions[0] == ("tool", "uv", expected, "package index")


def test_the_lowest_that_fits_is_asked_of_the_index(new_job: NewJob, offer: Any) -> None:
    offer("0.3.1", "0.3.7")
    host = new_job().use(setup_uv, version=">=0.3.1", resolution_strategy="lowest")
    assert host.outputs["uv-version"] == "0.3.1"


def test_without_an_index_the_lowest_that_is_here_is_used_and_that_is_said(new_job: NewJob, uvs: list[Version]) -> None:
    host = new_job().use(setup_uv, version=">=0.0.1", resolution_strategy="lowest")
    assert host.outputs["uv-version"] == str(uvs[-1])
    ((severity, message),) = host.annotations
    assert severity == "warning"
    assert "The package index could not be asked" in message
    assert str(uvs[-1]) in message


def test_without_an_index_a_missing_version_fails_and_what_is_here_is_listed(new_job: NewJob, own_version: str) -> None:
    with pytest.raises(ActionError) as caught:
        new_job().use(setup_uv, version="0.3.7")
    assert "uv 0.3.7 is not on this machine, and could not be brought here" in str(caught.value)
    assert own_version in str(caught.value)
    assert "pip install 'uv==0.3.7'" in str(caught.value)


def test_nothing_is_left_of_an_installation_that_failed(new_job: NewJob, offer: Any, tmp_path: Path) -> None:
    with pytest.raises(ActionError):
        new_job().use(setup_uv, version="0.3.7")
    assert list((tmp_path / "tools").rglob("*.new")) == []
    assert not list((tmp_path / "tools").glob("uv/0.3.7/*"))


def test_what_a_dead_process_left_in_the_tool_cache_is_made_anew(
    new_job: NewJob, own_version: str, tmp_path: Path
) -> None:
    broken = tmp_path / "tools" / "uv" / own_version / os.uname().machine
    broken.mkdir(parents=True)
    (broken / "uv").write_text("half")
    host = new_job().use(setup_uv)
    assert run(host, "uv", "--version").split()[1] == own_version


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.toml", 'required-version = ">=0.3,<0.4"\n'),
        ("pyproject.toml", '[tool.uv]\nrequired-version = "==0.3.7"\n'),
        ("pyproject.toml", '[dependency-groups]\ndev = ["pytest", "uv==0.3.7"]\n'),
    ],
)
def test_the_project_says_which_uv_it_needs(new_job: NewJob, offer: Any, name: str, text: str) -> None:
    offer("0.3.7")
    assert new_job(files={name: text}).use(setup_uv).outputs["uv-version"] == "0.3.7"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".tool-versions", "python 3.12\nuv 0.3.7 # pinned\n"),
        ("requirements.txt", "# tools\npytest\nuv==0.3.7 \\\n    --hash=sha256:00\n"),
        ("sub/uv.toml", 'required-version = "0.3.7"\n'),
        ("uv.lock", 'version = 1\n[[package]]\nname = "uv"\nversion = "0.3.7"\n'),
    ],
)
def test_a_file_is_named_that_says_it(new_job: NewJob, offer: Any, name: str, text: str) -> None:
    offer("0.3.7")
    assert new_job(files={name: text}).use(setup_uv, version_file=name).outputs["uv-version"] == "0.3.7"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"version": "one"}, "No version found for one"),
        ({"version_file": "missing.toml"}, r"Could not determine uv version from file: .*/missing.toml"),
        ({"version_file": "README.md"}, "Could not determine uv version from file"),
        ({"resolution_strategy": "middle"}, "Invalid resolution-strategy: middle. Must be 'highest' or 'lowest'."),
        ({"manifest_file": "https://example.invalid/m.json"}, "manifest-file is not supported"),
        ({"working_directory": "nowhere"}, "working-directory .*/nowhere cannot be read"),
        ({"activate_environment": "perhaps"}, "Core Schema"),
    ],
)
def test_what_makes_no_sense_fails_with_the_reason(new_job: NewJob, inputs: dict[str, str], message: str) -> None:
    with pytest.raises(ActionError, match=message):
        new_job().use(setup_uv, **inputs)


def test_a_file_that_is_no_toml_is_a_warning(new_job: NewJob, own_version: str) -> None:
    host = new_job(files={"uv.toml": "[", "pyproject.toml": "[project]\n"}).use(setup_uv)
    assert host.outputs["uv-version"] == own_version
    assert "Error while parsing" in host.annotations[0][1]


def test_the_file_of_tool_versions_names_the_python_too(new_job: NewJob, offer: Any) -> None:
    offer("0.3.7")
    host = new_job(files={".tool-versions": "uv 0.3.7\npython 3.12\n"}).use(setup_uv, version_file=".tool-versions")
    assert host.variables["UV_PYTHON"] == "3.12"


def test_a_file_that_is_no_text_fails_with_the_reason(new_job: NewJob) -> None:
    host = new_job()
    (host.workspace / ".tool-versions").write_bytes(b"\xff\xfe")
    with pytest.raises(ActionError, match="Could not determine uv version from file"):
        host.use(setup_uv, version_file=".tool-versions")


def test_a_checksum_is_not_compared_and_that_is_said(new_job: NewJob) -> None:
    host = new_job().use(setup_uv, checksum="0" * 64)
    assert "was not compared" in host.annotations[0][1]


# --- the job's environment -------------------------------------------------------------------------------------------


def test_the_variables_and_the_path_are_those_of_the_original(new_job: NewJob) -> None:
    host = new_job().use(setup_uv)
    home = host.paths.home
    assert host.variables == {"UV_PYTHON_INSTALL_DIR": f"{home}/.local/share/uv/python"}
    folder = os.path.dirname(host.outputs["uv-path"])
    assert host.added_paths == [f"{home}/.local/bin", folder, f"{home}/.local/share/uv/python"]
    assert len(host.matchers) == 1


def test_tools_go_where_they_are_told(new_job: NewJob) -> None:
    host = new_job().use(setup_uv, tool_dir="~/tools", tool_bin_dir="bin", add_problem_matchers="false")
    assert host.variables["UV_TOOL_DIR"] == f"{host.paths.home}/tools"
    assert host.variables["UV_TOOL_BIN_DIR"] == f"{host.workspace}/bin"
    assert host.added_paths[0] == f"{host.workspace}/bin"
    assert host.matchers == []


def test_the_path_can_be_left_alone(new_job: NewJob) -> None:
    host = new_job(environment={"UV_NO_MODIFY_PATH": "1"}).use(setup_uv)
    assert host.added_paths == []
    with pytest.raises(ActionError, match="UV_NO_MODIFY_PATH and activate-environment cannot be used together"):
        new_job(environment={"UV_NO_MODIFY_PATH": "1"}).use(setup_uv, activate_environment="true")


def test_an_environment_is_made_with_a_python_of_this_machine_and_activated(new_job: NewJob) -> None:
    """uv finds no 3.12 by itself there: on GitHub's machines it would fetch one."""
    require_pythons("3.12")
    host = new_job(files={"sub/README.md": "x"}).use(
        setup_uv, python_version="3.12", activate_environment="true", working_directory="sub"
    )
    folder = f"{host.workspace}/sub/.venv"
    assert (host.outputs["venv"], host.variables["VIRTUAL_ENV"], host.variables["UV_PYTHON"]) == (
        folder,
        folder,
        "3.12",
    )
    assert run(host, "python", "-c", "import sys; print(sys.prefix, sys.version_info[1])") == f"{folder} 12"
    assert host.outputs["python-version"] == "3.12"


def test_the_environment_may_have_another_place(new_job: NewJob) -> None:
    host = new_job().use(setup_uv, activate_environment="true", venv_path="~/env", no_project="true")
    assert host.outputs["venv"] == f"{host.paths.home}/env"
    assert Path(host.outputs["venv"], "bin", "python").exists()


def test_v5_made_an_environment_wherever_a_python_was_named(new_job: NewJob) -> None:
    require_pythons("3.12")
    host = new_job(github={"action_ref": "v5"}).use(setup_uv, python_version="3.12")
    assert host.outputs["venv"] == f"{host.workspace}/.venv"
    host = new_job(github={"action_ref": "v6"}).use(setup_uv, python_version="3.12")
    assert "venv" not in host.outputs


def test_uv_finds_the_pythons_of_this_machine_when_the_project_asks_for_one(new_job: NewJob) -> None:
    require_pythons("3.13")
    host = new_job(files={".python-version": "3.13\n"}, environment={"PATH": PATH}).use(setup_uv)
    assert host.outputs["python-version"].startswith("3.13.")


def test_an_empty_working_directory_is_a_warning_that_can_be_muted(new_job: NewJob) -> None:
    host = new_job()
    (host.workspace / "README.md").unlink()
    host.use(setup_uv)
    assert host.annotations[0][1].startswith("Empty workdir detected. This may cause unexpected behavior.")
    host = new_job()
    (host.workspace / "README.md").unlink()
    host.use(setup_uv, ignore_empty_workdir="true")
    assert host.annotations == []


def test_quiet_says_little(new_job: NewJob) -> None:
    assert new_job().use(setup_uv, quiet="true").lines == []


# --- the cache -------------------------------------------------------------------------------------------------------

PROJECT = {"requirements.txt": "greeter\n"}


def fill(host: FolderHost, name: str = "x") -> Path:
    folder = Path(host.variables["UV_CACHE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(name)
    return folder


def test_the_cache_is_off_on_a_runner_of_ones_own(new_job: NewJob) -> None:
    host = new_job(files=PROJECT).use(setup_uv)
    setup_uv.post(host)
    assert "cache-hit" not in host.outputs
    assert "UV_CACHE_DIR" not in host.variables


def test_the_cache_comes_back_by_key_and_then_by_prefix(new_job: NewJob) -> None:
    first = new_job(files=PROJECT).use(setup_uv, enable_cache="true", prune_cache="false")
    assert (first.outputs["cache-hit"], first.outputs["python-cache-hit"]) == ("false", "false")
    assert first.variables["UV_CACHE_DIR"] == f"{first.paths.home}/.cache/uv"
    fill(first)
    setup_uv.post(first)
    assert f"uv cache saved with key: {first.outputs['cache-key']}" in first.lines
    second = new_job(files=PROJECT).use(setup_uv, enable_cache="true", prune_cache="false")
    assert second.outputs["cache-hit"] == "true"
    assert Path(second.variables["UV_CACHE_DIR"], "x").read_text() == "x"
    setup_uv.post(second)
    assert f"Cache hit occurred on key {second.outputs['cache-key']}, not saving cache." in second.lines
    third = new_job(files={"requirements.txt": "other\n"}).use(setup_uv, enable_cache="true", prune_cache="false")
    assert third.outputs["cache-key"] != second.outputs["cache-key"]
    assert third.outputs["cache-hit"] == "true"
    assert Path(third.variables["UV_CACHE_DIR"], "x").exists()


def test_a_suffix_and_pruning_are_part_of_the_key(new_job: NewJob) -> None:
    host = new_job(files=PROJECT).use(setup_uv, enable_cache="true", cache_suffix="a/b")
    assert host.outputs["cache-key"].endswith("-a%2Fb")
    assert "-pruned-" in host.outputs["cache-key"]


def test_the_cache_is_pruned_by_uv_before_it_is_kept(new_job: NewJob) -> None:
    host = new_job(files=PROJECT).use(setup_uv, enable_cache="true")
    run(host, "uv", "cache", "dir")
    fill(host)
    setup_uv.post(host)
    assert "Pruning cache..." in host.lines
    assert any(line.startswith("uv cache saved with key:") for line in host.lines)


def test_restoring_and_saving_can_be_left_out(new_job: NewJob) -> None:
    host = new_job(files=PROJECT).use(setup_uv, enable_cache="true", restore_cache="false", save_cache="false")
    assert "restore-cache is false. Skipping restore cache step." in host.lines
    setup_uv.post(host)
    assert "save-cache is false. Skipping save cache step." in host.lines


def test_nothing_to_keep_fails_unless_it_may(new_job: NewJob) -> None:
    host = new_job(files=PROJECT).use(setup_uv, enable_cache="true", prune_cache="false")
    shutil.rmtree(host.variables["UV_CACHE_DIR"], ignore_errors=True)
    with pytest.raises(ActionError, match=r"Cache path .*/\.cache/uv does not exist on disk"):
        setup_uv.post(host)
    host.use(setup_uv, enable_cache="true", prune_cache="false", ignore_nothing_to_cache="true")
    setup_uv.post(host)
    assert host.lines[-1].startswith("No cacheable uv cache paths were found.")


def test_the_cache_of_the_machine_is_not_copied_into_the_store(new_job: NewJob, tmp_path: Path) -> None:
    host = new_job(files=PROJECT, environment={"UV_CACHE_DIR": str(tmp_path / "machine")})
    host.use(setup_uv, enable_cache="true")
    assert host.outputs["cache-hit"] == "false"
    assert any("this machine's own and outlives the job" in line for line in host.lines)
    setup_uv.post(host)
    assert not any("saved with key" in line for line in host.lines)


def test_a_folder_that_is_named_is_kept_wherever_it_is(new_job: NewJob) -> None:
    host = new_job(files=PROJECT).use(setup_uv, enable_cache="true", cache_local_path="~/mine", prune_cache="false")
    assert host.variables["UV_CACHE_DIR"] == f"{host.paths.home}/mine"
    fill(host)
    setup_uv.post(host)
    again = new_job(files=PROJECT).use(setup_uv, enable_cache="true", cache_local_path="~/mine", prune_cache="false")
    assert again.outputs["cache-hit"] == "true"


def test_a_folder_that_uvs_own_settings_name_is_not_announced(new_job: NewJob) -> None:
    host = new_job(files={"uv.toml": 'cache-dir = "./cache"\n', **PROJECT})
    host.use(setup_uv, enable_cache="true")
    assert "UV_CACHE_DIR" not in host.variables
    assert "Using cache-dir from uv config file, not modifying UV_CACHE_DIR" in host.lines


def test_no_dependencies_are_a_warning_and_a_key_of_their_own(new_job: NewJob) -> None:
    host = new_job().use(setup_uv, enable_cache="true")
    assert "The cache will never get invalidated" in host.annotations[0][1]
    assert host.outputs["cache-key"].endswith("-no-dependency-glob")


def test_pythons_that_uv_installed_are_kept_too(new_job: NewJob) -> None:
    inputs = {"enable_cache": "true", "cache_python": "true", "prune_cache": "false"}
    host = new_job(files=PROJECT).use(setup_uv, **inputs)
    assert host.outputs["python-cache-hit"] == "false"
    fill(host)
    installed = Path(host.variables["UV_PYTHON_INSTALL_DIR"], "cpython-3.99")
    installed.mkdir(parents=True)
    (installed / "python").write_text("x")
    setup_uv.post(host)
    again = new_job(files=PROJECT).use(setup_uv, **inputs)
    assert again.outputs["python-cache-hit"] == "true"
    assert Path(again.variables["UV_PYTHON_INSTALL_DIR"], "cpython-3.99", "python").read_text() == "x"

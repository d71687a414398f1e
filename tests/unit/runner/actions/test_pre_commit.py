"""pre-commit/action, with a real Python and pip, and a package `pre-commit` of the test; the real one runs in a scenario."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from homeport.runner.actions.native import pre_commit, setup_python
from homeport.runner.actions.native.moved_environments import MovedError, move_environments
from homeport.runner.host import ActionError
from tests.support.action_host import FolderHost
from tests.support.interpreters import require_pythons
from tests.support.wheels import build_tool_wheel

NewJob = Callable[..., FolderHost]

PROGRAM = """\
import os, sys
def main():
    print("told", sys.argv[1:])
    folder = os.path.expanduser("~/.cache/pre-commit")
    print("environments", sorted(os.listdir(folder)) if os.path.isdir(folder) else None)
    os.makedirs(folder, exist_ok=True)
    open(os.path.join(folder, "README"), "w").write("x")
    sys.exit(1 if "bad" in sys.argv else 0)
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools")


@pytest.fixture
def new_job(tmp_path: Path, tools: Path) -> NewJob:
    require_pythons("3.12", "3.13")
    files = {
        "hooks.py": PROGRAM,
        "pre_commit-4.0.0.dist-info/entry_points.txt": "[console_scripts]\npre-commit=hooks:main\n",
    }
    build_tool_wheel(tmp_path / "wheels", "pre_commit", "4.0.0", files)
    count = 0

    def new_job(python: str = "3.12", configuration: str = "repos: []\n", **environment: str) -> FolderHost:
        nonlocal count
        count += 1
        index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
        host = FolderHost(tmp_path / f"job{count}", store=tmp_path / "store", environment={**index, **environment})
        kept = Path(host.paths.tool_cache)
        kept.rmdir()
        kept.symlink_to(tools)
        (host.workspace / ".pre-commit-config.yaml").write_text(configuration)
        return host.use(setup_python, python_version=python)

    return new_job


def test_pre_commit_is_installed_and_told_what_the_original_tells_it(new_job: NewJob) -> None:
    host = new_job().use(pre_commit)
    assert "told ['run', '--show-diff-on-failure', '--color=always', '--all-files']" in host.log_text
    assert "pre_commit==4.0.0" in host.log_text
    assert shutil.which("pre-commit", path=host.environment["PATH"]) is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mypy --files a.py 'b c.py'", ["mypy", "--files", "a.py", "b c.py"]),
        ('--files "$(rm -rf x)"', ["--files", "$(rm -rf x)"]),
        ("--from-ref HEAD~1 --to-ref HEAD", ["--from-ref", "HEAD~1", "--to-ref", "HEAD"]),
        ("", []),
    ],
)
def test_arguments_are_passed_on_word_by_word(new_job: NewJob, text: str, words: list[str]) -> None:
    host = new_job().use(pre_commit, extra_args=text)
    assert f"told {['run', '--show-diff-on-failure', '--color=always', *words]}" in host.log_text


@pytest.mark.parametrize(
    "text", ["--files $(git ls-files)", "--files *.py", "a; b", "`id`", "--all-files\n--verbose", "~/x"]
)
def test_what_only_a_shell_could_carry_out_is_refused(new_job: NewJob, text: str) -> None:
    with pytest.raises(ActionError, match="is for a shell, and these arguments are passed on without one"):
        new_job().use(pre_commit, extra_args=text)


def test_a_quote_that_is_not_closed_is_refused(new_job: NewJob) -> None:
    with pytest.raises(ActionError, match="extra_args: No closing quotation"):
        new_job().use(pre_commit, extra_args="'")


def test_a_hook_that_fails_fails_the_step(new_job: NewJob) -> None:
    with pytest.raises(ActionError, match="Process completed with exit code 1"):
        new_job().use(pre_commit, extra_args="bad")


def test_without_a_python_it_fails(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    with pytest.raises(ActionError, match=r"python: command not found. Use actions/setup-python before this step"):
        FolderHost(tmp_path / "job", environment={"PATH": str(tmp_path / "bin")}).use(pre_commit)


def test_an_index_without_it_fails(new_job: NewJob, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "wheels")
    with pytest.raises(ActionError, match="Process completed with exit code 1"):
        new_job().use(pre_commit)


# --- the environments ------------------------------------------------------------------------------------------------


def test_the_environments_come_back_for_the_same_configuration_and_python(new_job: NewJob) -> None:
    first = new_job().use(pre_commit)
    pre_commit.post(first)
    assert any(line.startswith("Cache saved with key: pre-commit-3|Python/3.12.") for line in first.lines)
    second = new_job().use(pre_commit)
    assert "environments ['README', 'homeport-places.json']" in second.log_text
    pre_commit.post(second)
    assert "not saving cache" in second.lines[-1]
    assert "environments None" in new_job(configuration="repos: [ ]\n").use(pre_commit).log_text
    assert "environments None" in new_job(python="3.13").use(pre_commit).log_text


def test_environments_that_nobody_can_move_are_made_anew(new_job: NewJob) -> None:
    first = new_job().use(pre_commit)
    Path(first.paths.home, ".cache/pre-commit/db.db").write_text("this is no database")
    pre_commit.post(first)
    second = new_job().use(pre_commit)
    assert "environments None" in second.log_text
    assert "are made anew" in second.annotations[0][1]


def test_a_folder_of_the_machine_is_left_where_it_is(new_job: NewJob, tmp_path: Path) -> None:
    host = new_job(PRE_COMMIT_HOME=str(tmp_path / "machine")).use(pre_commit)
    pre_commit.post(host)
    assert any("which outlives the job: nothing to restore" in line for line in host.lines)
    assert not any("Cache saved" in line for line in host.lines)


def test_an_environment_works_after_it_was_moved_with_its_python(tmp_path: Path) -> None:
    """A real one, and a Python that is another folder afterwards, as every job's is."""
    pythons = [tmp_path / "python1", tmp_path / "python2"]
    for python in pythons:
        (python / "bin").mkdir(parents=True)
        (python / "bin" / "python3").symlink_to(sys.executable)
    old, new = tmp_path / "old", tmp_path / "new"
    environment = old / "repo1" / "py_env-python3"
    subprocess.run([pythons[0] / "bin" / "python3", "-m", "venv", "--without-pip", environment], check=True)
    program = environment / "bin" / "hook"
    program.write_text(f"#!{environment}/bin/python\nimport sys; print(sys.prefix)\n")
    program.chmod(0o755)
    (environment / "bin" / "binary").write_bytes(b"\0" + bytes(environment))
    with sqlite3.connect(old / "db.db") as database:
        database.execute("CREATE TABLE repos (repo TEXT, ref TEXT, path TEXT)")
        database.execute("CREATE TABLE configs (path TEXT)")
        database.execute("INSERT INTO repos VALUES ('a', 'v1', ?), ('b', 'v1', ?)", (f"{old}/repo1", f"{old}er/repo1"))
        database.execute("INSERT INTO configs VALUES ('/somewhere')")
    database.close()
    old.rename(new)
    shutil.rmtree(pythons[0])
    move_environments(str(new), {str(old): str(new), str(pythons[0]): str(pythons[1])})
    moved = new / "repo1" / "py_env-python3"
    done = subprocess.run([moved / "bin" / "hook"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(moved)
    assert str(pythons[1]) in (moved / "pyvenv.cfg").read_text()
    assert (moved / "bin" / "binary").read_bytes() == b"\0" + bytes(environment)
    with sqlite3.connect(new / "db.db") as database:
        assert database.execute("SELECT path FROM repos").fetchall() == [(f"{new}/repo1",), (f"{old}er/repo1",)]
        assert database.execute("SELECT * FROM configs").fetchall() == []
    database.close()


def test_a_damaged_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "db.db").write_text("no database")
    with pytest.raises(MovedError, match="its database"):
        move_environments(str(tmp_path), {"/a": "/b"})

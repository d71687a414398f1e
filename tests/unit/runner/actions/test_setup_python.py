"""actions/setup-python with the real interpreters of this machine: each job's Python is real, writable and its own."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from homeport.runner.actions.native import setup_python
from homeport.runner.actions.native.setup_python.discovery import Interpreter, find_interpreters
from homeport.runner.actions.native.setup_python.pip_source import find_pip, standard_library
from homeport.runner.actions.native.setup_python.prefix import PrefixError, make_prefix
from homeport.runner.host import ActionError
from tests.support.action_host import PATH, FolderHost
from tests.support.git_folders import snapshot
from tests.support.interpreters import require_pythons
from tests.support.wheels import build_wheel


@pytest.fixture(scope="module")
def tool_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kept between jobs, as on a real machine."""
    return tmp_path_factory.mktemp("tools")


@pytest.fixture
def new_job(tmp_path: Path, tool_cache: Path) -> Any:
    count = 0

    def new_job(**options: Any) -> FolderHost:
        nonlocal count
        count += 1
        host = FolderHost(tmp_path / f"job{count}", store=tmp_path / "store", **options)
        tools = Path(host.paths.tool_cache)
        tools.rmdir()
        tools.symlink_to(tool_cache)
        return host

    return new_job


def newest(short: str) -> Interpreter:
    """The interpreter that `python-version: short` means here."""
    require_pythons(short)
    found = [each for each in find_interpreters({"PATH": PATH}) if each.short == short and not each.pypy]
    return max(found, key=lambda each: each.version.order)


def run(host: FolderHost, *words: str, check: bool = True, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        words,
        cwd=host.workspace,
        env={**host.environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def ask(host: FolderHost, expression: str) -> Any:
    """What the job's Python says."""
    return json.loads(run(host, "python", "-c", f"import json, sys, sysconfig, site; print(json.dumps({expression}))"))


EACH = ["3.10", "3.11", "3.12", "3.13"]


# --- the prefix ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", EACH)
def test_the_jobs_python_is_a_real_prefix(new_job: Any, version: str) -> None:
    expected = newest(version)
    host = new_job().use(setup_python, python_version=version)
    prefix = host.variables["pythonLocation"]
    assert prefix.startswith(host.paths.root + "/")
    assert ask(host, "[sys.prefix, sys.base_prefix, sys.exec_prefix]") == [prefix] * 3
    assert ask(host, "sys.version.split()[0]") == str(expected.version)
    assert ask(host, "sysconfig.get_path('scripts')") == f"{prefix}/bin"
    assert (
        ask(host, "[sysconfig.get_path(n).startswith(sys.prefix) for n in ('purelib', 'platlib', 'include', 'stdlib')]")
        == [True] * 4
    )
    assert all(entry.startswith(prefix) for entry in ask(host, "[entry for entry in sys.path if entry]"))
    assert host.outputs == {"python-version": str(expected.version), "python-path": f"{prefix}/bin/python"}
    assert f"Successfully set up CPython ({expected.version})" in host.lines


@pytest.mark.parametrize("version", ["3.10", "3.13"])
def test_installing_works_and_programs_land_on_the_path(new_job: Any, tmp_path: Path, version: str) -> None:
    newest(version)
    wheel = build_wheel(tmp_path / "wheels", "greeter", "1.5")
    host = new_job().use(setup_python, python_version=version)
    prefix = host.variables["pythonLocation"]
    run(host, "pip", "install", "--no-index", str(wheel))
    assert run(host, "greeter") == "greeter 1.5"
    assert shutil.which("greeter", path=host.environment["PATH"]) == f"{prefix}/bin/greeter"
    run(host, "python", "-m", "pip", "uninstall", "-y", "greeter")
    assert "greeter" not in run(host, "pip", "list")
    assert not Path(prefix, "bin", "greeter").exists()


@pytest.mark.parametrize("version", ["3.10", "3.13"])
def test_pip_can_replace_itself(new_job: Any, version: str) -> None:
    newest(version)
    own = newest(version)
    (wheel,) = Path(standard_library(own), "ensurepip", "_bundled").glob("pip-*.whl")
    host = new_job().use(setup_python, python_version=version)
    run(host, "python", "-m", "pip", "install", "--no-index", "--force-reinstall", str(wheel))
    assert run(host, "pip", "--version").split()[1] == wheel.name.split("-")[1]


def test_pip_is_the_newest_of_this_machine(new_job: Any) -> None:
    require_pythons("3.10", "3.13")
    here = find_interpreters({"PATH": PATH})
    for version in ("3.10", "3.13"):
        expected = find_pip(newest(version), here)
        assert expected is not None
        host = new_job().use(setup_python, python_version=version)
        assert run(host, "pip", "--version").split()[1] == expected.version


def build_pip(folder: Path, version: str) -> None:
    """A wheel of a newer pip: that of an older Python's `ensurepip` under another number."""
    (source,) = Path(standard_library(newest("3.12")), "ensurepip", "_bundled").glob("pip-*.whl")
    number = source.name.split("-")[1]
    folder.mkdir(parents=True, exist_ok=True)
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(folder / f"pip-{version}-py3-none-any.whl", "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name in {"pip/__init__.py", f"pip-{number}.dist-info/METADATA", f"pip-{number}.dist-info/RECORD"}:
                content = content.replace(number.encode(), version.encode())
            new.writestr(name.replace(f"pip-{number}.dist-info", f"pip-{version}.dist-info"), content)


def test_a_newer_homeport_with_a_newer_pip_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FolderHost(tmp_path / "first").use(setup_python, python_version="3.12")
    build_pip(tmp_path / "wheels", "99.1")
    with zipfile.ZipFile(tmp_path / "wheels" / "pip-99.1-py3-none-any.whl") as wheel:
        wheel.extractall(tmp_path / "site-packages")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site-packages")])
    second = FolderHost(tmp_path / "second")
    shutil.rmtree(second.paths.tool_cache)
    Path(second.paths.tool_cache).symlink_to(first.paths.tool_cache)
    second.use(setup_python, python_version="3.12")
    assert run(second, "pip", "--version").split()[1] == "99.1"


def test_homeports_own_pip_is_recent_and_nothing_is_fetched(tmp_path: Path) -> None:
    """In a tool cache that is new, on a machine without an index."""
    host = FolderHost(tmp_path, environment={"PIP_NO_INDEX": "1"})
    host.use(setup_python, python_version="3.12")
    assert "could not be fetched" not in host.log_text
    number = run(host, "pip", "--version").split()[1]
    assert tuple(map(int, number.split(".")[:2])) >= (25, 1)


def list_store(tool_cache: Path) -> dict[str, tuple[int, int, int]]:
    """What is prepared for all jobs."""
    return snapshot(tool_cache / "homeport-python")


@pytest.mark.parametrize("words", [["install", "--force-reinstall"], ["uninstall", "--yes"], ["install", "--upgrade"]])
def test_what_a_job_does_to_its_pip_no_other_job_sees(new_job: Any, tool_cache: Path, words: list[str]) -> None:
    """Its folders are links to what all jobs share: an installer must take away the link, and nothing behind it."""
    (wheel,) = Path(standard_library(newest("3.11")), "ensurepip", "_bundled").glob("pip-*.whl")
    host = new_job().use(setup_python, python_version="3.11")
    before = list_store(tool_cache)
    named = [str(wheel)] if words[0] == "install" else ["pip"]
    run(host, "python", "-m", "pip", *words, *(["--no-index"] if words[0] == "install" else []), *named)
    assert list_store(tool_cache) == before
    done = run(host, "python", "-m", "pip", "--version", check=False)
    assert (wheel.name.split("-")[1] in done) is (words[0] == "install")


def test_setuptools_can_be_replaced_too(new_job: Any, tool_cache: Path) -> None:
    (wheel,) = Path(standard_library(newest("3.10")), "ensurepip", "_bundled").glob("setuptools-*.whl")
    host = new_job().use(setup_python, python_version="3.10")
    before = list_store(tool_cache)
    run(host, "pip", "install", "--no-index", "--force-reinstall", str(wheel))
    assert list_store(tool_cache) == before
    site = Path(host.variables["pythonLocation"], "lib", "python3.10", "site-packages")
    assert not (site / "setuptools").is_symlink()
    assert run(host, "python", "-c", "import setuptools; print(setuptools.__version__)") == wheel.name.split("-")[1]


def test_what_was_changed_behind_the_links_is_made_anew(tmp_path: Path) -> None:
    """`pip install --ignore-installed pip` writes through a link, as it removes nothing first."""
    newest("3.12")
    (wheel,) = Path(standard_library(newest("3.12")), "ensurepip", "_bundled").glob("pip-*.whl")
    first = FolderHost(tmp_path / "first").use(setup_python, python_version="3.12")
    good = run(first, "pip", "--version").split()[1]
    run(first, "python", "-m", "pip", "install", "--no-index", "--ignore-installed", str(wheel))
    second = FolderHost(tmp_path / "second")
    shutil.rmtree(second.paths.tool_cache)
    Path(second.paths.tool_cache).symlink_to(first.paths.tool_cache)
    second.use(setup_python, python_version="3.12")
    assert run(second, "pip", "--version").split()[1] == good


@pytest.fixture
def new_machine(tmp_path: Path) -> Any:
    """Jobs with tool caches of their own, on a machine whose only pip for 3.9 is an old one, as 3.9 brought it."""
    old = newest("3.9")
    if (pip := find_pip(old, find_interpreters({"PATH": PATH}))) is None or pip.order >= (25, 1):
        pytest.skip("Python 3.9 has a recent pip on this machine")

    def new_machine(name: str, wheels: Path, tools: Path | None = None) -> FolderHost:
        environment = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        host = FolderHost(tmp_path / name, environment=environment)
        if tools is not None:
            shutil.rmtree(host.paths.tool_cache)
            Path(host.paths.tool_cache).symlink_to(tools)
        return host

    return new_machine


def test_a_recent_pip_is_fetched_once_where_the_machine_has_an_old_one(new_machine: Any, tmp_path: Path) -> None:
    build_pip(tmp_path / "wheels", "25.9")
    host = new_machine("first", tmp_path / "wheels").use(setup_python, python_version="3.9")
    assert run(host, "pip", "--version").split()[1] == "25.9"
    shutil.rmtree(tmp_path / "wheels")
    again = new_machine("second", tmp_path / "wheels", Path(host.paths.tool_cache))
    again.use(setup_python, python_version="3.9")
    assert run(again, "pip", "--version").split()[1] == "25.9"


def test_without_an_index_the_old_pip_is_used_and_that_is_said_once(new_machine: Any, tmp_path: Path) -> None:
    host = new_machine("first", tmp_path / "none").use(setup_python, python_version="3.9")
    assert "A recent pip could not be fetched" in host.log_text
    assert "the newest that is here, is used" in host.log_text
    assert run(host, "pip", "--version").startswith("pip 2")
    again = new_machine("second", tmp_path / "none", Path(host.paths.tool_cache))
    again.use(setup_python, python_version="3.9")
    assert "A recent pip" not in again.log_text


def test_setuptools_comes_with_older_pythons_only(new_job: Any) -> None:
    require_pythons("3.11", "3.12")
    listed = {
        version: run(new_job().use(setup_python, python_version=version), "pip", "list", "--format=freeze")
        for version in ("3.11", "3.12")
    }
    assert "setuptools==" in listed["3.11"]
    assert [line.partition("==")[0] for line in listed["3.12"].splitlines()] == ["pip"]


def test_two_jobs_at_once_install_different_versions_without_seeing_each_other(new_job: Any, tmp_path: Path) -> None:
    require_pythons("3.12")
    wheels = [build_wheel(tmp_path / "wheels", "greeter", version) for version in ("1.0", "2.0")]
    hosts = [new_job(), new_job()]

    def carry_out(host: FolderHost, wheel: Path) -> None:
        host.use(setup_python, python_version="3.12")
        run(host, "pip", "install", "--no-index", str(wheel))

    threads = [threading.Thread(target=carry_out, args=pair) for pair in zip(hosts, wheels, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run(host, "greeter") for host in hosts] == ["greeter 1.0", "greeter 2.0"]
    third = new_job().use(setup_python, python_version="3.12")
    assert "greeter" not in run(third, "pip", "list")


def test_nothing_of_the_original_is_touched_or_seen(new_job: Any, tmp_path: Path) -> None:
    original = newest("3.12")
    wheel = build_wheel(tmp_path / "wheels", "greeter", "1.0")
    before = snapshot(Path(original.prefix))
    host = new_job().use(setup_python, python_version="3.12")
    run(host, "pip", "install", "--no-index", str(wheel))
    run(host, "python", "-c", "import asyncio, json, sqlite3, ssl, email.mime.text, xml.etree.ElementTree, sysconfig")
    run(host, "python", "-m", "venv", "--without-pip", "env")
    assert snapshot(Path(original.prefix)) == before
    assert [line.split()[0] for line in run(host, "pip", "list").splitlines()[2:]] == ["greeter", "pip"]


@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_virtual_environments_can_be_made(new_job: Any, tmp_path: Path, version: str) -> None:
    newest(version)
    wheel = build_wheel(tmp_path / "wheels", "greeter", "3.0")
    host = new_job().use(setup_python, python_version=version)
    run(host, "python", "-m", "venv", "env")
    run(host, "env/bin/pip", "install", "--no-index", str(wheel))
    assert run(host, "env/bin/greeter") == "greeter 3.0"
    answer = run(host, "env/bin/python", "-c", "import sys; print(sys.base_prefix, sys.prefix)").split()
    assert answer == [host.variables["pythonLocation"], str(host.workspace / "env")]


def test_extensions_can_be_compiled_and_linked(new_job: Any) -> None:
    compiler = shutil.which("cc", path=PATH)
    if compiler is None:
        pytest.skip("there is no C compiler on this machine: install one (Debian: gcc)")
    newest("3.12")
    host = new_job().use(setup_python, python_version="3.12")
    (host.workspace / "fast.c").write_text(
        "#include <Python.h>\n"
        "static PyObject *one(PyObject *s, PyObject *a) { return PyLong_FromLong(1); }\n"
        'static PyMethodDef m[] = {{"one", one, METH_NOARGS, ""}, {0}};\n'
        'static struct PyModuleDef d = {PyModuleDef_HEAD_INIT, "fast", "", -1, m};\n'
        "PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&d); }\n"
    )
    include = ask(host, "sysconfig.get_path('include')")
    assert include.startswith(host.variables["pythonLocation"])
    suffix = ask(host, "sysconfig.get_config_var('EXT_SUFFIX')")
    run(host, compiler, "-shared", "-fPIC", f"-I{include}", "fast.c", "-o", f"fast{suffix}")
    assert ask(host, "__import__('fast').one()") == 1
    assert ask(host, "sysconfig.get_config_var('INCLUDEPY')") == include
    assert ask(host, "sysconfig.get_config_var('LIBDIR')").startswith(host.variables["pythonLocation"])
    assert run(host, "python3-config", "--includes").split()[0] == f"-I{include}"


def test_programs_that_come_with_python_run_the_jobs_python(new_job: Any) -> None:
    newest("3.12")
    host = new_job().use(setup_python, python_version="3.12")
    prefix = Path(host.variables["pythonLocation"])
    for name in ("pip", "pip3", "pip3.12", "pydoc3.12", "2to3-3.12"):
        assert str(prefix / "bin" / "python3.12") in (prefix / "bin" / name).read_text().splitlines()[0]
    assert run(host, str(prefix / "python"), "-c", "import sys; print(sys.prefix)") == str(prefix)


def test_folders_with_blanks_and_long_names_work(tmp_path: Path, tool_cache: Path) -> None:
    newest("3.12")
    host = FolderHost(tmp_path / ("a folder with blanks and a long name " * 4).strip())
    host.use(setup_python, python_version="3.12")
    assert run(host, "pip", "--version").startswith("pip ")


def test_the_systems_own_python_becomes_writable_too(tmp_path: Path) -> None:
    """Debian and its kin mark it EXTERNALLY-MANAGED, and install beside it (`local/bin`, `dist-packages`)."""
    system = [each for each in find_interpreters({"PATH": PATH}) if each.prefix == "/usr"]
    if not system:
        pytest.skip("the system has no Python in /usr: install one (Debian: python3)")
    wheel = build_wheel(tmp_path / "wheels", "greeter", "1.0")
    target = tmp_path / "prefix"
    make_prefix(system[0], find_interpreters({"PATH": PATH}), str(target), str(tmp_path / "tools"))
    environment = {"PATH": f"{target}/bin:{PATH}", "HOME": str(tmp_path), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def call(*words: str) -> str:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("pip", "install", "--no-index", str(wheel))
    assert call("greeter") == "greeter 1.0\n"
    assert (target / "bin" / "greeter").exists()
    names = [line.split()[0] for line in call("pip", "list").splitlines()[2:]]
    assert names == sorted({"greeter", "pip", *(name for name in names if name == "setuptools")})
    prefixes = call("python3", "-c", "import sys; print(sys.prefix, sys.base_prefix)").split()
    assert prefixes == [str(target)] * 2


def test_an_interpreter_that_cannot_be_moved_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Such as a macOS framework build: here, one whose modules are compiled in from elsewhere."""
    real = newest("3.12")
    fake = tmp_path / "fixed"
    (fake / "bin").mkdir(parents=True)
    shutil.copytree(Path(real.prefix, "lib", "python3.12", "ensurepip"), fake / "lib" / "python3.12" / "ensurepip")
    (fake / "lib" / "python3.12" / "os.py").write_text("")
    program = fake / "bin" / "python3.12"
    program.write_text(f'#!/bin/sh\nexec {real.executable} "$@"\n')
    program.chmod(0o755)
    interpreter = Interpreter(version=real.version, prefix=str(fake), executable=str(program), source="test")
    with pytest.raises(PrefixError, match="wherever it stands, so a job cannot have its own"):
        make_prefix(interpreter, [interpreter], str(tmp_path / "job"), str(tmp_path / "tools"))
    assert not (tmp_path / "job").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".new")]


def test_a_second_use_in_a_job_keeps_what_was_installed(new_job: Any, tmp_path: Path) -> None:
    newest("3.12")
    wheel = build_wheel(tmp_path / "wheels", "greeter", "1.0")
    host = new_job().use(setup_python, python_version="3.12")
    run(host, "pip", "install", "--no-index", str(wheel))
    host.use(setup_python, python_version="3.12.x")
    assert run(host, "greeter") == "greeter 1.0"


def test_two_steps_at_once_may_set_up_one_version(new_job: Any) -> None:
    """Background steps of one job: one of the two prefixes stays."""
    newest("3.12")
    host = new_job()
    failures: list[BaseException] = []

    def carry_out() -> None:
        try:
            host.use(setup_python, python_version="3.12")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=carry_out) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    folder = Path(host.variables["pythonLocation"]).parent
    assert [path.name for path in folder.iterdir()] == [Path(host.variables["pythonLocation"]).name]
    assert run(host, "pip", "--version")


# --- which version ---------------------------------------------------------------------------------------------------


def test_the_environment_is_that_of_the_original(new_job: Any) -> None:
    newest("3.12")
    host = new_job(environment={"LD_LIBRARY_PATH": "/opt/lib"}).use(setup_python, python_version="3.12")
    prefix = host.variables["pythonLocation"]
    assert host.variables == {
        "pythonLocation": prefix,
        "Python_ROOT_DIR": prefix,
        "Python2_ROOT_DIR": prefix,
        "Python3_ROOT_DIR": prefix,
        "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig",
        "LD_LIBRARY_PATH": f"{prefix}/lib:/opt/lib",
    }
    assert host.added_paths == [prefix, f"{prefix}/bin"]


def test_the_environment_can_be_left_alone(new_job: Any) -> None:
    newest("3.12")
    host = new_job().use(setup_python, python_version="3.12", update_environment="false")
    assert (host.variables, host.added_paths) == ({}, [])
    assert run(host, host.outputs["python-path"], "-c", "import sys; print(sys.version_info[1])") == "12"


def test_several_versions_are_set_up_and_the_last_is_python(new_job: Any) -> None:
    require_pythons("3.10", "3.12", "3.13")
    host = new_job().use(setup_python, python_version="3.10\n3.13\n\n3.12")
    assert host.outputs["python-version"] == str(newest("3.12").version)
    assert run(host, "python", "-c", "import sys; print(sys.version_info[1])") == "12"
    for minor in ("10", "13"):
        assert run(host, f"python3.{minor}", "-c", "import sys; print(sys.version_info[1])") == minor
    assert len(host.variables["LD_LIBRARY_PATH"].split(":")) == 3


@pytest.mark.parametrize(
    ("text", "short"), [(">=3.10 <3.12", "3.11"), ("3.10.x", "3.10"), ("~3.11.0", "3.11"), ("3.9 - 3.10", "3.10")]
)
def test_a_range_is_the_newest_that_fits(new_job: Any, text: str, short: str) -> None:
    expected = newest(short)
    host = new_job().use(setup_python, python_version=text, update_environment="false")
    assert host.outputs["python-version"] == str(expected.version)


@pytest.mark.parametrize(
    ("name", "content", "short"),
    [
        (".python-version", "# a comment\n3.11/envs/mine\n", "3.11"),
        ("sub/.python-version", "3.10", "3.10"),
        ("pyproject.toml", '[project]\nname = "x"\nrequires-python = ">=3.10,<3.12"\n', "3.11"),
        ("poetry/pyproject.toml", '[tool.poetry.dependencies]\npython = "~3.10"\n', "3.10"),
        ("Pipfile", '[requires]\npython_version = "3.11"\n', "3.11"),
        (".tool-versions", "# tools\nnodejs 20\npython 3.10\n", "3.10"),
    ],
)
def test_a_file_names_the_version(new_job: Any, name: str, content: str, short: str) -> None:
    expected = newest(short)
    host = new_job()
    path = host.workspace / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    host.use(setup_python, python_version_file=name, update_environment="false")
    assert host.outputs["python-version"] == str(expected.version)


def test_the_default_file_is_read_where_nothing_is_asked_for(new_job: Any) -> None:
    expected = newest("3.11")
    host = new_job()
    (host.workspace / ".python-version").write_text("3.11\n")
    host.use(setup_python)
    assert host.outputs["python-version"] == str(expected.version)


def test_where_nothing_says_a_version_the_path_is_left_as_it_is(new_job: Any) -> None:
    host = new_job().use(setup_python)
    assert (host.outputs, host.variables) == ({}, {})
    assert [severity for severity, _ in host.annotations] == ["warning"]
    assert "currently in `PATH` will be used" in host.annotations[0][1]
    assert len(host.matchers) == 1


def test_the_input_goes_before_the_file_and_that_is_said(new_job: Any) -> None:
    expected = newest("3.12")
    host = new_job()
    (host.workspace / ".python-version").write_text("3.10")
    host.use(setup_python, python_version="3.12", python_version_file=".python-version", update_environment="false")
    assert host.outputs["python-version"] == str(expected.version)
    assert "only python-version will be used" in host.annotations[0][1]


def test_a_version_that_is_not_here_fails_and_lists_what_is(new_job: Any) -> None:
    require_pythons("3.12")
    host = new_job(environment={"UV_OFFLINE": "1"})
    with pytest.raises(ActionError) as caught:
        host.use(setup_python, python_version="3.99")
    message = str(caught.value)
    assert "The version '3.99' with architecture" in message
    assert str(newest("3.12").version) in message
    assert "uv python install 3.99" in message
    assert (host.outputs, host.variables) == ({}, {})


def test_uv_is_asked_for_what_is_not_here_and_its_answer_is_shown(new_job: Any, tmp_path: Path) -> None:
    """A stand-in for uv that 'installs' by copying nothing: it records what it was asked, then fails as without a network."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "uv").write_text(
        '#!/bin/sh\necho "$@ $UV_PYTHON_INSTALL_DIR" > asked\necho "error: no network" >&2\nexit 2\n'
    )
    (tools / "uv").chmod(0o755)
    host = new_job(environment={"PATH": f"{tools}:{PATH}"})
    with pytest.raises(ActionError, match="uv could not install it: error: no network"):
        host.use(setup_python, python_version=">=3.98 <3.99")
    asked = (host.workspace / "asked").read_text().split()
    assert asked == ["python", "install", ">=3.98,<3.99", f"{host.paths.tool_cache}/uv-python"]


def test_what_uv_installed_is_used(new_job: Any, tmp_path: Path, tool_cache: Path) -> None:
    """The stand-in installs a real Python: a link farm of 3.12 under another version's name, as uv lays them out."""
    real = newest("3.12")
    tools = tmp_path / "bin"
    tools.mkdir()
    folder = "cpython-3.12.999-linux-x86_64-gnu"
    (tools / "uv").write_text(
        "#!/bin/sh\n"
        f'mkdir -p "$UV_PYTHON_INSTALL_DIR/{folder}/bin"\n'
        f'ln -s {real.prefix}/lib {real.prefix}/include "$UV_PYTHON_INSTALL_DIR/{folder}/"\n'
        f'cp {real.executable} "$UV_PYTHON_INSTALL_DIR/{folder}/bin/python3.12"\n'
    )
    (tools / "uv").chmod(0o755)
    host = new_job(environment={"PATH": f"{tools}:{PATH}"})
    try:
        host.use(setup_python, python_version="3.12.999")
    finally:
        shutil.rmtree(tool_cache / "uv-python", ignore_errors=True)
    assert host.outputs["python-version"] == "3.12.999"
    assert run(host, "pip", "--version").startswith("pip ")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"python_version": "graalpy-24.0"}, "GraalPy is not supported"),
        ({"python_version": "pypy3"}, "Invalid format of Python version for PyPy"),
        ({"python_version": "pypy3.77"}, "The version 'pypy3.77'"),
        ({"python_version": "not-a-version"}, "The version 'not-a-version'"),
        ({"python_version": "3.99t"}, "The version '3.99t'"),
        ({"python_version": "3.12", "architecture": "riscv"}, "The architecture 'riscv' cannot be had"),
        ({"python_version": "3.12", "update_environment": "maybe"}, "Core Schema"),
        ({"python_version": "3.12", "pip_version": "latest"}, "Invalid pip version"),
        ({"python_version_file": "missing.txt"}, "at: missing.txt doesn't exist"),
        ({"python_version": "3.12", "cache": "conda"}, "Caching for 'conda' is not supported"),
        ({"python_version": "3.12", "cache": "pip"}, "No file in .* matched to .*requirements.txt or .*pyproject.toml"),
    ],
)
def test_what_cannot_be_set_up_fails_with_the_reason(new_job: Any, inputs: dict[str, str], message: str) -> None:
    require_pythons("3.12")
    with pytest.raises(ActionError, match=message):
        new_job(environment={"UV_OFFLINE": "1"}).use(setup_python, **inputs)


def test_a_project_file_that_is_no_toml_fails(new_job: Any) -> None:
    host = new_job()
    (host.workspace / "pyproject.toml").write_text("[project\n")
    with pytest.raises(ActionError, match=r"pyproject.toml is not valid TOML"):
        host.use(setup_python, python_version_file="pyproject.toml")


def test_packages_are_installed_on_request(new_job: Any, tmp_path: Path) -> None:
    newest("3.12")
    build_wheel(tmp_path / "wheels", "greeter", "4.0")
    host = new_job(environment={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")})
    host.use(setup_python, python_version="3.12", pip_install="greeter==4.0")
    assert run(host, "greeter") == "greeter 4.0"
    with pytest.raises(ActionError, match="failed with exit code 1"):
        host.use(setup_python, python_version="3.12", pip_install="no-such-package")


def test_tracebacks_become_annotations(new_job: Any) -> None:
    newest("3.12")
    host = new_job().use(setup_python, python_version="3.12", update_environment="false")
    ((matcher,),) = host.matchers
    assert matcher.owner == "python"


# --- discovery -------------------------------------------------------------------------------------------------------


def make_fake(prefix: Path, name: str) -> None:
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / name).write_text("#!/bin/sh\nexit 1\n")
    (prefix / "bin" / name).chmod(0o755)


def labels(environment: Mapping[str, str], tool_cache: Path | None = None) -> dict[str, str]:
    """What is found among the fakes of a test; the machine's own, and the Python of this very process, are left out."""
    found = find_interpreters(environment, str(tool_cache or ""))
    fakes = [each for each in found if each.prefix.startswith("/tmp/") or "pytest" in each.prefix]
    return {each.label: each.source for each in fakes if each.prefix != os.path.realpath(sys.base_prefix)}


def test_pythons_are_found_where_installers_put_them(tmp_path: Path) -> None:
    make_fake(tmp_path / "pyenv/versions/3.71.2", "python3.71")
    make_fake(tmp_path / "pyenv/versions/3.72.0t", "python3.72t")
    make_fake(tmp_path / "pyenv/versions/pypy3.73-7.3.16", "pypy3.73")
    make_fake(tmp_path / "pyenv/versions/3.70.0", "something-else")
    make_fake(tmp_path / "uv/cpython-3.74.0rc2-linux-x86_64-gnu", "python3.74")
    make_fake(tmp_path / "uv/cpython-3.75.1+freethreaded-linux-x86_64-gnu", "python3.75t")
    make_fake(tmp_path / "tools/Python/3.76.0/x64", "python3.76")
    make_fake(tmp_path / "tools/Python/3.77.0/x64", "python3.77")
    for name in ("x64.complete", "arm64.complete"):
        (tmp_path / "tools/Python/3.76.0" / name).touch()
    environment = {
        "PATH": "/nowhere",
        "PYENV_ROOT": str(tmp_path / "pyenv"),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv"),
    }
    assert labels(environment, tmp_path / "tools") == {
        "3.71.2": "pyenv",
        "3.72.0t": "pyenv",
        "pypy3.73-v7.3.16": "pyenv",
        "3.74.0-rc.2": "uv",
        "3.75.1t": "uv",
        "3.76.0": "tool cache",
    }


def test_shims_lead_to_pyenv_and_are_not_taken_for_pythons(tmp_path: Path) -> None:
    make_fake(tmp_path / "pyenv/versions/3.71.2", "python3.71")
    make_fake(tmp_path / "pyenv", "unrelated")
    (tmp_path / "pyenv" / "shims").mkdir()
    shutil.copy(tmp_path / "pyenv/versions/3.71.2/bin/python3.71", tmp_path / "pyenv/shims/python3.71")
    assert labels({"PATH": f"{tmp_path}/pyenv/shims"}) == {"3.71.2": "pyenv"}


def test_programs_on_the_path_are_known_by_their_headers_or_asked(tmp_path: Path) -> None:
    make_fake(tmp_path / "a", "python3.71")
    (tmp_path / "a/include/python3.71").mkdir(parents=True)
    (tmp_path / "a/include/python3.71/patchlevel.h").write_text('#define PY_VERSION  "3.71.4+"\n')
    make_fake(tmp_path / "b", "python3.72")
    (tmp_path / "b/bin/python3.72").write_text("#!/bin/sh\nprintf 3.72.9\n")
    make_fake(tmp_path / "c", "python3.73")  # says nothing when asked
    assert labels({"PATH": f"{tmp_path}/a/bin:{tmp_path}/b/bin:{tmp_path}/c/bin"}) == {
        "3.71.4": "PATH",
        "3.72.9": "PATH",
    }


def test_virtual_and_conda_environments_are_no_installations(tmp_path: Path) -> None:
    for name, marker in (("venv", "pyvenv.cfg"), ("conda", "conda-meta")):
        make_fake(tmp_path / name, "python3.71")
        (tmp_path / name / marker).mkdir()
    assert labels({"PATH": f"{tmp_path}/venv/bin:{tmp_path}/conda/bin"}) == {}


def test_a_virtual_environment_on_the_path_leads_to_its_base(tmp_path: Path) -> None:
    make_fake(tmp_path / "base", "python3.71")
    (tmp_path / "base/include/python3.71").mkdir(parents=True)
    (tmp_path / "base/include/python3.71/patchlevel.h").write_text('#define PY_VERSION "3.71.4"\n')
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "venv" / "bin" / "python3.71").symlink_to(tmp_path / "base" / "bin" / "python3.71")
    assert labels({"PATH": f"{tmp_path}/venv/bin"}) == {"3.71.4": "PATH"}


def test_homeports_own_python_is_always_there() -> None:
    own = sysconfig.get_config_var("py_version_nodot_plat") or sysconfig.get_python_version()
    found = find_interpreters({"PATH": "/nowhere"})
    assert sysconfig.get_python_version() in {f"{each.version.major}.{each.version.minor}" for each in found}, own


# --- dependency caches -----------------------------------------------------------------------------------------------


def use_pip_cache(host: FolderHost, **inputs: str) -> FolderHost:
    (host.workspace / "requirements.txt").write_text("greeter==1.0\n")
    return host.use(setup_python, **{"python_version": "3.12", "cache": "pip", "update_environment": "false", **inputs})


def test_pips_cache_is_kept_by_the_hash_of_the_dependencies(new_job: Any) -> None:
    expected = newest("3.12")
    first = use_pip_cache(new_job())
    assert first.outputs["cache-hit"] == "false"
    assert "pip cache is not found" in first.lines
    cache = Path(first.paths.home) / ".cache" / "pip"
    cache.mkdir(parents=True)
    (cache / "wheel").write_text("cached")
    setup_python.post(first)
    (line,) = [line for line in first.lines if line.startswith("Cache saved with the key: ")]
    key = line.removeprefix("Cache saved with the key: ")
    assert key.startswith("setup-python-Linux-")
    assert f"-python-{expected.version}-pip-" in key
    second = use_pip_cache(new_job())
    assert second.outputs["cache-hit"] == "true"
    assert (Path(second.paths.home) / ".cache" / "pip" / "wheel").read_text() == "cached"
    setup_python.post(second)
    assert any("not saving cache" in line for line in second.lines)


def test_other_dependencies_find_the_cache_by_prefix(new_job: Any) -> None:
    newest("3.12")
    first = use_pip_cache(new_job())
    cache = Path(first.paths.home) / ".cache" / "pip"
    cache.mkdir(parents=True)
    (cache / "wheel").write_text("cached")
    setup_python.post(first)
    other = new_job()
    (other.workspace / "dev.txt").write_text("else\n")
    use_pip_cache(other, cache_dependency_path="dev.txt")
    assert other.outputs["cache-hit"] == "false"
    assert (Path(other.paths.home) / ".cache" / "pip" / "wheel").read_text() == "cached"


def test_a_project_file_serves_where_there_are_no_requirements(new_job: Any) -> None:
    newest("3.12")
    host = new_job()
    (host.workspace / "pyproject.toml").write_text("[project]\n")
    host.use(setup_python, python_version="3.12", cache="pip", update_environment="false")
    assert host.outputs["cache-hit"] == "false"


def test_a_cache_of_the_machines_own_is_left_alone(new_job: Any, tmp_path: Path) -> None:
    newest("3.12")
    host = use_pip_cache(new_job(environment={"PIP_CACHE_DIR": str(tmp_path / "shared")}))
    assert host.outputs["cache-hit"] == "false"
    assert any("this machine's own" in line for line in host.lines)
    setup_python.post(host)
    assert host.annotations == []
    assert not list(host.caches.list())


def test_nothing_to_keep_is_said_and_fails_nothing(new_job: Any) -> None:
    """Decision 13: an index that forbids caching turns no verdict, unlike with the original."""
    newest("3.12")
    host = use_pip_cache(new_job())
    setup_python.post(host)
    ((severity, message),) = host.annotations
    assert severity == "warning"
    assert "pip has cached nothing" in message


def test_pipenvs_environments_are_kept(new_job: Any) -> None:
    newest("3.12")
    host = new_job()
    (host.workspace / "Pipfile.lock").write_text("{}")
    host.use(setup_python, python_version="3.12", cache="pipenv", update_environment="false")
    folder = Path(host.paths.home) / ".local/share/virtualenvs/x"
    folder.mkdir(parents=True)
    (folder / "marker").write_text("kept")
    setup_python.post(host)
    other = new_job()
    (other.workspace / "Pipfile.lock").write_text("{}")
    other.use(setup_python, python_version="3.12", cache="pipenv", update_environment="false")
    assert other.outputs["cache-hit"] == "true"
    assert (Path(other.paths.home) / ".local/share/virtualenvs/x/marker").read_text() == "kept"


def test_poetry_says_where_its_environments_are(new_job: Any, tmp_path: Path) -> None:
    """A stand-in for Poetry that answers `config --list`; the real one needs a network to install."""
    newest("3.12")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "poetry").write_text(
        "#!/bin/sh\n"
        'if [ "$1" = config ]; then\n'
        '  echo "cache-dir = \\"$HOME/.cache/pypoetry\\""\n'
        '  echo "virtualenvs.in-project = true"\n'
        '  echo "virtualenvs.path = \\"{cache-dir}/virtualenvs\\"  # $HOME/x"\n'
        'else echo "$PWD $@" >> $HOME/calls; fi\n'
    )
    (tools / "poetry").chmod(0o755)

    def use(host: FolderHost) -> FolderHost:
        (host.workspace / "app").mkdir()
        (host.workspace / "app" / "poetry.lock").write_text("# lock\n")
        return host.use(setup_python, python_version="3.12", cache="poetry", update_environment="false")

    first = use(new_job(environment={"PATH": f"{tools}:{PATH}"}))
    environment = Path(first.paths.home) / ".cache/pypoetry/virtualenvs/e"
    environment.mkdir(parents=True)
    (environment / "marker").write_text("kept")
    setup_python.post(first)
    second = use(new_job(environment={"PATH": f"{tools}:{PATH}"}))
    assert second.outputs["cache-hit"] == "true"
    assert (Path(second.paths.home) / ".cache/pypoetry/virtualenvs/e/marker").exists()
    assert (Path(second.paths.home) / "calls").read_text() == f"{second.workspace}/app env use python\n"


def test_poetry_that_is_missing_is_named(new_job: Any) -> None:
    newest("3.12")
    host = new_job()
    (host.workspace / "poetry.lock").write_text("")
    with pytest.raises(ActionError, match="poetry"):
        host.use(setup_python, python_version="3.12", cache="poetry", update_environment="false")

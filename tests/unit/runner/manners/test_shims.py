"""The small programs that stand in for what a machine lacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.ports.executor import JobPaths
from homeport.runner.manners.shims import Shims, install_shims
from tests.support.parts import require_file, require_program, require_root
from tests.support.wheels import build_wheel


@pytest.fixture
def shims(tmp_path: Path) -> Shims:
    return install_shims(str(tmp_path / "home"))


@pytest.fixture
def paths(tmp_path: Path) -> JobPaths:
    root = tmp_path / "job"
    names = ("workspace", "_temp", "_home", "tools", "_actions", "_commands")
    for name in names:
        (root / name).mkdir(parents=True)
    workspace, temp, home, tools, actions, commands = (str(root / name) for name in names)
    return JobPaths(str(root), workspace, temp, home, tools, actions, commands)


def call(*words: str, path: str, paths: JobPaths | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": path}
    if paths is not None:
        environment |= {"RUNNER_TEMP": paths.temp, "HOME": paths.home}
    program = next(f"{folder}/{words[0]}" for folder in path.split(":") if os.path.exists(f"{folder}/{words[0]}"))
    return subprocess.run([program, *words[1:]], env=environment, capture_output=True, text=True, check=False)


def python_folder(tmp_path: Path) -> str:
    """A folder where `python3` is the one that the tests run on, and nothing else is."""
    folder = tmp_path / "machine"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    return str(folder)


def test_they_are_put_there_once_and_can_be_run(tmp_path: Path, shims: Shims) -> None:
    before = os.stat(shims.folder).st_mtime_ns
    assert install_shims(str(tmp_path / "home")) == shims
    assert os.stat(shims.folder).st_mtime_ns == before
    assert sorted(os.listdir(tmp_path / "home" / "manners")) == [os.path.basename(shims.folder)]
    for name in ("python/python", "python/python3", "python/pip", "python/pip3", "sudo/sudo", "pipx/pipx"):
        assert os.access(f"{shims.folder}/{name}", os.X_OK)


def test_the_machines_own_programs_go_before_ours_but_for_python(shims: Shims, paths: JobPaths) -> None:
    folders = shims.extend_path("/usr/bin:/bin", paths).split(":")
    own = f"{paths.root}/_python/bin"
    assert folders == [
        own, f"{shims.folder}/python", f"{paths.home}/.local/bin",
        "/usr/bin", "/bin", f"{shims.folder}/sudo", f"{shims.folder}/pipx",
    ]  # fmt: skip
    boxed = shims.extend_path("/usr/bin", paths, sudo_works=False).split(":")
    assert boxed.index(f"{shims.folder}/sudo") < boxed.index("/usr/bin")


def test_python_is_one_of_the_jobs_own_that_sees_the_machines_packages(
    tmp_path: Path, shims: Shims, paths: JobPaths
) -> None:
    path = shims.extend_path(f"{python_folder(tmp_path)}:/usr/bin:/bin", paths)
    program = "import sys, sysconfig; print(sys.prefix); print(sys.base_prefix); print(sysconfig.get_path('purelib'))"
    answer = call("python", "-c", program, path=path, paths=paths)
    prefix, base, site = answer.stdout.splitlines()
    assert prefix == f"{paths.root}/_python"
    assert base == sys.base_prefix
    assert site.startswith(prefix)
    assert os.path.islink(f"{prefix}/bin/python3")
    # from here on no shim is in the way
    assert call("python3", "-c", "import sys; print(sys.executable)", path=path, paths=paths).stdout == (
        f"{prefix}/bin/python3\n"
    )


def test_what_pip_installs_stays_in_the_job(tmp_path: Path, shims: Shims, paths: JobPaths) -> None:
    wheel = build_wheel(tmp_path, "onlyhere", "1.0")
    path = shims.extend_path(f"{python_folder(tmp_path)}:/usr/bin:/bin", paths)
    done = call("pip", "install", "--no-index", "--no-deps", str(wheel), path=path, paths=paths)
    assert done.returncode == 0, done.stderr
    assert call("python3", "-c", "import onlyhere; onlyhere.main()", path=path, paths=paths).stdout == "onlyhere 1.0\n"
    outside = subprocess.run([sys.executable, "-c", "import onlyhere"], capture_output=True, check=False)
    assert outside.returncode == 1


def make_python_without_pip(tmp_path: Path, wheels: str) -> str:
    """A `python3` that finds no pip, as Debian's does; `ensurepip` keeps wheels in the folder."""
    folder = tmp_path / "machine"
    folder.mkdir()
    hidden = tmp_path / "hidden"
    (hidden / "ensurepip").mkdir(parents=True)
    (hidden / "ensurepip" / "__init__.py").write_text("")
    (hidden / "ensurepip" / "_bundled").symlink_to(wheels)
    code = (
        "import sys, runpy, importlib.abc\n"
        "class Hide(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'pip' and not hasattr(sys, 'shown'):\n"
        "            sys.meta_path.remove(self)\n"
        "            sys.shown = True\n"
        "            raise ImportError\n"
        f"sys.meta_path.insert(0, Hide())\nsys.path.insert(0, {str(hidden)!r})\n"
        "sys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    (tmp_path / "start.py").write_text(code)
    (folder / "python3").write_text(f'#!/bin/sh\nshift\nexec {sys.executable} {tmp_path}/start.py "$@"\n')
    (folder / "python3").chmod(0o755)
    return str(folder)


def test_a_python_without_pip_gets_the_one_that_the_machine_keeps(
    tmp_path: Path, shims: Shims, paths: JobPaths
) -> None:
    import ensurepip  # noqa: PLC0415 - for its folder only

    bundled = os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")
    if not os.path.isdir(bundled):
        bundled = str(require_file("/usr/share/python-wheels", "apt-get install python3-venv"))
    path = shims.extend_path(f"{make_python_without_pip(tmp_path, bundled)}:/usr/bin:/bin", paths)
    answer = call("pip", "--version", path=path, paths=paths)
    assert answer.returncode == 0, answer.stderr
    assert f"from {paths.root}/_python/lib/" in answer.stdout


def test_a_machine_without_python_says_so(tmp_path: Path, shims: Shims, paths: JobPaths) -> None:
    (tmp_path / "empty").mkdir()
    answer = call("python", "--version", path=f"{shims.folder}/python:{tmp_path / 'empty'}", paths=paths)
    assert answer.returncode == 127
    assert "there is no Python on this machine" in answer.stderr


def test_where_none_can_be_made_python_runs_and_pip_changes_nothing(
    tmp_path: Path, shims: Shims, paths: JobPaths
) -> None:
    Path(paths.root, "_python").write_text("in the way")
    path = f"{shims.folder}/python:{python_folder(tmp_path)}:/usr/bin:/bin"
    assert call("python3", "-c", "print('runs')", path=path, paths=paths).stdout == "runs\n"
    answer = call("pip", "--version", path=path, paths=paths)
    assert answer.returncode == 1
    assert "the machine's is not to be changed" in answer.stderr
    assert sorted(os.listdir(paths.root)) == sorted(
        ["workspace", "_temp", "_home", "tools", "_actions", "_commands", "_python"]
    )


def test_outside_of_a_job_the_machines_python_runs(tmp_path: Path, shims: Shims) -> None:
    path = f"{shims.folder}/python:{python_folder(tmp_path)}"
    answer = call("python3", "-c", "import sys; print(sys.prefix)", path=path)
    assert answer.stdout.strip() == sys.prefix or answer.stdout.strip() == sys.base_prefix


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["id", "-u"], "0\n"),
        (["-n", "-E", "id", "-u"], "0\n"),
        (["-EH", "--", "id", "-u"], "0\n"),
        (["-u", "root", "id", "-u"], "0\n"),
        (["--user=#0", "id", "-u"], "0\n"),
        (["WORD=a b", "sh", "-c", 'echo "$WORD"'], "a b\n"),
        (["-D", "/", "pwd"], "/\n"),
        (["--preserve-env=HOME,PATH", "echo", "-n"], ""),
        (["-p", "prompt", "echo", "$HOME; id"], "$HOME; id\n"),
        (["-v"], ""),
        (["-u", "nobody", "id", "-un"], "nobody\n"),
    ],
)
def test_sudo_runs_the_command_where_already_root(shims: Shims, words: list[str], printed: str) -> None:
    require_root()
    answer = call("sudo", *words, path=f"{shims.folder}/sudo:/usr/sbin:/usr/bin:/sbin:/bin")
    assert (answer.returncode, answer.stdout) == (0, printed), answer.stderr


def test_sudo_gives_the_commands_exit_code(shims: Shims) -> None:
    require_root()
    assert call("sudo", "sh", "-c", "exit 7", path=f"{shims.folder}/sudo:/usr/bin:/bin").returncode == 7


def test_sudo_without_root_fails_and_says_why(tmp_path: Path, shims: Shims) -> None:
    require_root()
    setpriv = require_program("setpriv", "apt-get install util-linux")
    # a folder that others may enter
    os.chmod(tmp_path, 0o755)
    copy = Path(f"/tmp/homeport-sudo-{os.getpid()}")
    copy.write_text(Path(f"{shims.folder}/sudo/sudo").read_text())
    copy.chmod(0o755)
    try:
        answer = subprocess.run(
            [setpriv, "--reuid", "65534", "--clear-groups", "sh", str(copy), "id"],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        copy.unlink()
    assert answer.returncode == 1
    assert "does not run as root" in answer.stderr


def test_pipx_is_the_module_where_python_has_it(tmp_path: Path, shims: Shims, paths: JobPaths) -> None:
    package = tmp_path / "modules" / "pipx"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import sys; print('pipx', *sys.argv[1:])\n")
    folder = tmp_path / "machine"
    folder.mkdir()
    (folder / "python3").write_text(f'#!/bin/sh\nPYTHONPATH={package.parent} exec {sys.executable} "$@"\n')
    (folder / "python3").chmod(0o755)
    path = f"{folder}:/usr/nothing:{shims.folder}/pipx"
    assert call("pipx", "run", "a b", path=path, paths=paths).stdout == "pipx run a b\n"

"""The real `homeport serve`: its life, its folder, its runner."""

import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.serve import served, wait_until


def test_a_server_answers_and_ends_when_told_to(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        assert httpx.get(f"{server.url}/healthz").text == "ok\n"
        assert server.sign_in.startswith(f"{server.url}/setup?token=")
        wait_until(server.runners)
        assert server.stop() == 0
        wait_until(lambda: not server.runners())


def test_what_is_not_there_is_said_as_a_problem(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        answer = httpx.get(f"{server.url}/there/is/nothing/at/all")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_folder_belongs_to_one_server(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        second = subprocess.run(
            [sys.executable, "-m", "homeport", "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert f"is in use by the server at {server.url}" in second.stderr
        assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_everything_that_is_kept_is_the_owners_alone(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        wait_until(server.runners)
        modes = {path: path.lstat().st_mode & 0o777 for path in (tmp_path / "data").rglob("*") if not path.is_symlink()}
    open_to_others = {
        str(path): oct(mode) for path, mode in modes.items() if mode & 0o077 and path.parent.name != "bin"
    }
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert not {path for path in open_to_others if "/runner/manners/" not in path}

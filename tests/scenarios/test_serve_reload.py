"""Development with `homeport serve --reload`, and how others are told to reach a server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

import homeport
from tests.support.pushed import PushedRepository
from tests.support.serve import ServedProcess, wait_until


def test_the_server_starts_again_when_its_code_changes_and_ends_with_its_watcher(tmp_path: Path) -> None:
    """On a copy of the code, for it is changed."""
    code = tmp_path / "code" / "homeport"
    shutil.copytree(Path(homeport.__file__).parent, code, ignore=shutil.ignore_patterns("__pycache__"))
    said = tmp_path / "said"
    with said.open("wb") as file:
        watcher = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "homeport",
                "serve",
                "--data",
                str(tmp_path / "d"),
                "--listen",
                "127.0.0.1:0",
                "--reload",
            ],
            env={**os.environ, "PYTHONPATH": str(code.parent), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=file,
            stderr=file,
            cwd=tmp_path,
        )
    try:
        wait_until(lambda: _count_starts(said) == 1)
        with (code / "server" / "health.py").open("a") as file_of_code:
            file_of_code.write("# another line\n")
        wait_until(lambda: _count_starts(said) == 2)
        assert "server/health.py has changed: starting again" in said.read_text()
        url = said.read_text().rpartition("homeport serves at ")[2].partition(",")[0]
        assert httpx.get(f"{url}/healthz").status_code == 200
    finally:
        watcher.send_signal(signal.SIGTERM)
        assert watcher.wait(60) == 0
    assert not _answers(url)


def _count_starts(said: Path) -> int:
    return said.read_text().count("homeport serves at ")


def _answers(url: str) -> bool:
    try:
        httpx.get(f"{url}/healthz")
    except httpx.ConnectError:
        return False
    return True


def test_links_that_others_follow_begin_with_the_public_url(tmp_path: Path) -> None:
    workflow = "on: push\njobs: {build: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = f"http://127.0.0.1:{taken.getsockname()[1]}"
    server = ServedProcess(tmp_path / "d", ("--executor", "process", "--public-url", "http://ci.example.com/"))
    server.url = own
    server.start()
    server.url = own  # it told the other one, which leads nowhere here
    try:
        assert server.sign_in.startswith("http://ci.example.com/")
        repository = PushedRepository(server, tmp_path)
        run = repository.push({}, workflow)
        assert repository.await_conclusion(run) == "success"
        shown = repository.get(f"actions/runs/{run}")
        assert shown["html_url"] == f"http://ci.example.com/acme/shop/actions/runs/{run}"
        statuses = wait_until(lambda: repository.get(f"commits/{shown['head_sha']}/statuses"))
        assert all(each["target_url"].startswith("http://ci.example.com/acme/shop/") for each in statuses)
    finally:
        server.clear()

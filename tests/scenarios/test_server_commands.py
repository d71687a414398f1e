"""`homeport runs`, `show`, `logs`, `rerun`, `cancel` and `artifacts` against a real server: the same output as of local runs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
name: CI
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo "hello from ${{ github.ref_name }}, attempt ${{ github.run_attempt }}"
        id: greet
      - run: |
          mkdir -p out && echo kept > out/file.txt
      - uses: actions/upload-artifact@v4
        with: {name: files, path: out}
      - run: test -e {gate}
        name: Gate
  slow:
    runs-on: ubuntu-latest
    if: github.ref_name == 'slow'
    steps:
      - run: while true; do sleep 0.05; done
"""

PATIENT = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "before"; while ! test -e {gate}; do sleep 0.05; done; echo "meanwhile"
"""


class Desk:
    """Somebody's working tree, with the server as its remote."""

    def __init__(self, server: ServedProcess, folder: Path) -> None:
        self.folder = folder / "work"
        self.gate = folder / "gate"
        self._token = make_person(server.folder, "ada", is_administrator=True)
        self.server = server
        self._home = folder / "home"
        self.checkout = Checkout(self.folder, f"{server.url}/acme/shop.git", "ada", self._token)
        self.checkout.commit({".github/workflows/ci.yml": WORKFLOW.replace("{gate}", str(self.gate))})

    def call(self, *words: str, code: int = 0, token: str | None = None) -> str:
        """What the command prints to stdout."""
        done = subprocess.run(
            [sys.executable, "-m", "homeport", *words],
            cwd=self.folder,
            env=self._environment(token),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    @contextmanager
    def following(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """The command while it runs."""
        with subprocess.Popen(
            [sys.executable, "-m", "homeport", *words],
            cwd=self.folder,
            env=self._environment(None),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _environment(self, token: str | None) -> dict[str, str]:
        return {
            **os.environ,
            "HOMEPORT_SERVER": self.server.url,
            "HOMEPORT_TOKEN": token or self._token,
            "HOMEPORT_HOME": str(self._home),
        }

    def runs(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.call("runs", "--format", "json"))
        return rows

    def await_end(self, attempt: int = 1) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            rows = self.runs()
            is_over = rows and rows[0]["status"] == "completed" and rows[0]["attempt"] == attempt
            return rows[0] if is_over else None

        row: dict[str, Any] = wait_until(look)
        return row


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with served(tmp_path / "data") as server:
        yield Desk(server, tmp_path)


def test_a_run_of_the_server_is_listed_shown_read_and_run_again(desk: Desk, tmp_path: Path) -> None:
    desk.checkout.push()
    wait_until(lambda: _has_runs(desk))
    row = desk.await_end()
    assert (row["repository"], row["name"], row["conclusion"]) == ("acme/shop", "CI", "failure")
    assert row["id"] in desk.call("runs")
    shown = desk.call("show", row["id"])
    assert "Gate" in shown
    assert "test -e" not in shown.partition("Gate")[0]
    described = json.loads(desk.call("show", "--format", "json"))
    assert [step["conclusion"] for step in described["jobs"][0]["steps"]].count("failure") == 1
    assert "build │ hello from main, attempt 1" in desk.call("logs", row["id"])
    assert desk.call("logs", "--job", "build", "--step", "greet").endswith("hello from main, attempt 1\n")
    desk.gate.touch()
    begun = json.loads(desk.call("rerun", "--failed", "--format", "json"))
    assert begun == {"run": row["id"], "attempt": 2}
    assert "build │ hello from main, attempt 2" in desk.call("logs", "-f", row["id"])
    assert desk.await_end(2)["conclusion"] == "success"
    assert "hello from main, attempt 1" in desk.call("logs", row["id"], "--attempt", "1")
    names = {each["name"] for each in json.loads(desk.call("artifacts", "--format", "json"))}
    assert "files" in names
    desk.call("artifacts", "--download", "files", "--to", str(tmp_path / "got"))
    assert (tmp_path / "got" / "file.txt").read_text() == "kept\n"


def test_a_run_that_goes_on_is_cancelled_from_afar(desk: Desk) -> None:
    desk.checkout.push("main:slow")
    wait_until(lambda: _has_runs(desk))
    wait_until(
        lambda: any(job["status"] == "running" for job in json.loads(desk.call("show", "--format", "json"))["jobs"])
    )
    assert "already running" in desk.call("rerun", code=1)
    assert json.loads(desk.call("cancel", "--format", "json"))["cancelled"] is True
    assert desk.await_end()["status"] == "completed"
    assert "no run of this repository is going on" in desk.call("cancel", code=2)


def test_a_log_is_followed_while_its_server_starts_again(desk: Desk) -> None:
    """Without being told which run, nor which repository: a remote that is not called `origin` is on this server."""
    desk.checkout.commit({".github/workflows/ci.yml": PATIENT.replace("{gate}", str(desk.gate))})
    desk.checkout.push()
    desk.checkout.git("remote", "rename", "origin", "homeport")
    desk.checkout.git("remote", "add", "origin", "https://forge.example/acme/elsewhere.git")
    wait_until(lambda: _has_runs(desk))
    with desk.following("logs", "-f") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while (line := process.stdout.readline()) != "build │ before\n":
            assert line, process.stderr.read()
        desk.server.stop()
        assert "waiting for it" in process.stderr.readline()
        desk.gate.touch()
        desk.server.start()
        rest, _ = process.communicate(timeout=120)
        assert process.returncode == 0
    assert rest == "build │ meanwhile\n"


def test_a_server_that_does_not_know_somebody_says_so(desk: Desk) -> None:
    desk.checkout.push()
    wait_until(lambda: _has_runs(desk))
    assert "HOMEPORT_TOKEN is not good" in desk.call("runs", code=1, token="hpt_nobody")
    assert "no run '999'" in desk.call("show", "999", code=2)


def _has_runs(desk: Desk) -> bool:
    return bool(json.loads(desk.call("runs", "--all", "--format", "json")))


DISPATCHED = """\
name: Release
on:
  workflow_dispatch: {inputs: {who: {required: true}, loud: {type: boolean, default: false}}}
  repository_dispatch: {types: [released]}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo "for ${{ inputs.who || github.event.client_payload.who }} on ${{ github.ref_name }}"
"""


def test_workflows_are_started_by_hand(desk: Desk) -> None:
    desk.checkout.commit({".github/workflows/release.yml": DISPATCHED})
    desk.checkout.push("main", "main:v1")
    wait_until(desk.runs)
    started = json.loads(desk.call("dispatch", "release.yml", "--input", "who=Ada = all", "--format", "json"))
    assert started["workflow"] == ".github/workflows/release.yml"
    assert started["url"].endswith(f"/acme/shop/actions/runs/{started['run']}")
    wait_until(lambda: "for Ada = all on main" in desk.call("logs", started["run"]))
    desk.call("dispatch", "Release", "--ref", "v1", "--input", "who=Bob")
    wait_until(lambda: "for Bob on v1" in desk.call("logs", desk.runs()[0]["id"]))
    assert "'who'" in desk.call("dispatch", "release.yml", code=1)
    assert "no workflow is called 'nothing'" in desk.call("dispatch", "nothing", code=1)
    assert "'workflow_dispatch' trigger" in desk.call("dispatch", "ci.yml", code=1)
    assert "what is to be started" in desk.call("dispatch", code=2)
    (desk.folder / "payload.json").write_text('{"who": "everybody"}')
    desk.call("dispatch", "--type", "released", "--payload", "payload.json")
    wait_until(lambda: desk.runs()[0]["event"] == "repository_dispatch")
    wait_until(lambda: "for everybody on main" in desk.call("logs", desk.runs()[0]["id"]))
    (desk.folder / "payload.json").write_text("[]")
    assert "no JSON object" in desk.call("dispatch", "--type", "released", "--payload", "payload.json", code=2)
    assert "--ref belongs to a workflow" in desk.call("dispatch", "--type", "released", "--ref", "v1", code=2)

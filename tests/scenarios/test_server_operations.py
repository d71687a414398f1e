"""Running again, ending, keeping and deleting runs of a real server: what each leaves behind, and who may."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeport.ports.history import HistoryRun, RunFilter
from homeport.store.tables.database import Database
from homeport.store.tables.history import TableHistory
from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
name: CI
on: push
jobs:
  good:
    runs-on: ubuntu-latest
    steps:
      - run: echo "attempt ${{ github.run_attempt }} by ${{ github.triggering_actor }}"
      - run: echo "::debug::whispered"
  bad:
    runs-on: ubuntu-latest
    steps:
      - run: test -e {gate}
  slow:
    runs-on: ubuntu-latest
    if: github.ref_name == 'slow'
    steps:
      - run: while true; do sleep 0.05; done
      - if: always()
        run: echo "cleaned up"
"""


class Operated:
    """A server with a run that failed, until `gate` is there."""

    def __init__(self, server: ServedProcess, folder: Path, branch: str = "main", *, workflow: str = WORKFLOW) -> None:
        self.server = server
        self.gate = folder / "gate"
        self.token = make_person(server.folder, "ada", is_administrator=True)
        checkout = Checkout(folder / "work", f"{server.url}/acme/shop.git", "ada", self.token)
        checkout.commit({".github/workflows/ci.yml": workflow.replace("{gate}", str(self.gate))})
        checkout.push(f"main:{branch}")
        self.run = wait_until(self.find).id

    @contextmanager
    def history(self) -> Iterator[TableHistory]:
        database = Database(f"sqlite:///{self.server.folder / 'homeport.db'}")
        try:
            yield TableHistory(database)
        finally:
            database.close()

    def find(self) -> HistoryRun | None:
        with self.history() as history:
            return next(iter(history.find(RunFilter()).runs), None)

    def await_end(self, attempt: int = 1) -> HistoryRun:
        def look() -> HistoryRun | None:
            found = self.find()
            is_over = found is not None and found.entry.attempt == attempt and found.entry.status == "completed"
            return found if is_over else None

        found: HistoryRun = wait_until(look)
        return found

    def post(self, action: str, token: str | None = None, **fields: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.token}"}
        address = f"{self.server.url}/acme/shop/actions/runs/{self.run}/{action}"
        return httpx.post(address, data=fields, headers=headers)

    def jobs(self, attempt: int) -> dict[str, Any]:
        with self.history() as history:
            return {job.entry.key: job.entry for job in history.jobs(self.run, attempt)}

    def said(self, attempt: int, key: str) -> str:
        number = self.jobs(attempt)[key].id
        address = f"{self.server.url}/acme/shop/actions/runs/{self.run}/job/{number}/log.txt"
        return httpx.get(address, headers={"authorization": f"Bearer {self.token}"}).text


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data") as process:
        yield process


def test_what_failed_runs_again_and_what_went_well_is_kept(server: ServedProcess, tmp_path: Path) -> None:
    operated = Operated(server, tmp_path)
    assert operated.await_end().entry.conclusion == "failure"
    operated.gate.touch()
    answer = operated.post("rerun", what="failed")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/acme/shop/actions/runs/{operated.run}?done=rerun",
    )
    run = operated.await_end(2)
    assert (run.entry.conclusion, run.entry.triggering_actor.login) == ("success", "ada")
    first, second = operated.jobs(1), operated.jobs(2)
    assert (second["good"].attempt, second["bad"].attempt) == (1, 2)
    assert first["good"].id != second["good"].id
    assert "attempt 1 by ada" in operated.said(2, "good")
    assert operated.post("rerun", what="failed").status_code == 403


def test_debug_logging_is_of_one_attempt(server: ServedProcess, tmp_path: Path) -> None:
    operated = Operated(server, tmp_path)
    operated.await_end()
    assert "whispered\n" not in operated.said(1, "good").replace('echo "::debug::whispered"', "")
    assert operated.post("rerun", what="all", debug="1").status_code == 303
    operated.await_end(2)
    assert "##[debug]whispered" in operated.said(2, "good")
    assert operated.post("rerun", what="job", job="good").status_code == 303
    operated.await_end(3)
    assert "##[debug]" not in operated.said(3, "good")
    assert set(operated.jobs(3)) == {"good", "bad", "slow"}


def test_a_run_that_goes_on_is_not_run_again_but_can_be_cancelled(server: ServedProcess, tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    operated = Operated(server, tmp_path, "slow")
    wait_until(lambda: operated.jobs(1).get("slow") and operated.jobs(1)["slow"].status == "in_progress")
    wait_until(lambda: operated.jobs(1)["slow"].steps)
    assert operated.post("rerun", what="all").status_code == 403
    assert operated.post("delete").status_code == 403
    assert operated.post("cancel").status_code == 303
    assert operated.await_end().entry.conclusion == "cancelled"
    assert "cleaned up" in operated.said(1, "slow")
    assert operated.post("cancel").status_code == 409


LEGS = """\
name: CI
on: push
jobs:
  legs:
    strategy:
      fail-fast: false
      matrix:
        leg: [quick, slow]
    runs-on: ubuntu-latest
    steps:
      - run: |
          [ "${{ matrix.leg }}" = slow ] || test -e {gate}
          until [ "${{ matrix.leg }}" = quick ] || [ -e {gate}-over ]; do sleep 0.05; done
      - run: echo "leg ${{ matrix.leg }}, attempt ${{ github.run_attempt }}" > said
      - uses: actions/upload-artifact@v4
        with: {name: "said-${{ matrix.leg }}", path: said}
"""


def await_failed_leg(operated: Operated) -> str:
    """While its sibling still runs."""
    key = "legs (quick)"
    wait_until(lambda: (job := operated.jobs(1).get(key)) and job.conclusion == "failure")
    wait_until(lambda: operated.jobs(1)["legs (slow)"].status == "in_progress")
    return key


def test_a_leg_is_asked_for_again_while_its_sibling_runs_and_begins_after_it(
    server: ServedProcess, tmp_path: Path
) -> None:
    operated = Operated(server, tmp_path, workflow=LEGS)
    key = await_failed_leg(operated)
    headers = {"authorization": f"Bearer {operated.token}"}
    page = f"{server.url}/acme/shop/actions/runs/{operated.run}"
    api = f"{server.url}/api/v3/repos/acme/shop/actions/runs/{operated.run}"
    assert "Re-run failed jobs" in httpx.get(page, headers=headers).text
    assert httpx.post(f"{api}/rerun-failed-jobs", headers=headers).status_code == 403  # as on GitHub
    assert operated.post("rerun", what="job", job="legs (slow)").status_code == 403
    for _ in range(2):
        asked = operated.post("rerun", what="job", job=key)
        assert asked.headers["location"] == f"/acme/shop/actions/runs/{operated.run}"
    assert operated.post("rerun", what="failed").status_code == 409
    assert "a new attempt begins as soon as" in httpx.get(page, headers=headers).text
    server.kill()
    operated.gate.touch()
    operated.gate.with_name("gate-over").touch()
    server.start()
    assert operated.await_end(2).entry.conclusion == "success"
    first, second = operated.jobs(1), operated.jobs(2)
    assert {name: (job.attempt, job.conclusion) for name, job in first.items()} == {
        key: (1, "failure"),
        "legs (slow)": (1, "success"),
    }
    assert {name: job.attempt for name, job in second.items()} == {key: 2, "legs (slow)": 1}
    artifacts = httpx.get(f"{api}/artifacts", headers=headers).json()["artifacts"]
    assert sorted(artifact["name"] for artifact in artifacts) == ["said-quick", "said-slow"]
    assert "a new attempt begins as soon as" not in httpx.get(f"{page}/attempts/1", headers=headers).text


def test_what_is_cancelled_is_not_begun_again_and_says_so(server: ServedProcess, tmp_path: Path) -> None:
    operated = Operated(server, tmp_path, workflow=LEGS)
    await_failed_leg(operated)
    assert operated.post("rerun", what="failed").headers["location"].endswith(f"/runs/{operated.run}")
    assert operated.post("cancel").status_code == 303
    operated.await_end()
    page = f"{server.url}/acme/shop/actions/runs/{operated.run}"
    headers = {"authorization": f"Bearer {operated.token}"}
    wait_until(lambda: "did not begin: the run was cancelled" in httpx.get(page, headers=headers).text)
    operated.gate.touch()
    operated.gate.with_name("gate-over").touch()
    assert operated.post("rerun", what="failed").headers["location"].endswith("done=rerun")
    assert operated.await_end(2).entry.conclusion == "success"


def test_a_deleted_run_leaves_nothing(server: ServedProcess, tmp_path: Path) -> None:
    operated = Operated(server, tmp_path)
    operated.await_end()
    logs = server.folder / "logs" / operated.run
    assert logs.is_dir()
    assert operated.post("logs/delete").status_code == 303
    assert not logs.exists()
    number = operated.jobs(1)["good"].id
    address = f"{server.url}/acme/shop/actions/runs/{operated.run}/job/{number}/log.txt"
    assert httpx.get(address, headers={"authorization": f"Bearer {operated.token}"}).status_code == 410
    assert operated.post("delete").status_code == 303
    assert operated.find() is None
    assert operated.post("delete").status_code == 404
    assert operated.jobs(1) == {}


def test_a_run_is_pinned_until_it_is_not(server: ServedProcess, tmp_path: Path) -> None:
    operated = Operated(server, tmp_path)
    operated.post("pin", pin="1")
    run = operated.find()
    assert run is not None
    assert run.is_pinned
    operated.post("pin", pin="")
    run = operated.find()
    assert run is not None
    assert not run.is_pinned


def test_only_writers_do_things_to_runs(server: ServedProcess, tmp_path: Path) -> None:
    operated = Operated(server, tmp_path)
    operated.await_end()
    reader = make_person(server.folder, "eve", roles={"acme/shop": "reader"})
    stranger = make_person(server.folder, "mallory")
    for what in ("rerun", "cancel", "pin", "delete", "logs/delete"):
        assert operated.post(what, reader).status_code == 403
        assert operated.post(what, stranger).status_code == 404
    run = operated.find()
    assert run is not None
    assert (run.entry.attempt, run.has_logs) == (1, True)

"""What jobs say on a real server: whole, once, at any line, live, searchable; and only for those who may read it."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeport.ports.history import HistoryJob, HistoryRun, RunFilter
from homeport.store.tables.audit import AUDIT
from homeport.store.tables.database import Database
from homeport.store.tables.history import TableHistory
from tests.support.pushing import Checkout, make_person
from tests.support.records import records
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
name: CI
on: push
jobs:
  talk:
    name: Talk / a lot
    runs-on: ubuntu-latest
    steps:
      - run: seq -f 'early %g' 1 2000
        name: Count
      - run: |
          until [ -e {gate} ]; do sleep 0.05; done
          seq -f 'late %g' 1 3000
          echo "a needle in the hay"
"""
EXPECTED = [*(f"early {n}" for n in range(1, 2001)), *(f"late {n}" for n in range(1, 3001))]


class Talking:
    """A server with a run that says something, waits for `gate`, and says more."""

    def __init__(self, server: ServedProcess, folder: Path) -> None:
        self.server = server
        self.gate = folder / "gate"
        self.token = make_person(server.folder, "ada", is_administrator=True)
        checkout = Checkout(folder / "work", f"{server.url}/acme/shop.git", "ada", self.token)
        checkout.commit({".github/workflows/ci.yml": WORKFLOW.replace("{gate}", str(self.gate))})
        checkout.push()
        self.run = wait_until(self._find_run)
        self.job = wait_until(lambda: next(iter(self.jobs()), None))

    def history(self) -> TableHistory:
        return TableHistory(self._database)

    def _find_run(self) -> HistoryRun | None:
        self._database = Database(f"sqlite:///{self.server.folder / 'homeport.db'}")
        try:
            return next(iter(self.history().find(RunFilter()).runs), None)
        finally:
            self._database.close()

    def jobs(self) -> list[HistoryJob]:
        self._database = Database(f"sqlite:///{self.server.folder / 'homeport.db'}")
        try:
            return list(self.history().jobs(self.run.id, 1))
        finally:
            self._database.close()

    @property
    def above(self) -> str:
        return f"{self.server.url}/acme/shop/actions/runs/{self.run.id}"

    @property
    def log(self) -> str:
        return f"{self.above}/job/{self.job.entry.id}/log"

    def get(self, address: str, **query: Any) -> httpx.Response:
        return httpx.get(address, params=query, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def total(self) -> int:
        return int(self.get(self.log, count=1).json()["total"])

    def await_end(self) -> None:
        self.gate.touch()
        wait_until(lambda: self.get(self.log, count=0).json()["is_complete"])

    def events(self, address: str, last: str = "") -> Iterator[tuple[str, str, Any]]:
        """Id, name and data of each event of a stream."""
        headers = {**self.headers, **({"last-event-id": last} if last else {})}
        with httpx.stream("GET", address, headers=headers, timeout=60) as response:
            assert response.status_code == 200, response.read()
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "event" in fields:
                    yield fields.get("id", ""), fields["event"], json.loads(fields["data"])
                    fields = {}


@pytest.fixture
def talking(tmp_path: Path) -> Iterator[Talking]:
    with served(tmp_path / "data") as server:
        yield Talking(server, tmp_path)


def said(lines: list[Any]) -> list[str]:
    return [text for _, _, text in lines if text.startswith(("early ", "late "))]


def test_a_stream_follows_a_job_to_its_end_and_goes_on_where_a_client_left(talking: Talking) -> None:
    received: list[Any] = []
    last = ""
    for number, name, data in talking.events(talking.log + "/stream?from=1"):
        assert name == "lines"
        assert data["from"] == len(received) + 1
        received += data["lines"]
        last = number
        if len(said(received)) >= 2000:
            break  # a client that goes away
    assert last == str(len(received))
    talking.gate.touch()
    names = []
    for _, name, data in talking.events(talking.log + "/stream?from=1", last=last):
        names.append(name)
        received += data.get("lines", [])
    assert names[-1] == "end"
    assert said(received) == EXPECTED
    steps = [step for _, step, text in received if text.startswith(("early ", "late "))]
    assert steps == [1] * 2000 + [2] * 3000


def test_a_run_says_that_something_has_changed_until_its_end(talking: Talking) -> None:
    events = talking.events(talking.above + "/stream")
    assert next(events)[1] == "changed"
    talking.gate.touch()
    names = [name for _, name, _ in events]
    assert names[-1] == "end"
    assert set(names[:-1]) == {"changed"}


def test_any_lines_can_be_read_and_found_without_the_others(talking: Talking) -> None:
    talking.await_end()
    total = talking.total()
    first = talking.get(talking.log, **{"from": 1, "count": 5000}).json()
    rest = talking.get(talking.log, **{"from": len(first["lines"]) + 1, "count": 5000}).json()
    assert len(first["lines"]) == 5000
    assert said(first["lines"] + rest["lines"]) == EXPECTED
    assert len(first["lines"] + rest["lines"]) == total
    assert talking.get(talking.log, **{"from": total + 5}).json()["lines"] == []
    assert talking.get(talking.log, **{"from": "x"}).status_code == 400
    found = talking.get(talking.log + "/search", q="A NEEDLE in").json()
    (line, *_) = found["lines"]
    assert not found["is_more"]
    assert "a needle" in talking.get(talking.log, **{"from": line, "count": 1}).json()["lines"][0][2]
    outline = talking.get(talking.log + "/outline").json()
    assert outline["total"] == total
    assert sum(count for _, _, count in outline["steps"]) == total
    (group, end), *_ = outline["groups"]
    texts = [text for _, _, text in first["lines"]]
    assert texts[group - 1].startswith("##[group]")
    assert texts[end - 1].startswith("##[endgroup]")


def test_logs_can_be_had_as_text_and_as_githubs_zip(talking: Talking) -> None:
    talking.await_end()
    text = talking.get(talking.log + ".txt")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert [line[29:] for line in text.text.splitlines() if line[29:].startswith(("early ", "late "))] == EXPECTED
    packed = talking.get(talking.above + "/logs.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        whole = archive.read("0_Talk  a lot.txt").decode()
        count = archive.read("Talk  a lot/1_Count.txt").decode()
    assert whole == text.text
    assert count in whole
    assert len([name for name in names if "/" in name]) >= 2


def test_a_text_is_found_in_all_runs_of_a_repository(talking: Talking) -> None:
    talking.await_end()
    found = talking.get(f"{talking.server.url}/acme/shop/actions/logs/search", q="needle in the").json()
    assert found["cursor"] is None
    assert {(each["run"], each["job"]) for each in found["found"]} == {(int(talking.run.id), talking.job.entry.id)}
    in_run = talking.get(f"{talking.above}/log/search", q="needle in the").json()
    assert in_run["found"] == found["found"]
    assert talking.get(f"{talking.above}/log/search", q="  ").status_code == 400


def test_a_log_is_whole_after_the_server_was_killed_while_it_was_written(talking: Talking) -> None:
    wait_until(lambda: talking.total() > 1000)
    talking.server.kill()
    talking.server.start()
    talking.gate.touch()
    wait_until(lambda: talking.total() > 2200)
    talking.server.kill()
    talking.server.start()
    talking.await_end()
    lines: list[Any] = []
    while more := talking.get(talking.log, **{"from": len(lines) + 1, "count": 5000}).json()["lines"]:
        lines += more
    assert said(lines) == EXPECTED


def test_who_may_not_see_a_repository_learns_nothing_of_its_logs(talking: Talking) -> None:
    stranger = make_person(talking.server.folder, "eve")
    for address in (
        talking.log,
        talking.log + "/outline",
        talking.log + "/search?q=x",
        talking.log + "/stream",
        talking.log + ".txt",
        talking.above + "/stream",
        talking.above + "/logs.zip",
        f"{talking.server.url}/acme/shop/actions/logs/search?q=x",
    ):
        assert httpx.get(address, headers={"authorization": f"Bearer {stranger}"}).status_code == 404
        assert httpx.get(address).status_code in (401, 303, 302)
    # badges and git have rules of their own for who is nobody
    for end in ("/badge/acme/shop/ci.svg", "/acme/shop.git/info/refs?service=git-upload-pack"):
        answer = httpx.get(talking.server.url + end, headers={"authorization": f"Bearer {stranger}"})
        assert answer.status_code == 404
    assert talking.get(talking.log.replace("/shop/", "/other/")).status_code == 404
    assert talking.get(f"{talking.above}/job/123456/log").status_code == 404
    # the answers do not tell that there is something; the audit log does
    refused = wait_until(lambda: found if len(found := _find_refused(talking.server, "eve")) >= 10 else None)
    assert set(refused) == {"acme/shop"}


def _find_refused(server: ServedProcess, who: str) -> list[str]:
    """What somebody was kept from."""
    with records(server) as kept, kept.database.read() as connection:
        rows = connection.execute(AUDIT.select().where(AUDIT.c.result == "refused", AUDIT.c.who == who)).all()
    return [row.target for row in rows]

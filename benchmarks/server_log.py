"""A job's log on a real server: 200,000 lines stored and readable after the last one was printed, and 200 people who follow one log:
how long a line takes to the first of them, and how far the others are behind.

The moment at which a line was printed is in the line itself: the job and those who look on share this machine's clock.
"""

import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, served, wait_until

from benchmarks.harness import Row, memory_rows
from homeport.ports.history import HistoryJob, RunFilter
from homeport.store.tables.database import Database
from homeport.store.tables.history import TableHistory

LINES = 200_000
VIEWERS = 200
TICKS = 100
PAGE_SECONDS = 0.5
BEHIND_SECONDS = 0.030
LATE_SECONDS = 0.1
_PRINTED = re.compile(rb"printed:(\d+\.\d+)")
WORKFLOW = f"""\
on: push
jobs:
  many:
    runs-on: ubuntu-latest
    if: github.ref_name == 'many'
    steps:
      - run: |
          seq -f 'line %g of a log that is as long as those of real builds, more or less' 1 {LINES}
          date +printed:%s.%N
  ticks:
    runs-on: ubuntu-latest
    if: github.ref_name == 'ticks'
    steps:
      - run: |
          until [ -e $GATE ]; do sleep 0.05; done
          for n in $(seq {TICKS}); do date +printed:%s.%N; sleep 0.1; done
        env:
          GATE: GATE_PATH
"""


def rows() -> Iterator[Row]:
    """Both."""
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as name:
        folder = Path(name)
        gate = folder / "gate"
        with served(folder / "data") as server:
            token = make_person(server.folder, "ada", is_administrator=True)
            checkout = Checkout(folder / "work", f"{server.url}/acme/shop.git", "ada", token)
            checkout.commit({".github/workflows/ci.yml": WORKFLOW.replace("GATE_PATH", str(gate))})
            seconds = statistics.median(measure_many(server, checkout, token, number) for number in range(3))
            claim = f"{LINES:,} lines stored and on the page after the last was printed"
            yield Row(claim, f"{seconds:.2f} s", f"bar {PAGE_SECONDS} s", seconds / PAGE_SECONDS, 1)
            checkout.push("main:ticks")
            job = await_job(server, "ticks", "in_progress")
            behind, late = asyncio.run(follow(server, token, job, gate))
            claim = f"a line that was printed, on the page of the first viewer, p99 (median {statistics.median(late) * 1000:.0f} ms)"
            p99 = statistics.quantiles(late, n=100)[98]
            yield Row(claim, f"{p99 * 1000:.0f} ms", f"bar {LATE_SECONDS * 1000:.0f} ms", p99 / LATE_SECONDS, 1)
            yield from memory_rows(f"{LINES:,} lines, and {VIEWERS} viewers", server.pid)
    p50, p99 = statistics.median(behind), statistics.quantiles(behind, n=100)[98]
    claim = f"{VIEWERS} viewers of one live log behind the server, p99 (median {p50 * 1000:.0f} ms)"
    yield Row(claim, f"{p99 * 1000:.0f} ms", f"bar {BEHIND_SECONDS * 1000:.0f} ms", p99 / BEHIND_SECONDS, 1)


def measure_many(server: ServedProcess, checkout: Checkout, token: str, number: int) -> float:
    """From the moment that the job's last line names to the moment at which it can be read."""
    checkout.commit({"number": str(number)})
    checkout.push("main:many")
    job = await_job(server, "many", "in_progress", after=number)
    address = _log_of(server, job)
    with httpx.Client(headers={"authorization": f"Bearer {token}"}) as client:
        while True:
            total = client.get(address, params={"count": 0}).json()["total"]
            lines = client.get(address, params={"from": max(total - 5, 1)}).json()["lines"]
            now = time.time()
            printed = [text for _, _, text in lines if text.startswith("printed:")]
            if printed and total > LINES:
                return now - float(printed[0].removeprefix("printed:"))
            time.sleep(0.01)


class _Viewer(asyncio.Protocol):
    """Notes when each line came; next to no cost of its own, so that it is the server that is measured."""

    def __init__(self, request: bytes) -> None:
        self.seen: dict[bytes, float] = {}
        self.has_begun = asyncio.Event()
        self.has_ended = asyncio.Event()
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.has_begun.set()
        for moment in _PRINTED.findall(data):
            self.seen.setdefault(moment, now)
        if b"event: end" in data:
            self.has_ended.set()


async def follow(server: ServedProcess, token: str, job: HistoryJob, gate: Path) -> tuple[list[float], list[float]]:
    """For every line and viewer: the seconds behind the one who had it first; and for every line, how long that one waited."""
    path = urlsplit(_log_of(server, job)).path + "/stream?from=1"
    request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    viewers = [
        (await loop.create_connection(lambda: _Viewer(request), "127.0.0.1", server.port))[1] for _ in range(VIEWERS)
    ]
    await asyncio.gather(*(viewer.has_begun.wait() for viewer in viewers))
    gate.touch()
    await asyncio.gather(*(viewer.has_ended.wait() for viewer in viewers))
    moments = list(viewers[0].seen)
    assert len(moments) == TICKS, f"{len(moments)} lines came"
    first = {moment: min(each.seen[moment] for each in viewers) for moment in moments}
    behind = [each.seen[moment] - first[moment] for each in viewers for moment in moments]
    return behind, [first[moment] - float(moment) for moment in moments]


def await_job(server: ServedProcess, key: str, status: str, *, after: int = 0) -> HistoryJob:
    database = Database(f"sqlite:///{server.folder / 'homeport.db'}")
    try:
        history = TableHistory(database)

        def look() -> HistoryJob | None:
            runs = history.find(RunFilter(branch=key)).runs
            jobs = history.jobs(runs[0].id, 1) if len(runs) > after else ()
            return next((job for job in jobs if job.entry.key == key and job.entry.status == status), None)

        found: HistoryJob = wait_until(look)
        return found
    finally:
        database.close()


def _log_of(server: ServedProcess, job: HistoryJob) -> str:
    return f"{server.url}/acme/shop/actions/runs/{job.run}/job/{job.entry.id}/log"


if __name__ == "__main__":
    for row in rows():
        print(row.markdown(), flush=True)

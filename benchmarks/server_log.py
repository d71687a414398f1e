"""A job's log on a real server: 200,000 lines stored and readable after the last one was printed, and 200 people who follow one log.

The moment at which a line was printed is in the line itself: the job and those who look on share this machine's clock.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, served, wait_until

from benchmarks.harness import Row
from homeport.ports.history import HistoryJob, RunFilter
from homeport.store.tables.database import Database
from homeport.store.tables.history import TableHistory

LINES = 200_000
VIEWERS = 200
TICKS = 100
PAGE_SECONDS = 0.5
BEHIND_SECONDS = 0.030
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
            seconds = statistics.median(_measure_many(server, checkout, token, number) for number in range(3))
            claim = f"{LINES:,} lines stored and on the page after the last was printed"
            yield Row(claim, f"{seconds:.2f} s", f"bar {PAGE_SECONDS} s", seconds / PAGE_SECONDS, 1)
            checkout.push("main:ticks")
            job = _await_job(server, "ticks", "in_progress")
            behind = asyncio.run(_follow(server, token, job, gate))
    p50, p99 = statistics.median(behind), statistics.quantiles(behind, n=100)[98]
    claim = f"{VIEWERS} viewers of one live log behind the server, p99 (median {p50 * 1000:.0f} ms)"
    yield Row(claim, f"{p99 * 1000:.0f} ms", f"bar {BEHIND_SECONDS * 1000:.0f} ms", p99 / BEHIND_SECONDS, 1)


def _measure_many(server: ServedProcess, checkout: Checkout, token: str, number: int) -> float:
    """From the moment that the job's last line names to the moment at which it can be read."""
    checkout.commit({"number": str(number)})
    checkout.push("main:many")
    job = _await_job(server, "many", "in_progress", after=number)
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


async def _follow(server: ServedProcess, token: str, job: HistoryJob, gate: Path) -> list[float]:
    """For every line and viewer: the seconds behind the one who had it first."""
    address = _log_of(server, job) + "/stream?from=1"
    seen: list[dict[str, float]] = [{} for _ in range(VIEWERS)]
    ready = asyncio.Semaphore(0)

    async def look(number: int) -> None:
        async with client.stream("GET", address) as response:
            ready.release()
            async for line in response.aiter_lines():
                if line.startswith("data: ") and "printed:" in line:
                    now = time.time()
                    for part in line.split("printed:")[1:]:
                        seen[number].setdefault(part.partition('"')[0], now)
                elif line == "event: end":
                    return

    limits = httpx.Limits(max_connections=VIEWERS)
    async with httpx.AsyncClient(
        headers={"authorization": f"Bearer {token}"}, limits=limits, timeout=httpx.Timeout(120)
    ) as client:
        viewers = [asyncio.create_task(look(number)) for number in range(VIEWERS)]
        for _ in range(VIEWERS):
            await ready.acquire()
        gate.touch()
        await asyncio.gather(*viewers)
    moments = [moment for moment in seen[0] if moment[0].isdigit()]
    assert len(moments) == TICKS, f"{len(moments)} lines came"
    first = {moment: min(each[moment] for each in seen) for moment in moments}
    return [each[moment] - first[moment] for each in seen for moment in moments]


def _await_job(server: ServedProcess, key: str, status: str, *, after: int = 0) -> HistoryJob:
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

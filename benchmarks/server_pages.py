"""What the two largest pages cost the server: a run with 256 jobs, and the list over 100,000 runs (bar: 50 ms each, rendered).

Asked one after the other over one connection, so that the time is the server's own and the network's of this machine.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from tests.support.pushed import PushedRepository
from tests.support.serve import ServedProcess, served

from benchmarks.harness import Row
from benchmarks.server_history import REPOSITORIES, RUNS, fill
from homeport.ports.directory import HostedRepository
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory

JOBS = 256
BAR_SECONDS = 0.05
_REPEATS = 15
WORKFLOW = """\
on: push
jobs:
  legs:
    strategy:
      matrix:
        one: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
        other: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    runs-on: ubuntu-latest
    steps:
      - run: "true"
"""


def rows() -> Iterator[Row]:
    """Both, with one server."""
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as name, served(Path(name, "data")) as server:
        fill_server(server)
        pushed = PushedRepository(server, Path(name), "acme/shop")
        run = pushed.push({}, WORKFLOW)
        pushed.await_conclusion(run)
        with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {pushed.token}"}) as client:
            yield _measure(client, f"page of a run with {JOBS} jobs", f"/acme/shop/actions/runs/{run}", f"{JOBS - 1}")
            yield _measure(client, f"page of the list over {RUNS:,} runs", "/runs", "Change number")


def fill_server(server: ServedProcess) -> None:
    """A long history of repositories, before anything else has got their numbers."""
    database = Database(f"sqlite:///{server.folder / 'homeport.db'}")
    try:
        directory = TableDirectory(database)
        for number in range(1, REPOSITORIES + 1):
            directory.add(HostedRepository(id=0, owner="acme", name=f"r{number}"))
        fill(database)
        database.write(
            lambda connection: connection.exec_driver_sql(
                f"INSERT INTO counters (scope, name, value) VALUES ('run', '', {RUNS})"
            )
        )
    finally:
        database.close()


def _measure(client: httpx.Client, claim: str, path: str, shown: str) -> Row:
    taken: list[float] = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        answer = client.get(path, headers={"accept": "text/html"})
        taken.append(time.perf_counter() - begin)
        if answer.status_code != 200 or shown not in answer.text:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:500]}")
    seconds = statistics.median(taken[1:])
    claim = f"{claim} (the first time {taken[0] * 1000:.0f} ms)"
    return Row(claim, f"{seconds * 1000:.0f} ms", f"bar {BAR_SECONDS * 1000:.0f} ms", seconds / BAR_SECONDS, 1)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown(), flush=True)

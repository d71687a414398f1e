"""The memory of a server that has all of the other benchmarks' loads at once (bar: 200 MiB at its highest, 120 MiB before).

Over 100,000 runs that were before: deliveries at a steady rate, 100 runs queued at once, a log of 200,000 lines, 200 people who follow
another one, and somebody who asks for the largest pages again and again, until all of the others are through.
"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from tests.support.pushed import PushedRepository
from tests.support.pushing import Checkout
from tests.support.serve import ServedProcess, served, wait_until

from benchmarks import server_log, server_pages, server_runs
from benchmarks.buildbot import SECRET
from benchmarks.harness import Row, memory_rows, resident_mib
from benchmarks.load import Target, send_all
from benchmarks.server_deliveries import STEADY, make_requests, prepare_forge
from homeport.ports.history import RunFilter
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from homeport.store.tables.history import TableHistory

LONGEST_SECONDS = 900.0
"""A bound for something that hangs, not an expectation"""


def rows() -> Iterator[Row]:
    """One server, one highest moment."""
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as name:
        folder = Path(name)
        with served(folder / "data") as server:
            prepare_forge(DataFolder(str(server.folder)))
            server_pages.fill_server(server)
            server.restart()
            time.sleep(2)  # what a start leaves to be done is done
            idle = resident_mib(server.pid)
            taken, asked = _load(server, folder)
            claim = f"all loads at once: {taken:,} deliveries, 100 runs, a long log, {server_log.VIEWERS} viewers, {asked:,} pages"
            yield from memory_rows(claim, server.pid, idle)


def _load(server: ServedProcess, folder: Path) -> tuple[int, int]:
    """Everything; gives how many deliveries were taken in and how many pages were shown meanwhile."""
    pages = PushedRepository(server, folder / "pages", "acme/pages")
    large = pages.push({}, server_pages.WORKFLOW)
    pages.await_conclusion(large)
    gate = folder / "gate"
    logs = Checkout(folder / "logs", f"{server.url}/acme/shop.git", "ada", pages.token)
    logs.commit({".github/workflows/ci.yml": server_log.WORKFLOW.replace("GATE_PATH", str(gate))})
    queue = Checkout(folder / "queue", f"{server.url}/acme/queue.git", "ada", pages.token)
    queue.commit({".github/workflows/ci.yml": server_runs.WORKFLOW.format(command='"true"')})
    branches = server_runs.make_branches(queue, 0)
    logs.push("main:ticks")
    followed = server_log.await_job(server, "ticks", "in_progress")
    is_over = threading.Event()
    with ThreadPoolExecutor() as threads:
        taken = threads.submit(_deliver, server, is_over)
        asked = threads.submit(_ask, server, pages.token, large, is_over)
        works = (
            threads.submit(lambda: asyncio.run(server_log.follow(server, pages.token, followed, gate))),
            threads.submit(server_log.measure_many, server, logs, pages.token, 0),
            threads.submit(_queue_runs, server, queue, branches),
        )
        try:
            for work in works:
                work.result()
        finally:
            is_over.set()
        return taken.result(), asked.result()


def _deliver(server: ServedProcess, is_over: threading.Event) -> int:
    """As many a second as are to be taken in, or as can be."""
    target = Target("127.0.0.1", server.port, "/webhooks/github", SECRET)
    number = 0
    while not is_over.is_set():
        send_all(target, make_requests(target, number, STEADY), rate=STEADY)
        number += 1
    return number * STEADY


def _ask(server: ServedProcess, token: str, run: int, is_over: threading.Event) -> int:
    """The largest pages, one after the other."""
    shown = 0
    headers = {"authorization": f"Bearer {token}", "accept": "text/html"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        while not is_over.is_set():
            for path in (f"/acme/pages/actions/runs/{run}", "/runs", "/runs?q=nowhere", "/"):
                client.get(path).raise_for_status()
                shown += 1
    return shown


def _queue_runs(server: ServedProcess, checkout: Checkout, branches: list[str]) -> None:
    database = Database(f"sqlite:///{server.folder / 'homeport.db'}")
    try:
        history = TableHistory(database)
        checkout.push(*branches)
        ended = RunFilter(actor="ada", event="push", states=("success",))
        wait_until(lambda: len(history.page(ended, offset=0, limit=len(branches) + 1)) > len(branches), LONGEST_SECONDS)
    finally:
        database.close()


if __name__ == "__main__":
    for row in rows():
        print(row.markdown(), flush=True)

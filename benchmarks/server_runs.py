"""How fast a server gets through 100 trivial runs that are queued at once, beside Buildbot with as many builds (bar: eight times its rate),
how soon after a delivery a job's first command prints (bar: 250 ms), and how much memory all of that takes.

Both sides do the same: one shell command, no checkout. Buildbot's builds come from 100 deliveries, Homeport's runs from one push of 100
branches, each with a commit of its own.
"""

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from tests.support.git_folders import commit, init
from tests.support.git_http import git_server
from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, served, wait_until

from benchmarks.buildbot import SECRET, count_finished, running_buildbot
from benchmarks.harness import Row, memory_rows, resident_mib
from benchmarks.load import Target, push_payload, request_of, send_all
from homeport.cli.server_access import open_vault
from homeport.ports.directory import HostedRepository
from homeport.server.hooks import SERVER_SECRET
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.history_schema import HISTORY_RUNS

ROUNDS = int(os.environ.get("BENCH_RUNS", "3"))
AT_ONCE = 100
TIMES = 8
DELIVERIES = 100
FIRST_LINE_SECONDS = 0.25
FORGE = "octo/one"
WORKFLOW = """\
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: {command}
"""


def rows() -> Iterator[Row]:
    """All of it, with one server."""
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as name:
        folder = Path(name)
        with (
            git_server(folder / "hosting") as hosting,
            served(folder / "data", "--internal-forge", "127.0.0.1") as server,
        ):
            time.sleep(2)  # what a start leaves to be done is done
            idle = resident_mib(server.pid)
            yield from _compare_rates(server, folder)
            yield _measure_first_lines(server, folder, f"{hosting.address}/{FORGE}.git")
            yield from memory_rows("100 runs queued at once, and 100 deliveries", server.pid, idle)


# --- runs queued at once -------------------------------------------------------------------------------------------------


def _compare_rates(server: ServedProcess, folder: Path) -> Iterator[Row]:
    token = make_person(server.folder, "ada", is_administrator=True)
    checkout = Checkout(folder / "work", f"{server.url}/acme/shop.git", "ada", token)
    checkout.commit({".github/workflows/ci.yml": WORKFLOW.format(command='"true"')})
    database = Database(f"sqlite:///{server.folder / 'homeport.db'}")
    own: list[float] = []
    peer: list[float] = []
    try:
        _time_own(checkout, database, ["main"])
        with running_buildbot(server.port + 1 if server.port < 65000 else server.port - 1) as other:
            _time_peer(other, "warm", 1)
            for number in range(ROUNDS):
                own.append(_time_own(checkout, database, make_branches(checkout, number)))
                peer.append(_time_peer(other, str(number), AT_ONCE))
    finally:
        database.close()
    rate, peer_rate = (60 * AT_ONCE / statistics.median(seconds) for seconds in (own, peer))
    claim = f"{AT_ONCE} trivial runs queued at once ({TIMES} times Buildbot's rate is 1)"
    yield Row(claim, f"{rate:,.0f}/min", f"Buildbot {peer_rate:,.0f}/min", TIMES * peer_rate / rate, 1)


def make_branches(checkout: Checkout, number: int) -> list[str]:
    """Each with a commit of its own; made in one go, outside of the measurement."""
    names = [f"branch-{number}-{index}" for index in range(AT_ONCE)]
    tree = checkout.git("rev-parse", "main^{tree}").strip()
    for name in names:
        sha = checkout.git("commit-tree", "-p", "main", "-m", name, tree).strip()
        checkout.git("branch", name, sha)
    return names


def _time_own(checkout: Checkout, database: Database, branches: list[str]) -> float:
    """From the push to the end of the last run."""
    query = select(func.count()).select_from(HISTORY_RUNS).where(HISTORY_RUNS.c.status == "completed")

    def count() -> int:
        with database.read() as connection:
            return int(connection.execute(query).scalar_one())

    expected = count() + len(branches)
    started = time.perf_counter()
    checkout.push(*branches)
    wait_until(lambda: count() >= expected)
    return time.perf_counter() - started


def _time_peer(target: Target, name: str, count: int) -> float:
    """From the first delivery to the end of the last build."""
    expected = count_finished(target) + count
    requests = []
    for index in range(count):
        sha = hashlib.sha1(f"{name} {index}".encode()).hexdigest()
        body = push_payload("octo/one", sha, index, ref=f"refs/heads/{name}-{index}")
        requests.append(request_of(target, body, f"{name}-{index}"))
    started = time.perf_counter()
    send_all(target, requests, connections=8)
    while count_finished(target) < expected:
        time.sleep(0.1)
    return time.perf_counter() - started


# --- from a delivery to the first line -----------------------------------------------------------------------------------


def _measure_first_lines(server: ServedProcess, folder: Path, clone_url: str) -> Row:
    """One delivery after the other, each of a new commit that is to be fetched from the forge (git over HTTP on this machine)."""
    moments = folder / "moments"
    hosted = init(folder / "hosting" / FORGE)
    (hosted / ".github" / "workflows").mkdir(parents=True)
    command = f"date +%s.%N > {moments}-$GITHUB_SHA.new && mv {moments}-$GITHUB_SHA.new {moments}-$GITHUB_SHA"
    (hosted / ".github" / "workflows" / "ci.yml").write_text(WORKFLOW.format(command=command))
    _add_forge_repository(DataFolder(str(server.folder)), clone_url)
    target = Target("127.0.0.1", server.port, "/webhooks/github", SECRET)
    taken = [_time_delivery(target, hosted, moments, number) for number in range(DELIVERIES + 3)][3:]
    p99 = statistics.quantiles(taken, n=100)[98]
    claim = f"delivery → first line of the job, fetched from the forge, p99 (median {statistics.median(taken) * 1000:.0f} ms)"
    return Row(claim, f"{p99 * 1000:.0f} ms", f"bar {FIRST_LINE_SECONDS * 1000:.0f} ms", p99 / FIRST_LINE_SECONDS, 1)


def _time_delivery(target: Target, hosted: Path, moments: Path, number: int) -> float:
    (hosted / "number").write_text(str(number))
    sha = commit(hosted)
    request = request_of(target, push_payload(FORGE, sha, number), f"first-{number}")
    sent = time.time()
    send_all(target, [request], connections=1)
    printed = moments.with_name(f"{moments.name}-{sha}")
    wait_until(printed.exists)
    return float(printed.read_text()) - sent


def _add_forge_repository(folder: DataFolder, clone_url: str) -> None:
    database = Database(folder.database_url)
    owner, _, name = FORGE.partition("/")
    try:
        TableDirectory(database).add(
            HostedRepository(
                id=0,
                owner=owner,
                name=name,
                origin="github",
                server_url="https://github.com",
                clone_url=clone_url,
            )
        )
        open_vault(folder, database, {}).put_system(SERVER_SECRET, SECRET, at=datetime.now(UTC))
    finally:
        database.close()


if __name__ == "__main__":
    for row in rows():
        print(row.markdown(), flush=True)

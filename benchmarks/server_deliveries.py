"""How fast signed deliveries of 10 KB are taken in durably, beside Buildbot taking in the same (bar: five times its rate, p99 100 ms).

Nothing is built on either side: the payload's branch starts no workflow here and no builder there.
"""

import hashlib
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.support.serve import served

from benchmarks.buildbot import SECRET, running_buildbot
from benchmarks.harness import Row, memory_rows
from benchmarks.load import CONNECTIONS, Outcome, Target, push_payload, request_of, send_all
from homeport.cli.server_access import open_vault
from homeport.ports.directory import HostedRepository
from homeport.server.hooks import SERVER_SECRET
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory

ROUNDS = int(os.environ.get("BENCH_RUNS", "3"))
DELIVERIES = 2000
PEER_DELIVERIES = 300
TIMES = 5
STEADY = 845
"""A second: five times the 169 that Buildbot 4.3 took on a quiet machine of this kind"""
SLOWEST_SECONDS = 0.1


def rows() -> Iterator[Row]:
    """The rate, and the answer that one in a hundred waits longer for."""
    own: list[Outcome] = []
    peer: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as name, served(Path(name, "data")) as server:
        prepare_forge(DataFolder(str(server.folder)))
        target = Target("127.0.0.1", server.port, "/webhooks/github", SECRET)
        with running_buildbot(server.port + 1 if server.port < 65000 else server.port - 1, builds=False) as other:
            for number in range(ROUNDS + 1):
                own.append(send_all(target, make_requests(target, number, DELIVERIES)))
                peer.append(send_all(other, make_requests(other, number, PEER_DELIVERIES), connections=8))
        steady = [
            send_all(target, make_requests(target, ROUNDS + 1 + number, DELIVERIES), rate=STEADY)
            for number in range(ROUNDS)
        ]
        memory = list(memory_rows(f"{(2 * ROUNDS + 1) * DELIVERIES:,} deliveries", server.pid))
    rate, peer_rate = (statistics.median(each.rate for each in outcomes[1:]) for outcomes in (own, peer))
    yield Row(
        f"deliveries of 10 KB taken in durably ({TIMES} times as many as Buildbot is 1)",
        f"{rate:,.0f}/s",
        f"Buildbot {peer_rate:,.0f}/s",
        TIMES * peer_rate / rate,
        1,
    )
    yield _slowest(f"deliveries of 10 KB, {STEADY} a second, p99", steady)
    yield _slowest(f"as many of them as are taken in, from {CONNECTIONS} connections at once, p99", own[1:])
    yield from memory


def _slowest(claim: str, outcomes: Sequence[Outcome]) -> Row:
    slowest = statistics.median(each.p99 for each in outcomes)
    return Row(claim, f"{slowest * 1000:.0f} ms", "bar 100 ms", slowest / SLOWEST_SECONDS, 1)


def prepare_forge(folder: DataFolder) -> None:
    """A repository of a forge, and the secret of its deliveries."""
    database = Database(folder.database_url)
    try:
        TableDirectory(database).add(
            HostedRepository(
                id=0,
                owner="octo",
                name="one",
                origin="github",
                server_url="https://github.com",
                clone_url="https://github.com/octo/one.git",
            )
        )
        open_vault(folder, database, {}).put_system(SERVER_SECRET, SECRET, at=datetime.now(UTC))
    finally:
        database.close()


def make_requests(target: Target, number: int, count: int) -> list[bytes]:
    """Deliveries that nobody has sent before."""
    made: list[bytes] = []
    for index in range(count):
        sha = hashlib.sha1(f"{number} {index}".encode()).hexdigest()
        body = push_payload("octo/one", sha, index, ref="refs/heads/nothing")
        made.append(request_of(target, body, f"{number}-{index}"))
    return made


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())

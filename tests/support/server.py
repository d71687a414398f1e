"""A server's engine with its database and its runner interface, and runners that talk to it over a socket, for tests."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from homeport.coordinator.dispatch import Labels
from homeport.coordinator.lease_board import RunnerProfile
from homeport.coordinator.surroundings import Policy, Stores
from homeport.plan.model import Plan
from homeport.run.facts import Conclusion, Fact, RunFinished
from homeport.runner.http_peer import HttpPeer
from homeport.runner.job import JobRunner
from homeport.runner.loop import serve
from homeport.runner.unix_channel import UnixChannel
from homeport.server.engine import ServerEngine
from homeport.server.runner_api import RunnerApi
from homeport.server.waiting import Bell
from homeport.store.logs_folder import FolderLogs
from homeport.store.memory import MemoryControls
from homeport.store.tables.database import Database
from homeport.store.tables.groups import TableConcurrencyGroups
from homeport.store.tables.leases import TableLeases
from homeport.store.tables.runs import TableRuns
from tests.support.jobs import Bench, SystemClock
from tests.support.plans import record_of

TOKEN = "runner-token"
LABELS = Labels(("ubuntu-*", "linux", "self-hosted"))
LONG = 60.0


class Server:
    """One life of a server process, in a thread of the test's. `number` sets the lives on one folder apart."""

    def __init__(self, folder: Path, number: int) -> None:
        self.facts: list[Fact] = []
        self._changed = threading.Condition()
        self._socket = str(folder / "socket")
        self.database = Database(f"sqlite:///{folder / 'homeport.db'}")
        self.runs = TableRuns(self.database, f"life-{number}", lambda _: False)
        self.logs = FolderLogs(str(folder))
        self._ready = threading.Event()
        self._folder = folder
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(LONG)

    def stop(self) -> None:
        """Stopping twice is no error."""
        if self._thread.is_alive():
            self._bell.close()
            self.web.should_exit = True
            self._thread.join()
            self.database.close()

    def submit(self, plan: Plan) -> str:
        run = self.runs.new_id()
        self.engine.ask(lambda coordinator: coordinator.submit(plan, record_of(run, number=int(run)))).result(LONG)
        return run

    def await_end(self, run: str) -> Conclusion:
        with self._changed:
            assert self._changed.wait_for(lambda: self.runs.ending(run) is not None, LONG)
        ending = self.runs.ending(run)
        assert isinstance(ending, RunFinished)
        return ending.conclusion

    def lines(self, run: str, job: str) -> list[str]:
        return [line.text for line in self.logs.read(run, 1, job)]

    def await_line(self, run: str, job: str, text: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.lines(run, job), LONG)

    def _hear(self, facts: Sequence[Fact]) -> None:
        with self._changed:
            self.facts.extend(facts)
            self._changed.notify_all()

    async def _serve(self) -> None:
        bell = self._bell = Bell()
        stores = Stores(
            self.runs,
            self.logs,
            lambda repository: TableConcurrencyGroups(self.database, repository, self.runs.is_open),
            MemoryControls(),
        )
        self.engine = ServerEngine(
            stores,
            TableLeases(self.database),
            SystemClock(),
            policy=Policy(labels=LABELS),
            batch=self.database.batch,
            broadcast=self._hear,
            on_change=bell.ring,
        )
        api = RunnerApi(self.engine.board, bell, lambda token: RunnerProfile("one", LABELS) if token == TOKEN else None)
        app = Starlette(routes=[Mount("/runner/v1", routes=api.routes)])
        config = uvicorn.Config(app, uds=self._socket, log_config=None, timeout_graceful_shutdown=1)
        self.web = uvicorn.Server(config)
        self.engine.start()
        serving = asyncio.create_task(self.web.serve())
        while not self.web.started and not serving.done():
            await asyncio.sleep(0.01)
        self._ready.set()
        await serving
        self.engine.stop()


@contextmanager
def running_server(folder: Path, number: int = 1) -> Iterator[Server]:
    """A server from its start to its end."""
    server = Server(folder, number)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def runner(folder: Path, *, parallel: int = 2) -> Iterator[HttpPeer]:
    """A runner's threads, which end with the context."""
    bench = Bench(folder / "runner")
    channel = UnixChannel(str(folder / "socket"), TOKEN)
    peer = HttpPeer(channel, str(folder / "runner" / "spool"))
    thread = threading.Thread(target=_work, args=(peer, JobRunner(bench.services(), bench.settings), parallel))
    thread.start()
    try:
        yield peer
    finally:
        peer.stop()
        thread.join()
        peer.close()
        channel.close()


def _work(peer: HttpPeer, job_runner: JobRunner, parallel: int) -> None:
    peer.greet()
    serve(peer, job_runner, parallel=parallel)

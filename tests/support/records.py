"""What a server has written, read from its database while it runs, and what an administrator writes there beside it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from homeport.cli.server_access import open_access
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.ports.events import StoredEvent, WorkflowStart
from homeport.ports.repositories import RunRepository
from homeport.server.hooks import SERVER_SECRET
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import TableDeliveries
from homeport.store.tables.directory import TableDirectory, TableWorkflows
from homeport.store.tables.events import TableEvents
from homeport.store.tables.runs import TableRuns
from tests.support.jobs import SystemClock
from tests.support.serve import ServedProcess, wait_until


class Records:
    """What a server has written, read from its database."""

    def __init__(self, database: Database) -> None:
        clock: Clock = SystemClock()
        self.database = database
        self.clock = clock
        self.directory = TableDirectory(database)
        self.deliveries = TableDeliveries(database)
        self.workflows = TableWorkflows(database, clock)
        self.events = TableEvents(database, clock)
        self.runs: RunRepository = TableRuns(database, "test", lambda _: True)

    def repository(self, name: str) -> HostedRepository:
        found = self.directory.find(name)
        assert found is not None
        return found

    def planned(self, name: str, number: int) -> list[StoredEvent]:
        """The events of a repository, oldest first, when there are so many and all are planned."""

        def look() -> list[StoredEvent]:
            repository = self.directory.find(name)
            events = [] if repository is None else list(self.events.list(repository.id))
            done = len(events) >= number and all(event.state == "planned" for event in events)
            return events[::-1] if done else []

        found: list[StoredEvent] = wait_until(look)
        return found

    def names(self, name: str, number: int) -> list[str]:
        """The names of the events, oldest first."""
        return [stored.event.name for stored in self.planned(name, number)]

    def starts(self, event: StoredEvent) -> list[WorkflowStart]:
        return list(self.events.starts(event.id))

    def ending(self, run: str) -> str:
        ending = wait_until(lambda: self.runs.ending(run))
        return str(ending.conclusion)


def set_webhook_secret(server: ServedProcess, secret: str) -> None:
    """As an administrator does."""
    folder = DataFolder(str(server.folder))
    database = Database(folder.database_url)
    try:
        clock = SystemClock()
        vault = open_access(folder, database, clock, server.url, dict(os.environ)).vault
        vault.put_system(SERVER_SECRET, secret, at=clock.now())
    finally:
        database.close()


@contextmanager
def records(server: ServedProcess) -> Iterator[Records]:
    database = Database(f"sqlite:///{server.folder / 'homeport.db'}")
    try:
        yield Records(database)
    finally:
        database.close()

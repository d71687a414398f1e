"""Pushing to a real server starts workflows, whoever dies meanwhile, and only for those who may."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.ports.events import StoredEvent, WorkflowStart
from homeport.ports.repositories import RunRepository
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from homeport.store.tables.runs import TableRuns
from tests.support.jobs import SystemClock
from tests.support.pushing import Checkout, make_person
from tests.support.serve import ServedProcess, served, wait_until

WORKFLOW = """\
name: CI
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo "hello from ${{ github.ref_name }}"
"""


class Records:
    """What a server has written, read from its database."""

    def __init__(self, database: Database) -> None:
        clock: Clock = SystemClock()
        self.directory = TableDirectory(database)
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

    def starts(self, event: StoredEvent) -> list[WorkflowStart]:
        return list(self.events.starts(event.id))

    def ending(self, run: str) -> str:
        ending = wait_until(lambda: self.runs.ending(run))
        return str(ending.conclusion)


@contextmanager
def records(server: ServedProcess) -> Iterator[Records]:
    database = Database(f"sqlite:///{server.folder / 'homeport.db'}")
    try:
        yield Records(database)
    finally:
        database.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data") as process:
        yield process


def test_a_push_to_an_unknown_path_makes_the_repository_and_runs_its_workflow(
    server: ServedProcess, tmp_path: Path
) -> None:
    token = make_person(server.folder, "ada", is_administrator=True)
    checkout = Checkout(tmp_path / "work", f"{server.url}/acme/shop.git", "ada", token)
    sha = checkout.commit({".github/workflows/ci.yml": WORKFLOW})
    checkout.push()
    with records(server) as kept:
        created, pushed = kept.planned("acme/shop", 2)
        assert (created.event.name, pushed.event.name) == ("create", "push")
        assert pushed.event.sha == sha
        assert pushed.event.actor == "ada"
        assert pushed.event.payload["head_commit"]["message"] == "A change"
        (start,) = kept.starts(pushed)
        assert (start.outcome, start.workflow, start.number) == ("started", ".github/workflows/ci.yml", 1)
        assert kept.ending(start.run) == "success"
        assert kept.starts(created)[0].outcome == "not-started"

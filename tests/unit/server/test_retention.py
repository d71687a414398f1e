"""What is too old or too much goes; what is pinned, goes on or is young stays; what a crash left is swept up."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from homeport.ports.directory import HostedRepository, RepositorySettings
from homeport.run.facts import RunQueued
from homeport.server.retention import LEAST_FREE_BYTES, Retention, Swept
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.caches_folder import FolderCaches
from homeport.store.logs_packed import PackedLogs
from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import DELIVERIES, Delivery, TableDeliveries, conclude_deliveries
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from homeport.store.tables.history import TableHistory
from homeport.store.tables.history_fold import HistoryFolds
from homeport.store.tables.old_rows import forget_old
from homeport.store.tables.runs import TableRuns
from tests.support.plans import NOW, FixedClock, plan_of, record_of
from tests.support.simulation import World
from tests.support.workflows import GITHUB


class Folder:
    """A server's folder with one repository, and a sweep of it."""

    def __init__(self, path: Path, database: Database) -> None:
        self.clock = FixedClock()
        self.database = database
        self.path = path
        self.free = LEAST_FREE_BYTES * 10
        self.directory = TableDirectory(database)
        settings = RepositorySettings(log_days=10, artifact_days=30)
        self.repository = self.directory.add(HostedRepository(id=0, owner="octo", name="app", settings=settings))
        self.history = TableHistory(database)
        self.runs = TableRuns(database, "me", lambda _: False, (HistoryFolds().follow,))
        self.logs = PackedLogs(str(path / "logs"))
        self.artifacts = FolderArtifacts(str(path), self.clock)
        self.deliveries = TableDeliveries(database)
        self.events = TableEvents(database, self.clock)
        self.retention = self.open(self.logs)

    def open(self, logs: PackedLogs) -> Retention:
        """As a server's start does."""
        return Retention(
            self.directory,
            self.history,
            self.runs,
            logs,
            self.artifacts,
            self.caches,
            self.clock,
            lambda: self.free,
            forget_deliveries=self.deliveries.prune,
            forget_events=self.events.prune,
        )

    def caches(self, repository: HostedRepository, quota: int) -> FolderCaches:
        return FolderCaches(str(self.path), repository.full_name, self.clock, search_path="", quota_bytes=quota)

    def add_run(self, run: str, *, is_over: bool = True) -> None:
        """A run of now, with a log and an artifact of 1,000 bytes."""
        plan = plan_of()
        world = World()
        world.start(plan, run=run, github=GITHUB)
        world.run()
        record = msgspec.structs.replace(record_of(run), repository_id=self.repository.id, created_at=self.clock.now())
        self.runs.create(record, plan)
        facts = world.facts(run) if is_over else [f for f in world.facts(run) if isinstance(f, RunQueued)]
        self.runs.append(run, 1, facts)
        self.logs.append(run, 1, "build", "a", NOW, f"said by {run}")
        self.logs.close(run, 1, "build")
        file = self.path / "file"
        file.write_bytes(b"x" * 1000)
        self.artifacts.put_file(run, 1, "build", "files", str(file), media_type="text/plain")

    def change(self, **settings: int) -> None:
        changed = msgspec.structs.replace(self.repository.settings, **settings)
        self.repository = msgspec.structs.replace(self.repository, settings=changed)
        self.directory.change(self.repository.id, lambda _: self.repository)

    def add_delivery(self, name: str, *, is_done: bool = True) -> None:
        """One of now, with the event that it brought."""
        delivery = Delivery(
            source="github",
            delivery=name,
            digest=name.encode(),
            repository=self.repository.id,
            event="push",
            received_at=self.clock.now(),
            body=b"{}",
        )
        assert self.deliveries.keep(delivery).result()
        (kept,) = (each for each in self.deliveries.list_heads(self.repository.id) if each.delivery == name)
        self.events.accept([(self.repository.id, name, plan_of().event)])
        if is_done:
            self.events.accept([], conclude_deliveries({kept.id: ""}))
            (event,) = (each for each in self.events.list(self.repository.id) if each.delivery == name)
            self.events.conclude(event.id, "", []).result()

    def names(self) -> tuple[list[str], list[str]]:
        """Of deliveries and of events, oldest first."""
        deliveries = [each.delivery for each in self.deliveries.list_heads(self.repository.id)]
        events = [each.delivery for each in self.events.list(self.repository.id)]
        return deliveries[::-1], events[::-1]

    def state(self, run: str) -> tuple[bool, int, int]:
        """Whether it is known, how many lines it has, how many artifacts."""
        return (
            self.history.get(run) is not None,
            self.logs.count(run, 1, "build"),
            len(self.artifacts.list_all(run)),
        )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    database = Database(f"sqlite:///{tmp_path / 'homeport.db'}")
    yield Folder(tmp_path, database)
    database.close()


def test_young_things_stay(folder: Folder) -> None:
    folder.add_run("1")
    assert folder.retention.sweep() == Swept()
    assert folder.state("1") == (True, 1, 1)


def test_logs_go_first_then_artifacts_then_runs(folder: Folder) -> None:
    folder.add_run("1")
    folder.clock.advance(11 * 86400)
    assert folder.retention.sweep() == Swept(logs=1)
    assert folder.state("1") == (True, 0, 1)
    run = folder.history.get("1")
    assert run is not None
    assert not run.has_logs
    folder.clock.advance(20 * 86400)
    assert folder.retention.sweep() == Swept(artifacts=1)
    folder.clock.advance(380 * 86400)
    assert folder.retention.sweep() == Swept(runs=1)
    assert folder.state("1") == (False, 0, 0)
    assert folder.runs.find("1") is None


def test_what_is_pinned_or_goes_on_stays_however_old(folder: Folder) -> None:
    folder.add_run("1")
    folder.history.pin("1", "octo", NOW, is_pinned=True)
    folder.add_run("2", is_over=False)
    folder.clock.advance(500 * 86400)
    folder.retention.sweep()
    assert folder.state("1") == (True, 1, 1)
    assert folder.state("2")[:2] == (True, 1)


def test_the_oldest_artifacts_go_when_there_are_too_many(folder: Folder) -> None:
    for number in range(1, 5):
        folder.add_run(str(number))
    folder.change(artifact_bytes=2500)
    assert folder.retention.sweep() == Swept(artifacts=2)
    assert [folder.state(str(number))[2] for number in range(1, 5)] == [0, 0, 1, 1]


def test_what_a_crash_left_of_runs_that_are_gone_is_removed(folder: Folder) -> None:
    folder.add_run("1")
    folder.history.forget("1")
    swept = folder.retention.sweep()
    assert swept.orphans == 2
    assert folder.state("1") == (False, 0, 0)
    assert not list((folder.path / "logs").iterdir())


def test_logs_that_nobody_packed_are_packed_at_the_start(folder: Folder) -> None:
    folder.add_run("1")
    folder.add_run("2", is_over=False)
    again = PackedLogs(str(folder.path / "logs"))
    folder.open(again).pack_left()
    assert again.list_unpacked() == [("2", 1)]
    assert again.count("1", 1, "build") == 1


def test_caches_go_by_quota_and_when_the_disk_is_nearly_full(folder: Folder) -> None:
    caches = folder.caches(folder.repository, 1 << 30)
    archive = folder.path / "archive"
    for number in range(4):
        archive.write_bytes(bytes(1000))
        assert caches.put_archive(f"key{number}", "v", "refs/heads/main", str(archive)) is not None
        folder.clock.advance(10)
    folder.change(cache_bytes=3000)
    assert folder.retention.sweep() == Swept(caches=1)
    assert {entry.key for entry in caches.list()} == {"key1", "key2", "key3"}
    folder.free = 0
    assert folder.retention.sweep() == Swept(caches=3)
    assert list(caches.list()) == []


def test_a_sweep_of_many_runs_ends_with_the_server_and_goes_on_with_the_next(folder: Folder) -> None:
    class LogsOfAServerThatStops(PackedLogs):
        def delete(self, run: str) -> None:
            super().delete(run)
            retention.stop()

    for number in range(1, 4):
        folder.add_run(str(number))
    folder.clock.advance(11 * 86400)
    retention = folder.open(LogsOfAServerThatStops(str(folder.path / "logs")))
    assert retention.sweep() == Swept(logs=1)
    assert folder.open(folder.logs).sweep() == Swept(logs=2)


def test_nothing_is_taken_for_old_when_the_clock_goes_back(folder: Folder) -> None:
    folder.add_run("1")
    folder.clock.moment -= timedelta(days=1)
    assert folder.retention.sweep() == Swept()


def test_what_came_in_is_forgotten_after_a_while_and_what_waits_never(folder: Folder) -> None:
    folder.add_delivery("waits", is_done=False)
    folder.add_delivery("done")
    folder.clock.advance(399 * 86400)
    folder.add_delivery("young")
    assert folder.retention.sweep() == Swept()
    folder.clock.advance(2 * 86400)
    assert folder.retention.sweep() == Swept(deliveries=1, events=1)
    assert folder.names() == (["waits", "young"], ["waits", "young"])


def test_many_are_forgotten_a_few_at_a_time(folder: Folder) -> None:
    for number in range(7):
        folder.add_delivery(str(number))
    folder.clock.advance(100 * 86400)
    folder.add_delivery("young")
    before = (folder.clock.now() - timedelta(days=90)).isoformat()
    is_done = DELIVERIES.c.state != "pending"
    assert forget_old(folder.database, DELIVERIES, DELIVERIES.c.received_at, before, is_done, at_once=3) == 7
    assert folder.names()[0] == ["young"]

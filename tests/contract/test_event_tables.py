"""What the tables of events, deliveries and schedules promise."""

from datetime import timedelta

import msgspec
import pytest

from homeport.event import Event, Repository
from homeport.ports.events import WorkflowStart
from homeport.ports.repositories import StoreError
from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import Delivery, TableDeliveries
from homeport.store.tables.directory import TableWorkflows
from homeport.store.tables.events import TableEvents
from homeport.store.tables.schedules import Schedule, TableSchedules, see_tick
from tests.support.plans import NOW, FixedClock

EVENT = Event(
    name="push",
    repository=Repository(owner="a", name="b", id="1", owner_id="1", default_branch="main", server_url="http://x"),
    ref="refs/heads/main",
    sha="1" * 40,
    actor="ada",
    payload={"x": [1, "ü"]},
)


@pytest.fixture
def events(database: Database) -> TableEvents:
    return TableEvents(database, FixedClock())


def test_a_known_delivery_is_not_kept_again(events: TableEvents) -> None:
    assert events.accept([(1, "one", EVENT), (1, "one", EVENT), (2, "one", EVENT)]) == [1, 2]
    assert events.accept([(1, "one", EVENT)]) == []
    stored = events.find(1)
    assert stored is not None
    assert (stored.event, stored.state, stored.accepted_at) == (EVENT, "pending", NOW)


def test_events_of_a_repository_are_pending_in_their_order(events: TableEvents) -> None:
    events.accept([(1, "a", EVENT), (2, "b", EVENT), (1, "c", EVENT)])
    assert sorted(events.repositories_with_pending()) == [1, 2]
    order = []
    while (stored := events.next_pending(1)) is not None:
        order.append(stored.delivery)
        events.conclude(stored.id, "", []).result()
    assert order == ["a", "c"]
    assert list(events.repositories_with_pending()) == [2]


def test_pending_events_are_found_behind_one_that_is_not_concluded_yet(events: TableEvents) -> None:
    events.accept([(1, "a", EVENT), (2, "b", EVENT), (1, "c", EVENT)])
    first = events.next_pending(1)
    assert first is not None
    second = events.next_pending(1, first.id)
    assert second is not None
    assert (first.delivery, second.delivery) == ("a", "c")
    assert events.next_pending(1, second.id) is None


def test_a_run_is_tied_to_its_event_and_workflow_for_good(events: TableEvents) -> None:
    events.accept([(1, "a", EVENT), (1, "b", EVENT)])
    first, second = events.find(1), events.find(2)
    assert first is not None
    assert second is not None
    one = events.identify(first, "ci.yml", "CI", is_watched=True)
    assert events.identify(first, "ci.yml", "CI", is_watched=True) == one
    assert events.identify(first, "other.yml", "Other", is_watched=False).id != one.id
    assert events.identify(second, "ci.yml", "CI", is_watched=False).number == one.number + 1
    assert list(events.watched()) == [(one.id, 1)]
    found = events.find_by_run(one.id)
    assert found is not None
    assert found.id == 1
    assert events.find_by_run("x") is None


def test_what_did_not_start_is_kept_beside_what_did(events: TableEvents) -> None:
    events.accept([(1, "a", EVENT)])
    stored = events.find(1)
    assert stored is not None
    run = events.identify(stored, "ci.yml", "CI", is_watched=False)
    kept_away = WorkflowStart(workflow="docs.yml", name="Docs", outcome="not-started", reason="paths")
    events.conclude(1, "", [kept_away]).result()
    events.conclude(1, "", [kept_away]).result()
    started, other = events.starts(1)
    assert (started.run, started.outcome) == (run.id, "started")
    assert other == kept_away


def delivery(**changes: object) -> Delivery:
    first = Delivery(
        source="github", delivery="1", digest=b"1" * 32, repository=1, event="push", received_at=NOW, body=b"{}"
    )
    return msgspec.structs.replace(first, **changes)


def test_deliveries_are_known_by_id_and_by_body(database: Database) -> None:
    deliveries = TableDeliveries(database)
    futures = [
        deliveries.keep(one)
        for one in (
            delivery(),
            delivery(digest=b"2" * 32),
            delivery(delivery="2"),
            delivery(source="gitea", digest=b"3" * 32),
            delivery(delivery="3", repository=2),
        )
    ]
    assert [future.result() for future in futures] == [True, False, False, True, True]
    assert [one.delivery for one in deliveries.list_heads(1)] == ["1", "1"]


def test_a_closed_database_takes_no_delivery(database: Database) -> None:
    deliveries = TableDeliveries(database)
    database.close()
    for number in range(2):
        with pytest.raises(StoreError):
            deliveries.keep(delivery(delivery=str(number))).result()


def test_a_tick_is_seen_once(database: Database) -> None:
    schedules = TableSchedules(database)
    nightly = Schedule(repository=1, workflow="w", cron="0 0 * * *", timezone="UTC", actor="ada", seen_until=NOW)
    schedules.replace(1, [nightly, nightly])
    later = NOW + timedelta(days=1)
    assert database.write(lambda connection: see_tick(connection, nightly, later))
    assert not database.write(lambda connection: see_tick(connection, nightly, later))
    schedules.replace(1, [nightly])  # pushed again: what was seen stays so
    assert [one.seen_until for one in schedules.list()] == [later]
    schedules.replace(1, [])
    assert not schedules.list()


def test_workflows_keep_their_numbers_and_their_switches(database: Database) -> None:
    workflows = TableWorkflows(database, FixedClock())
    ci = ".github/workflows/ci.yml"
    (known,) = workflows.note(1, {ci: "CI"}, is_default_branch=True)
    workflows.switch(1, known.id, "disabled_manually")
    (renamed,) = workflows.note(1, {ci: "Checks"}, is_default_branch=True)
    assert (renamed.id, renamed.name, renamed.state) == (known.id, "Checks", "disabled_manually")
    workflows.note(1, {}, is_default_branch=True)
    assert [one.state for one in workflows.list(1)] == ["deleted"]
    workflows.note(1, {".github/workflows/topic.yml": "Topic"}, is_default_branch=False)
    workflows.note(1, {ci: "CI"}, is_default_branch=True)
    assert {one.path: one.state for one in workflows.list(1)} == {
        ci: "active",
        ".github/workflows/topic.yml": "deleted",
    }
    for name in (ci, "ci.yml", known.id, str(known.id)):
        found = workflows.find(1, name)
        assert found is not None
        assert found.id == known.id
    assert workflows.find(2, ci) is None

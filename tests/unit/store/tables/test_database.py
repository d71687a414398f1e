"""What a database promises to threads that write in it at once."""

import sys
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine

from homeport.ports.repositories import StoreError
from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import Delivery, TableDeliveries
from homeport.store.tables.runs import TableRuns
from tests.support.databases import open_database
from tests.support.plans import plan_of, record_of

LONG = 60.0


class _EnoughError(Exception):
    """A batch is not to be written."""


def delivery(name: str) -> Delivery:
    return Delivery(
        source="github",
        delivery=name,
        digest=name.encode(),
        repository=1,
        event="push",
        received_at=datetime(2026, 3, 1, tzinfo=UTC),
        body=b"{}",
    )


def test_who_does_not_wait_for_his_delivery_takes_no_answer_of_others_along(tmp_path: Path) -> None:
    with open_database(tmp_path) as database:
        deliveries = TableDeliveries(database)
        going_on = threading.Event()
        before = database.submit(lambda _: going_on.wait(LONG))
        first, second = deliveries.keep(delivery("one")), deliveries.keep(delivery("two"))
        first.cancel()
        going_on.set()
        assert before.result(LONG)
        assert second.result(LONG)
        assert first.result(LONG)
        assert len(deliveries.list_heads(1)) == 2


def test_the_writer_outlives_an_answer_that_nobody_wants(tmp_path: Path) -> None:
    with open_database(tmp_path) as database:
        going_on = threading.Event()
        database.submit(lambda _: going_on.wait(LONG))
        unwanted = database.submit(lambda _: 1)
        unwanted.cancel()
        going_on.set()
        assert database.submit(lambda _: 2).result(LONG) == 2


def test_whatever_is_asked_while_a_database_is_closed_is_answered(tmp_path: Path) -> None:
    """With threads that take turns as often as they can: what is asked for comes before the end, or is refused."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for attempt in range(5):
            with open_database(tmp_path) as database:
                asked: list[Future[int]] = []

                def ask(asked: list[Future[int]] = asked, database: object = database) -> None:
                    try:
                        while True:
                            asked.append(database.submit(lambda _: 1))  # type: ignore[attr-defined]
                    except StoreError:
                        return

                threads = [threading.Thread(target=ask) for _ in range(3)]
                for thread in threads:
                    thread.start()
                database.close()
                for thread in threads:
                    thread.join()
                assert all(future.result(LONG) == 1 for future in asked), attempt
    finally:
        sys.setswitchinterval(interval)


def test_runs_are_deleted_while_others_begin(tmp_path: Path) -> None:
    interval = sys.getswitchinterval()
    with open_database(tmp_path) as database:
        runs = TableRuns(database, "me", lambda _: False)
        plan = plan_of()
        is_over = threading.Event()
        faults: list[BaseException] = []

        def begin() -> None:
            """As the engine's thread does it, in a batch that is never written."""
            number = 1
            try:
                with database.batch():
                    while not is_over.is_set() or number < 3000:
                        runs.create(record_of(str(number)), plan)
                        runs.append(str(number), 1, [])
                        number += 1
                    raise _EnoughError
            except _EnoughError:
                return
            except BaseException as error:
                faults.append(error)

        sys.setswitchinterval(1e-6)
        thread = threading.Thread(target=begin)
        try:
            thread.start()
            for _ in range(30):
                runs.delete("999999999")
                assert not runs.is_open("999999999")
        finally:
            sys.setswitchinterval(interval)
            is_over.set()
            thread.join()
    assert faults == []


@pytest.mark.parametrize("text", ["9" * 19, "9" * 5000, "١٢", "-1", "", "1e3"])
def test_what_is_no_number_has_no_run(tmp_path: Path, text: str) -> None:
    with open_database(tmp_path) as database:
        runs = TableRuns(database, "me", lambda _: False)
        runs.create(msgspec.structs.replace(record_of("1")), plan_of())
        assert runs.find(text) is None
        assert list(runs.facts(text)) == []
        assert not runs.is_open(text)
        runs.delete(text)
        assert runs.find("1") is not None


def test_a_database_all_of_whose_connections_are_taken_is_unusable_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = partial(create_engine, pool_size=2, max_overflow=0, pool_timeout=0.05)
    monkeypatch.setattr("homeport.store.tables.database.create_engine", few)
    database = Database(f"sqlite:///{tmp_path}/homeport.db")
    try:
        with ExitStack() as taken:
            for _ in range(2):
                taken.enter_context(database.read())
            with pytest.raises(StoreError, match="cannot be used"), database.read():
                pass
        with database.read():
            pass
    finally:
        database.close()

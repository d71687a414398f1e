"""Rows of history that another version has written are made anew, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, update

from homeport.ports.history import RunFilter
from homeport.store.tables.database import Database
from homeport.store.tables.history import TableHistory
from homeport.store.tables.history_schema import HISTORY_JOBS, HISTORY_RUNS
from homeport.store.tables.history_upkeep import SHAPE, bring_history_up_to_date
from homeport.store.tables.schema import COUNTERS
from tests.support.databases import open_database
from tests.support.past_runs import PastRuns

WORKFLOW = "on: push\njobs: {build: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """With two runs that have ended."""
    with PastRuns(tmp_path) as past:
        shop = past.add_repository("acme/shop")
        for _ in range(2):
            past.add_run(shop, WORKFLOW)
    with open_database(tmp_path) as opened:
        yield opened


def found(database: Database) -> list[str]:
    return [run.id for run in TableHistory(database).find(RunFilter()).runs]


def forget_rows(connection: Connection) -> None:
    for table in (HISTORY_JOBS, HISTORY_RUNS):
        connection.execute(delete(table))


def mark(connection: Connection, shape: int) -> None:
    connection.execute(update(COUNTERS).where(COUNTERS.c.scope == "history").values(value=shape))


def test_rows_of_this_version_are_left_as_they_are(database: Database) -> None:
    assert bring_history_up_to_date(database) == 0
    assert bring_history_up_to_date(database) == 0
    assert found(database) == ["2", "1"]


def test_rows_that_are_not_there_are_made_from_the_journals(database: Database) -> None:
    database.write(forget_rows)
    assert found(database) == []
    assert bring_history_up_to_date(database) == 2
    assert found(database) == ["2", "1"]
    assert bring_history_up_to_date(database) == 0


def test_rows_of_another_shape_are_made_anew(database: Database) -> None:
    bring_history_up_to_date(database)
    database.write(lambda connection: mark(connection, SHAPE + 1))
    database.write(lambda connection: connection.execute(update(HISTORY_RUNS).values(actor="nobody")))
    assert bring_history_up_to_date(database) == 2
    assert [run.id for run in TableHistory(database).find(RunFilter(actor="mona")).runs] == ["2", "1"]
    assert bring_history_up_to_date(database) == 0


def test_a_new_database_has_nothing_to_make_anew(tmp_path: Path) -> None:
    with open_database(tmp_path) as opened:
        assert bring_history_up_to_date(opened) == 0

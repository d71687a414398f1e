"""What every database promises to those who keep something in it."""

import pytest
from sqlalchemy import Connection, insert, select

from homeport.ports.repositories import StoreError
from homeport.store.tables.counters import count_up
from homeport.store.tables.database import Database
from homeport.store.tables.schema import COUNTERS

SECRET = "swordfish"


def add(connection: Connection, name: str, value: int = 1) -> None:
    connection.execute(insert(COUNTERS).values(scope="test", name=name, value=value))


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(COUNTERS.c.name).order_by(COUNTERS.c.name)).scalars())


def test_any_text_is_kept_or_says_where_it_was_not_one(database: Database) -> None:
    database.write(lambda connection: add(connection, "a \0 b 🎈"))
    assert names(database) in (["a \0 b 🎈"], ["a \ufffd b 🎈"])


def test_numbers_may_be_those_of_large_forges(database: Database) -> None:
    database.write(lambda connection: add(connection, "large", 2**63 - 2))
    assert database.write(lambda connection: count_up(connection, "test", "large")) == 2**63 - 1


def test_one_that_fails_takes_nothing_of_the_others_along(database: Database) -> None:
    database.write(lambda connection: add(connection, SECRET))
    tasks = [database.submit(lambda connection, name=name: add(connection, name)) for name in ("a", SECRET, "b")]  # type: ignore[misc]
    failure = tasks[1].exception()
    assert isinstance(failure, StoreError)
    assert SECRET not in str(failure)
    assert [task.exception() for task in (tasks[0], tasks[2])] == [None, None]
    assert names(database) == ["a", "b", SECRET]


def test_what_a_batch_writes_is_there_as_a_whole_or_not(database: Database) -> None:
    def fail() -> None:
        with database.batch():
            database.write_soon(lambda connection: add(connection, "a"))
            database.write_soon(lambda connection: add(connection, "a"))

    with pytest.raises(StoreError):
        fail()
    assert names(database) == []
    with database.batch():
        database.write_soon(lambda connection: add(connection, "a"))
        assert names(database) == []
    assert names(database) == ["a"]

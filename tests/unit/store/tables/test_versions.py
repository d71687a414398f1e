"""The schema of a database is brought up to date when it is opened, wholly or not at all."""

import importlib
import pkgutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from homeport.ports.repositories import StoreError
from homeport.store import tables
from homeport.store.tables.database import Database
from homeport.store.tables.schema import METADATA
from homeport.store.tables.versions import NEWEST, find_version
from tests.support.old_databases import list_revisions, make_database

REVISIONS = list_revisions()


def version_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(version)


def schema_of(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT name, coalesce(sql, '') FROM sqlite_master"))


def test_the_migrations_make_what_the_code_reads(tmp_path: Path) -> None:
    for module in pkgutil.iter_modules(tables.__path__):
        importlib.import_module(f"{tables.__name__}.{module.name}")
    Database(f"sqlite:///{tmp_path / 'new.db'}").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert find_version(connection) == NEWEST == REVISIONS[-1]
    engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_a_database_of_any_former_version_becomes_what_a_new_one_is(tmp_path: Path, revision: str) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    make_database(old, revision)
    assert version_of(old) == revision
    for path in (old, new):
        Database(f"sqlite:///{path}").close()
    assert version_of(old) == NEWEST
    assert schema_of(old) == schema_of(new)


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    make_database(path, REVISIONS[0])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE run_marks (mine TEXT)")  # is in the way of one of the last
        connection.commit()
    before = schema_of(path)
    for _ in range(2):
        with pytest.raises(StoreError, match="run_marks"):
            Database(f"sqlite:///{path}")
        assert (version_of(path), schema_of(path)) == (REVISIONS[0], before)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE run_marks")
        connection.commit()
    Database(f"sqlite:///{path}").close()
    assert version_of(path) == NEWEST


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    database = Database(f"sqlite:///{path}")

    def age(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    database.write(age)
    database.close()
    before = schema_of(path)
    with pytest.raises(StoreError, match="made by a newer version of Homeport"):
        Database(f"sqlite:///{path}")
    assert (version_of(path), schema_of(path)) == ("9999", before)

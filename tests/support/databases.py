"""Databases for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from homeport.store.tables.database import Database
from tests.support.postgresql import postgresql

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")


def make_address(folder: Path, kind: Kind) -> str:
    """Of a database that is new. Skips the calling test where there is no PostgreSQL for it."""
    return f"sqlite:///{folder / 'homeport.db'}" if kind == "sqlite" else postgresql().make_database()


@contextmanager
def open_database(folder: Path, kind: Kind = "sqlite") -> Iterator[Database]:
    """A new database, closed at the end. Skips the calling test where there is no PostgreSQL for it."""
    database = Database(make_address(folder, kind))
    try:
        yield database
    finally:
        database.close()

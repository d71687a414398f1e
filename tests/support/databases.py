"""Databases for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homeport.store.tables.database import Database


@contextmanager
def open_database(folder: Path) -> Iterator[Database]:
    """A new SQLite database, closed at the end."""
    database = Database(f"sqlite:///{folder / 'homeport.db'}")
    try:
        yield database
    finally:
        database.close()

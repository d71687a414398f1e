"""Databases as former versions of Homeport left them: the migrations up to one of them, and the rows that its tables could hold."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "homeport.store.tables:migrations")
    config.set_main_option("path_separator", "os")
    return config


def list_revisions() -> list[str]:
    """All, oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def make_database(path: Path, revision: str) -> None:
    """An empty one of this revision."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode = WAL"))
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def set_back(path: Path, revision: str) -> None:
    """Make a database what it would be if all that is in it had been written by the version of this revision. Nobody may have it open."""
    former = path.with_name("former.db")
    make_database(former, revision)
    with closing(sqlite3.connect(former)) as connection:
        connection.execute("ATTACH ? AS today", (str(path),))
        names = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
        for (table,) in connection.execute(names).fetchall():
            known = {row[1] for row in connection.execute(f'PRAGMA today.table_info("{table}")')}
            columns = [row[1] for row in connection.execute(f'PRAGMA main.table_info("{table}")')]
            shared = ", ".join(f'"{column}"' for column in columns if column in known)
            connection.execute(f'INSERT INTO main."{table}" ({shared}) SELECT {shared} FROM today."{table}"')
        connection.commit()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    os.replace(former, path)

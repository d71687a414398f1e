"""Keeps in a database the pushes that git was handed and whose events are not known yet."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, LargeBinary, Row, String, Table, delete, insert, select

from homeport.store.tables.counters import count_up
from homeport.store.tables.database import Database
from homeport.store.tables.schema import METADATA, NUMBER

PUSHES = Table(
    "pushes",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("repository", NUMBER, nullable=False),
    Column("actor", String, nullable=False),
    Column("is_silent", NUMBER, nullable=False),
    Column("received_at", String, nullable=False),
    Column("commands", LargeBinary, nullable=False),
)


class RefCommand(msgspec.Struct, frozen=True):
    """What a push asks for one ref: zeros for none."""

    old: str
    new: str
    ref: str


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A push, as it was asked for. `is_silent`: by a job's own token, which starts nothing."""

    id: int
    repository: int
    actor: str
    is_silent: bool
    received_at: datetime
    commands: tuple[RefCommand, ...]


class TablePushes:
    """What git was handed: noted before, and forgotten when the events are known."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, repository: int, actor: str, at: datetime, commands: Sequence[RefCommand], *, is_silent: bool
    ) -> int:
        """Durable when it returns."""
        values = {
            "repository": repository,
            "actor": actor,
            "is_silent": int(is_silent),
            "received_at": at.isoformat(timespec="microseconds"),
            "commands": msgspec.msgpack.encode(tuple(commands)),
        }

        def work(connection: Connection) -> int:
            number = count_up(connection, "push", "")  # never used again: events are told apart by it
            connection.execute(insert(PUSHES).values(id=number, **values))
            return number

        return self._database.write(work)

    def find(self, push: int) -> Push | None:
        """None where its events are known."""
        with self._database.read() as connection:
            row = connection.execute(select(PUSHES).where(PUSHES.c.id == push)).first()
        return None if row is None else _read_push(row)

    def unfinished(self) -> Sequence[int]:
        """In the order in which they came."""
        with self._database.read() as connection:
            return list(connection.execute(select(PUSHES.c.id).order_by(PUSHES.c.id)).scalars())


def finish_push(connection: Connection, push: int) -> None:
    """Its events are known."""
    connection.execute(delete(PUSHES).where(PUSHES.c.id == push))


def _read_push(row: Row[Any]) -> Push:
    return Push(
        id=row.id,
        repository=row.repository,
        actor=row.actor,
        is_silent=bool(row.is_silent),
        received_at=datetime.fromisoformat(row.received_at),
        commands=msgspec.msgpack.decode(row.commands, type=tuple[RefCommand, ...]),
    )

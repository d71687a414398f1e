"""Keeps in a database what a forge has not been told yet of how the checks of commits stand.

A row is one context of one commit, with its latest status and a version that counts up. It is due while the version that the forge has
acknowledged is another one; what came in between is not told any more. It is written with what it follows from (`reports`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from homeport.ports.forge import OPEN, Status, Told
from homeport.ports.repositories import StoreError
from homeport.store.tables.database import Database
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import METADATA, NUMBER

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("repository", NUMBER, nullable=False),
    Column("sha", String, nullable=False),
    Column("context_key", String, nullable=False),
    Column("is_due", NUMBER, nullable=False),
    Column("changed_at", String, nullable=False),
    Column("version", NUMBER, nullable=False),
    Column("status", LargeBinary, nullable=False),
    Column("told", LargeBinary, nullable=True, comment="the last status that the forge has acknowledged"),
    Column("remote", String, nullable=False, comment="what the forge calls a check that is open there"),
    Column("problem", String, nullable=False, comment="why the forge will never take this version"),
    UniqueConstraint("repository", "sha", "context_key", name="uq_outbox_repository_sha_context_key"),
    Index(None, "is_due", "repository", "changed_at"),
)

OF_CONTEXT = ("repository", "sha", "context_key")
_DUE = select(OUTBOX.c.repository).where(OUTBOX.c.is_due == 1).distinct()
_FIND_MESSAGE = select(OUTBOX.c.version, OUTBOX.c.status, OUTBOX.c.is_due).where(given(OUTBOX, *OF_CONTEXT))
_ADD_MESSAGE = insert(OUTBOX)
_SET_MESSAGE = (
    update(OUTBOX)
    .where(given(OUTBOX, *OF_CONTEXT))
    .values({name: bindparam(name) for name in ("is_due", "changed_at", "version", "status", "problem")})
)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told to a forge now."""

    id: int
    repository: int
    version: int
    status: Status
    told: Status | None
    known: Told
    changed_at: datetime


class Refusal(msgspec.Struct, frozen=True):
    """What a forge will not take, and why."""

    status: Status
    problem: str
    changed_at: datetime


class TableOutbox:
    """Safe from any thread; one at a time sends what belongs to one repository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def repositories_due(self) -> Sequence[int]:
        """Where a forge is to be told something."""
        with self._database.read() as connection:
            return list(connection.execute(_DUE).scalars())

    def due(self, repository: int, limit: int = 100) -> Sequence[Message]:
        """The oldest changes that the forge has not been told."""
        query = (
            select(OUTBOX)
            .where(OUTBOX.c.is_due == 1, OUTBOX.c.repository == repository)
            .order_by(OUTBOX.c.changed_at, OUTBOX.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_message(row) for row in connection.execute(query)]

    def list_due_ids(self) -> Sequence[int]:
        """The messages that are due, by number."""
        with self._database.read() as connection:
            return list(connection.execute(select(OUTBOX.c.id).where(OUTBOX.c.is_due == 1)).scalars())

    def count_due(self, repository: int | None = None) -> int:
        """How many contexts wait to be told."""
        query = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.is_due == 1)
        if repository is not None:
            query = query.where(OUTBOX.c.repository == repository)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def count_due_each(self) -> dict[int, int]:
        """The same for each repository where something waits."""
        due = select(OUTBOX.c.repository, func.count().label("number")).where(OUTBOX.c.is_due == 1)
        with self._database.read() as connection:
            return {row.repository: row.number for row in connection.execute(due.group_by(OUTBOX.c.repository))}

    def acknowledge(self, message: Message, told: Told) -> None:
        """The forge knows this version. What came meanwhile stays due."""
        remote = told.id if message.status.verdict in OPEN else ""
        self._settle(message, told=msgspec.msgpack.encode(message.status), remote=remote, problem="")

    def refuse(self, message: Message, problem: str) -> None:
        """The forge will never take this version."""
        self._settle(message, problem=problem)

    def refusals(self, repository: int, limit: int = 20) -> Sequence[Refusal]:
        """What the forge did not take, newest first."""
        query = (
            select(OUTBOX)
            .where(OUTBOX.c.repository == repository, OUTBOX.c.problem != "")
            .order_by(OUTBOX.c.changed_at.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                Refusal(decode_status(row.status), row.problem, datetime.fromisoformat(row.changed_at))
                for row in connection.execute(query)
            ]

    def forget(self, before: datetime) -> int:
        """Take away what has been settled and not changed for so long; gives how many."""
        old = (OUTBOX.c.is_due == 0) & (OUTBOX.c.changed_at < before.isoformat(timespec="microseconds"))
        return self._database.write(lambda connection: connection.execute(delete(OUTBOX).where(old)).rowcount)

    def _settle(self, message: Message, **values: Any) -> None:
        row = OUTBOX.c.id == message.id

        def work(connection: Connection) -> None:
            is_same = connection.execute(select(OUTBOX.c.version).where(row)).scalar() == message.version
            connection.execute(update(OUTBOX).where(row).values(is_due=0 if is_same else 1, **values))

        self._database.write(work)


def put_message(connection: Connection, repository: int, status: Status, at: datetime) -> None:
    """How a context stands now, within a transaction of the caller's: due, unless it stood like that before."""
    row = of_context(repository, status)
    data = msgspec.msgpack.encode(status)
    changed_at = at.isoformat(timespec="microseconds")
    known = connection.execute(_FIND_MESSAGE, row).first()
    if known is None:
        connection.execute(
            _ADD_MESSAGE,
            {
                "repository": repository,
                "sha": status.sha,
                "context_key": status.context.lower(),
                "is_due": 1,
                "changed_at": changed_at,
                "version": 1,
                "status": data,
                "told": None,
                "remote": "",
                "problem": "",
            },
        )
    elif known.status != data:
        change = {"is_due": 1, "changed_at": changed_at, "version": known.version + 1, "status": data, "problem": ""}
        connection.execute(_SET_MESSAGE, {**row, **change})


def of_context(repository: int, status: Status) -> dict[str, object]:
    """The parameters of `given` with `OF_CONTEXT`."""
    return of(repository=repository, sha=status.sha, context_key=status.context.lower())


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        repository=row.repository,
        version=row.version,
        status=decode_status(row.status),
        told=None if row.told is None else decode_status(row.told),
        known=Told(row.remote),
        changed_at=datetime.fromisoformat(row.changed_at),
    )


def decode_status(data: bytes) -> Status:
    """As it was kept. Raises `StoreError`."""
    try:
        return msgspec.msgpack.decode(data, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"a status in the database cannot be read: {error}") from error

"""Keeps in a database what forges have delivered, until its events are known and for as long as the same may come again."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    insert,
    literal,
    or_,
    select,
    update,
)

from homeport.ports.repositories import StoreError
from homeport.store.tables.database import Database
from homeport.store.tables.old_rows import forget_old
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import METADATA, NUMBER

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("source", String, nullable=False),
    Column("delivery", String, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="of the body: the same again is a replay"),
    Column("repository", NUMBER, nullable=False),
    Column("event", String, nullable=False),
    Column("received_at", String, nullable=False),
    Column("state", String, nullable=False),
    Column("note", String, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="empty when its events are known"),
    UniqueConstraint("source", "delivery", name="uq_deliveries_source_delivery"),
    UniqueConstraint("repository", "digest", name="uq_deliveries_repository_digest"),
    Index(None, "digest"),
    Index(None, "delivery"),
    Index(None, "state", "repository", "id"),
    Index(None, "repository", "id"),
)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a forge sent: `source` is github or gitea, `delivery` the forge's own id, `event` its header. `id` is given when it is kept."""

    source: str
    delivery: str
    digest: bytes
    repository: int
    event: str
    received_at: datetime
    body: bytes
    id: int = 0
    state: str = "pending"
    note: str = ""


_ADD = insert(DELIVERIES)
_FIND_KNOWN = select(DELIVERIES.c.source, DELIVERIES.c.delivery, DELIVERIES.c.repository, DELIVERIES.c.digest).where(
    or_(
        DELIVERIES.c.delivery.in_(bindparam("ids", expanding=True)),
        DELIVERIES.c.digest.in_(bindparam("digests", expanding=True)),
    )
)
_PENDING = (
    select(DELIVERIES)
    .where(DELIVERIES.c.state == "pending", given(DELIVERIES, "repository"))
    .order_by(DELIVERIES.c.id)
    .limit(bindparam("most"))
)
_CONCLUDE = update(DELIVERIES).where(given(DELIVERIES, "id")).values(state="done", note=bindparam("note"), body=b"")


class TableDeliveries:
    """Deliveries that arrive together are written together: one piece of work for the database, however many they are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: list[tuple[Delivery, Future[bool]]] = []

    def keep(self, delivery: Delivery) -> "Future[bool]":
        """Done when it is durable: True for a new one, False for one that is known by its id or its body. Fails with `StoreError`. It
        cannot be cancelled: whoever does not wait any longer is not to take the others' answers along.
        """
        future: Future[bool] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            self._waiting.append((delivery, future))
            is_first = len(self._waiting) == 1
        if is_first:
            self._write_soon()
        return future

    def pending(self, repository: int, limit: int) -> Sequence[Delivery]:
        """Those of a repository that were not looked at, oldest first."""
        values = {**of(repository=repository), "most": limit}
        with self._database.read() as connection:
            return [_read_delivery(row) for row in connection.execute(_PENDING, values).all()]

    def repositories_with_pending(self) -> Sequence[int]:
        """Where something was not looked at."""
        query = select(DELIVERIES.c.repository).where(DELIVERIES.c.state == "pending").distinct()
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def list_heads(self, repository: int, *, before: int | None = None, limit: int = 50) -> Sequence[Delivery]:
        """Newest first, without their bodies: these can be large."""
        conditions = [DELIVERIES.c.repository == repository] + ([] if before is None else [DELIVERIES.c.id < before])
        columns = [column for column in DELIVERIES.c if column.name != "body"]
        query: Select[Any] = select(*columns, literal(b"").label("body")).where(*conditions)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(DELIVERIES.c.id.desc()).limit(limit)).all()
        return [_read_delivery(row) for row in rows]

    def prune(self, before: datetime) -> int:
        """Forget those that were looked at and are older: from then on the same again would be taken as new."""
        is_done = DELIVERIES.c.state != "pending"
        return forget_old(self._database, DELIVERIES, DELIVERIES.c.received_at, _stamp(before), is_done)

    def _write_soon(self) -> None:
        """Whatever waits when the database comes to it is written together."""
        taken: list[tuple[Delivery, Future[bool]]] = []

        def take() -> None:
            with self._lock:
                taken.extend(self._waiting)
                self._waiting.clear()

        def work(connection: Connection) -> Sequence[bool]:
            take()
            return insert_new(connection, [delivery for delivery, _ in taken])

        def settle(written: "Future[Sequence[bool]]") -> None:
            failure = written.exception()
            if failure is None:
                for (_, future), is_new in zip(taken, written.result(), strict=True):
                    future.set_result(is_new)
                return
            if not taken:
                take()
            for _, future in taken:
                future.set_exception(failure)

        try:
            self._database.submit(work).add_done_callback(settle)
        except StoreError as error:
            take()
            for _, future in taken:
                future.set_exception(error)


def conclude_deliveries(notes: Mapping[int, str]) -> Callable[[Connection], None]:
    """The work that writes down that the events of these deliveries are known; a note says why there are none."""

    def work(connection: Connection) -> None:
        if notes:
            connection.execute(_CONCLUDE, [{**of(id=delivery), "note": note} for delivery, note in notes.items()])

    return work


def insert_new(connection: Connection, taken: Sequence[Delivery]) -> Sequence[bool]:
    """Which of them are new. Two statements, whatever the number."""
    names = {"ids": [delivery.delivery for delivery in taken], "digests": [delivery.digest for delivery in taken]}
    known = connection.execute(_FIND_KNOWN, names).all()
    by_id = {(row.source, row.delivery) for row in known}
    by_body = {(row.repository, row.digest) for row in known}
    rows: list[dict[str, object]] = []
    answers: list[bool] = []
    for delivery in taken:
        id_key, body_key = (delivery.source, delivery.delivery), (delivery.repository, delivery.digest)
        is_new = id_key not in by_id and body_key not in by_body
        if is_new:
            by_id.add(id_key)
            by_body.add(body_key)
            rows.append(_delivery_row(delivery))
        answers.append(is_new)
    if rows:
        connection.execute(_ADD, rows)
    return answers


def _delivery_row(delivery: Delivery) -> dict[str, object]:
    return {
        "source": delivery.source,
        "delivery": delivery.delivery,
        "digest": delivery.digest,
        "repository": delivery.repository,
        "event": delivery.event,
        "received_at": _stamp(delivery.received_at),
        "state": delivery.state,
        "note": delivery.note,
        "body": delivery.body,
    }


def _read_delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        source=row.source,
        delivery=row.delivery,
        digest=row.digest,
        repository=row.repository,
        event=row.event,
        received_at=datetime.fromisoformat(row.received_at),
        state=row.state,
        note=row.note,
        body=row.body,
    )


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")

"""Keeps in a database what came from outside and is not an event yet: deliveries of forges, pushes, refs that were seen, ticks."""

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
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    literal,
    or_,
    select,
    update,
)

from homeport.ports.repositories import StoreError
from homeport.store.tables.counters import count_up
from homeport.store.tables.database import Database
from homeport.store.tables.old_rows import forget_old
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import METADATA

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("delivery", String, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="of the body: the same again is a replay"),
    Column("repository", Integer, nullable=False),
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

PUSHES = Table(
    "pushes",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("repository", Integer, nullable=False),
    Column("actor", String, nullable=False),
    Column("is_silent", Integer, nullable=False),
    Column("received_at", String, nullable=False),
    Column("commands", LargeBinary, nullable=False),
)
"""Pushes that git was handed and whose events are not known yet."""

SEEN_REFS = Table(
    "seen_refs",
    METADATA,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("ref", String, primary_key=True),
    Column("sha", String, nullable=False),
)

SCHEDULES = Table(
    "schedules",
    METADATA,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("workflow", String, primary_key=True),
    Column("cron", String, primary_key=True),
    Column("timezone", String, primary_key=True),
    Column("actor", String, nullable=False),
    Column("seen_until", String, nullable=False, comment="ticks up to here have fired or were missed"),
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
        """Done when it is durable: True for a new one, False for one that is known by its id or its body. Fails with `StoreError`."""
        future: Future[bool] = Future()
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

    def list(self, repository: int, *, before: int | None = None, limit: int = 50) -> Sequence[Delivery]:
        """Newest first."""
        conditions = [DELIVERIES.c.repository == repository] + ([] if before is None else [DELIVERIES.c.id < before])
        query = select(DELIVERIES).where(*conditions).order_by(DELIVERIES.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [_read_delivery(row) for row in connection.execute(query).all()]

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
            return _insert_new(connection, [delivery for delivery, _ in taken])

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
            "received_at": _stamp(at),
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


class TableSeenRefs:
    """What the refs of polled repositories were when they were last looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, repository: int) -> Mapping[str, str]:
        """By full name; empty before the first look."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(SEEN_REFS.c.ref, SEEN_REFS.c.sha).where(SEEN_REFS.c.repository == repository)
            )
            return {row.ref: row.sha for row in rows}


def write_seen_refs(connection: Connection, repository: int, refs: Mapping[str, str]) -> None:
    """What they are now."""
    connection.execute(delete(SEEN_REFS).where(SEEN_REFS.c.repository == repository))
    if refs:
        rows = [{"repository": repository, "ref": ref, "sha": sha} for ref, sha in refs.items()]
        connection.execute(insert(SEEN_REFS), rows)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One `cron` of a workflow on a default branch."""

    repository: int
    workflow: str
    cron: str
    timezone: str
    actor: str = ""
    seen_until: datetime

    @property
    def key(self) -> tuple[int, str, str, str]:
        """What makes it the same schedule."""
        return self.repository, self.workflow, self.cron, self.timezone


class TableSchedules:
    """The schedules of all default branches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> Sequence[Schedule]:
        """All of them."""
        with self._database.read() as connection:
            rows = connection.execute(select(SCHEDULES)).all()
        return [
            Schedule(
                repository=row.repository,
                workflow=row.workflow,
                cron=row.cron,
                timezone=row.timezone,
                actor=row.actor,
                seen_until=datetime.fromisoformat(row.seen_until),
            )
            for row in rows
        ]

    def replace(self, repository: int, wanted: Sequence[Schedule]) -> None:
        """The schedules of a repository as they are now; one that was there before keeps what it has seen."""

        def work(connection: Connection) -> None:
            rows = connection.execute(select(SCHEDULES).where(SCHEDULES.c.repository == repository)).all()
            known = {(row.repository, row.workflow, row.cron, row.timezone) for row in rows}
            for schedule in {one.key: one for one in wanted}.values():
                if schedule.key in known:
                    connection.execute(update(SCHEDULES).where(_is(*schedule.key)).values(actor=schedule.actor))
                else:
                    connection.execute(insert(SCHEDULES).values(_schedule_row(schedule)))
            for key in known - {one.key for one in wanted}:
                connection.execute(delete(SCHEDULES).where(_is(*key)))

        self._database.write(work)


def see_tick(connection: Connection, schedule: Schedule, until: datetime) -> bool:
    """Ticks up to here have fired or were missed; False where that is known already."""
    row = _is(*schedule.key) & (SCHEDULES.c.seen_until < _stamp(until))
    return connection.execute(update(SCHEDULES).where(row).values(seen_until=_stamp(until))).rowcount == 1


def _insert_new(connection: Connection, taken: Sequence[Delivery]) -> Sequence[bool]:
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


def _read_push(row: Row[Any]) -> Push:
    return Push(
        id=row.id,
        repository=row.repository,
        actor=row.actor,
        is_silent=bool(row.is_silent),
        received_at=datetime.fromisoformat(row.received_at),
        commands=msgspec.msgpack.decode(row.commands, type=tuple[RefCommand, ...]),
    )


def _is(repository: int, workflow: str, cron: str, timezone: str) -> Any:
    return (
        (SCHEDULES.c.repository == repository)
        & (SCHEDULES.c.workflow == workflow)
        & (SCHEDULES.c.cron == cron)
        & (SCHEDULES.c.timezone == timezone)
    )


def _schedule_row(schedule: Schedule) -> dict[str, object]:
    return {
        "repository": schedule.repository,
        "workflow": schedule.workflow,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "actor": schedule.actor,
        "seen_until": _stamp(schedule.seen_until),
    }


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")

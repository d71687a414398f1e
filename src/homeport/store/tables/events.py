"""Keeps in a database what happened in repositories, and what came of it: each event once, each of its runs once."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.event import Event
from homeport.plan.contexts import RunIdentity
from homeport.ports.clock import Clock
from homeport.ports.events import StoredEvent, WorkflowStart
from homeport.store.tables.counters import count_up
from homeport.store.tables.database import Database
from homeport.store.tables.numbers import LARGEST_NUMBER, read_number
from homeport.store.tables.old_rows import forget_old
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import METADATA, NUMBER

EVENTS = Table(
    "events",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("repository", NUMBER, nullable=False),
    Column("delivery", String, nullable=False),
    Column("name", String, nullable=False),
    Column("accepted_at", String, nullable=False),
    Column("state", String, nullable=False),
    Column("note", String, nullable=False),
    Column("event", LargeBinary, nullable=False),
    UniqueConstraint("repository", "delivery", name="uq_events_repository_delivery"),
    Index(None, "state", "repository", "id"),
    Index(None, "repository", "id"),
)

STARTS = Table(
    "workflow_starts",
    METADATA,
    Column("event", NUMBER, primary_key=True, autoincrement=False),
    Column("workflow", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("run", NUMBER, nullable=True),
    Column("number", NUMBER, nullable=False),
    Column("reason", String, nullable=False),
    Column("diagnostics", LargeBinary, nullable=False),
    ForeignKeyConstraint(["event"], ["events.id"], ondelete="CASCADE"),
    Index(None, "run"),
)

WATCHED_RUNS = Table(
    "watched_runs",
    METADATA,
    Column("run", NUMBER, primary_key=True, autoincrement=False),
    Column("attempt", NUMBER, primary_key=True, autoincrement=False),
    Column("repository", NUMBER, nullable=False),
)
"""Attempts at runs whose end has to be told to workflows with `on: workflow_run`, and was not yet."""

_FIND_SAME = select(EVENTS.c.id).where(given(EVENTS, "repository", "delivery"))
_ADD = insert(EVENTS)
_NEXT = (
    select(EVENTS)
    .where(EVENTS.c.state == "pending", given(EVENTS, "repository"), EVENTS.c.id > bindparam("after"))
    .order_by(EVENTS.c.id)
    .limit(1)
)
_CONCLUDE = update(EVENTS).where(given(EVENTS, "id")).values(state="planned", note=bindparam("note"))
_FIND_START = select(STARTS.c.run, STARTS.c.number).where(given(STARTS, "event", "workflow"))
_REMOVE_START = delete(STARTS).where(given(STARTS, "event", "workflow"))
_ADD_START = insert(STARTS)
_IS_WATCHED = select(WATCHED_RUNS.c.run).where(given(WATCHED_RUNS, "run", "attempt"))


class TableEvents:
    """An `EventLog` in a database, and the side of it that is written."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # --- taking in ----------------------------------------------------------------------------------------------------

    def accept(
        self,
        events: Sequence[tuple[int, str, Event]],
        also: Callable[[Connection], object] = lambda _: None,
    ) -> Sequence[int]:
        """Keep events (repository, delivery, event) that are not known yet, and do something else in the same transaction. Durable when
        it returns. Gives the numbers of the new ones.
        """

        def work(connection: Connection) -> Sequence[int]:
            kept = [self.keep(connection, repository, delivery, event) for repository, delivery, event in events]
            also(connection)
            return [number for number in kept if number is not None]

        return self._database.write(work)

    def keep(self, connection: Connection, repository: int, delivery: str, event: Event) -> int | None:
        """The same within a transaction of the caller's: the event's number, None where it is known."""
        same = of(repository=repository, delivery=delivery)
        if connection.execute(_FIND_SAME, same).scalar() is not None:
            return None
        number = count_up(connection, "event", "")
        connection.execute(
            _ADD,
            {
                "id": number,
                "repository": repository,
                "delivery": delivery,
                "name": event.name,
                "accepted_at": self._clock.now().isoformat(timespec="microseconds"),
                "state": "pending",
                "note": "",
                "event": msgspec.msgpack.encode(event),
            },
        )
        return number

    # --- planning -----------------------------------------------------------------------------------------------------

    def repositories_with_pending(self) -> Sequence[int]:
        """Where something is to be planned."""
        query = select(EVENTS.c.repository).where(EVENTS.c.state == "pending").distinct()
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def next_pending(self, repository: int, after: int = 0) -> StoredEvent | None:
        """The oldest of a repository that is not planned, and whose number is larger."""
        return self._first(_NEXT, {**of(repository=repository), "after": after})

    def identify(self, event: StoredEvent, workflow: str, name: str, *, is_watched: bool) -> RunIdentity:
        """The id and number of the run that an event starts of a workflow: given once, however often it is asked for. Numbers count
        per workflow file and repository, through renames of it.
        """

        def work(connection: Connection) -> RunIdentity:
            row = of(event=event.id, workflow=workflow)
            found = connection.execute(_FIND_START, row).first()
            if found is not None and found.run is not None:
                return RunIdentity(id=str(found.run), number=found.number)
            run = count_up(connection, "run", "")
            number = count_up(connection, f"number/{event.repository}", workflow)
            start = WorkflowStart(workflow=workflow, name=name, outcome="started", run=str(run), number=number)
            if found is not None:
                connection.execute(_REMOVE_START, row)
            connection.execute(_ADD_START, _start_row(event.id, start))
            if is_watched:
                connection.execute(insert(WATCHED_RUNS).values(run=run, attempt=1, repository=event.repository))
            return RunIdentity(id=str(run), number=number)

        return self._database.write(work)

    def conclude(self, event: int, note: str, starts: Sequence[WorkflowStart]) -> "Future[None]":
        """What became of an event. Of what is named in `starts`, the former word is replaced; runs that it had stay. The future is done
        when it is durable.
        """

        def work(connection: Connection) -> None:
            if starts:
                connection.execute(_REMOVE_START, [of(event=event, workflow=start.workflow) for start in starts])
                connection.execute(_ADD_START, [_start_row(event, start) for start in starts])
            connection.execute(_CONCLUDE, {**of(id=event), "note": note})

        return self._database.submit(work)

    # --- runs that others wait for ------------------------------------------------------------------------------------

    def watch(self, run: str, attempt: int, repository: int) -> None:
        """Another attempt at a run begins. Durable when it returns, or at the end of the batch that it is in."""
        added = insert(WATCHED_RUNS).values(run=int(run), attempt=attempt, repository=repository)
        self._database.write_soon(lambda connection: connection.execute(added))

    def watched(self) -> Sequence[tuple[str, int]]:
        """The attempts whose end was not told: the run of each, and its number."""
        query = select(WATCHED_RUNS.c.run, WATCHED_RUNS.c.attempt).order_by(WATCHED_RUNS.c.run, WATCHED_RUNS.c.attempt)
        with self._database.read() as connection:
            return [(str(row.run), row.attempt) for row in connection.execute(query)]

    def is_watched(self, run: str, attempt: int) -> bool:
        """Whether the end of an attempt is to be told."""
        with self._database.read() as connection:
            return connection.execute(_IS_WATCHED, of(run=int(run), attempt=attempt)).scalar() is not None

    # --- reading ------------------------------------------------------------------------------------------------------

    def find(self, event: int) -> StoredEvent | None:
        """By its number."""
        return self._first(select(EVENTS).where(EVENTS.c.id == event)) if event <= LARGEST_NUMBER else None

    def find_by_delivery(self, repository: int, delivery: str) -> StoredEvent | None:
        """By what names the occurrence."""
        return self._first(select(EVENTS).where(EVENTS.c.repository == repository, EVENTS.c.delivery == delivery))

    def find_by_run(self, run: str) -> StoredEvent | None:
        """By a run that it started."""
        number = read_number(run)
        if number is None:
            return None
        return self._first(select(EVENTS).join(STARTS, STARTS.c.event == EVENTS.c.id).where(STARTS.c.run == number))

    def list(self, repository: int, *, before: int | None = None, limit: int = 50) -> Sequence[StoredEvent]:
        """Newest first."""
        conditions = [EVENTS.c.repository == repository] + ([] if before is None else [EVENTS.c.id < before])
        with self._database.read() as connection:
            rows = connection.execute(select(EVENTS).where(*conditions).order_by(EVENTS.c.id.desc()).limit(limit)).all()
        return [_read_event(row) for row in rows]

    def starts(self, event: int) -> Sequence[WorkflowStart]:
        """By file."""
        with self._database.read() as connection:
            rows = connection.execute(select(STARTS).where(STARTS.c.event == event).order_by(STARTS.c.workflow)).all()
        return [_read_start(row) for row in rows]

    def prune(self, before: datetime) -> int:
        """Forget the events that were planned and are older; gives how many. Their runs stay."""
        is_done = EVENTS.c.state == "planned"
        stamp = before.isoformat(timespec="microseconds")
        return forget_old(self._database, EVENTS, EVENTS.c.accepted_at, stamp, is_done)

    def _first(self, query: Select[Any], values: dict[str, object] | None = None) -> StoredEvent | None:
        with self._database.read() as connection:
            row = connection.execute(query, values or {}).first()
        return None if row is None else _read_event(row)


def forget_watched(connection: Connection, run: str, attempt: int) -> None:
    """The end of an attempt was told."""
    ended = (WATCHED_RUNS.c.run == int(run)) & (WATCHED_RUNS.c.attempt == attempt)
    connection.execute(delete(WATCHED_RUNS).where(ended))


def _start_row(event: int, start: WorkflowStart) -> dict[str, object]:
    return {
        "event": event,
        "workflow": start.workflow,
        "name": start.name,
        "outcome": start.outcome,
        "run": int(start.run) if start.run else None,
        "number": start.number,
        "reason": start.reason,
        "diagnostics": msgspec.msgpack.encode(start.diagnostics),
    }


def _read_event(row: Row[Any]) -> StoredEvent:
    return StoredEvent(
        id=row.id,
        repository=row.repository,
        delivery=row.delivery,
        accepted_at=datetime.fromisoformat(row.accepted_at),
        state=row.state,
        note=row.note,
        event=msgspec.msgpack.decode(row.event, type=Event),
    )


def _read_start(row: Row[Any]) -> WorkflowStart:
    return WorkflowStart(
        workflow=row.workflow,
        name=row.name,
        outcome=row.outcome,
        run="" if row.run is None else str(row.run),
        number=row.number,
        reason=row.reason,
        diagnostics=msgspec.msgpack.decode(row.diagnostics, type=tuple[Diagnostic, ...]),
    )

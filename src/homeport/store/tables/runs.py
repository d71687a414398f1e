"""Keeps runs, their plans and their journals in a database."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update

from homeport.plan.model import Plan
from homeport.ports.repositories import RunRecord, StoreError
from homeport.run.codec import JournalError, decode_fact, encode_fact
from homeport.run.facts import RunFact, RunFinished
from homeport.store.tables.counters import count_up
from homeport.store.tables.database import Database
from homeport.store.tables.numbers import LARGEST_NUMBER, read_number
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import ATTEMPTS, FACTS

Value = TypeVar("Value")
Watcher = Callable[[Connection, int, int, Sequence[RunFact]], None]
"""Writes what follows from facts (run, attempt, facts) in the transaction that makes them durable. Called by the database's writer."""

_NOBODY = ""
_BLOCK = 1000
_FINISHED = "run_finished"

_ADD_FACTS = insert(FACTS)
_ADD_ATTEMPT = insert(ATTEMPTS)
_REPLACE_LATEST = update(ATTEMPTS).where(given(ATTEMPTS, "run")).values(is_latest=0)
_SET_OWNER = update(ATTEMPTS).where(given(ATTEMPTS, "run", "attempt")).values(owner=bindparam("owner"))
_JOURNAL = (
    select(FACTS.c.sequence, FACTS.c.fact)
    .where(given(FACTS, "run", "attempt"), FACTS.c.sequence > bindparam("after"))
    .order_by(FACTS.c.sequence)
    .limit(_BLOCK)
)
_NUMBERS = select(ATTEMPTS.c.run, ATTEMPTS.c.attempt)
_OWNER = select(ATTEMPTS.c.owner)
_WHOLE = select(ATTEMPTS.c.record, ATTEMPTS.c.plan)
_WANTED: dict[tuple[Select[Any], bool], Select[Any]] = {
    (query, is_named): query.where(
        given(ATTEMPTS, "run", "attempt") if is_named else given(ATTEMPTS, "run") & (ATTEMPTS.c.is_latest == 1)
    )
    for query in (_NUMBERS, _OWNER, _WHOLE)
    for is_named in (False, True)
}
"""By what is asked, and whether it is of an attempt that is named or of the latest"""


class TableRuns:
    """A `RunRepository` in a database, for the process that calls itself `owner`. `is_alive` tells which other owners still live.

    Facts are durable when `append` returns, or at the end of `Database.batch`.
    """

    def __init__(
        self, database: Database, owner: str, is_alive: Callable[[str], bool], watchers: Sequence[Watcher] = ()
    ) -> None:
        self._watchers = watchers
        self._database = database
        self._owner = owner
        self._is_alive = is_alive
        self._lengths: dict[tuple[int, int], int] = {}
        """the attempts that this process writes, and how many facts each has"""

    def begin_anew(self) -> None:
        """As if this process had died, and another come: what it was about to write was not written. `adopt` gives all open attempts."""
        self._owner = f"{self._owner.partition('+')[0]}+{os.urandom(4).hex()}"
        self._lengths = {}

    def new_id(self) -> str:
        """Counted up over all repositories."""
        return str(self._database.write(lambda connection: count_up(connection, "run", "")))

    def next_number(self, repository: str, workflow: str) -> int:
        """Counted per workflow file, as on GitHub."""
        return self._database.write(lambda connection: count_up(connection, f"number/{repository}", workflow))

    def create(self, record: RunRecord, plan: Plan) -> None:
        """Write the attempt; it is the run's latest now."""
        run, attempt = int(record.id), record.attempt
        values = {
            "run": run,
            "attempt": attempt,
            "repository": record.repository,
            "workflow": record.workflow,
            "number": record.number,
            "source": record.source,
            "created_at": record.created_at.isoformat(timespec="microseconds"),
            "is_latest": 1,
            "owner": self._owner,
            "record": msgspec.msgpack.encode(record),
            "plan": msgspec.msgpack.encode(plan),
        }

        def work(connection: Connection) -> None:
            if attempt > 1:
                connection.execute(_REPLACE_LATEST, of(run=run))
            connection.execute(_ADD_ATTEMPT, values)

        self._lengths[run, attempt] = 0
        self._database.write_soon(work)

    def append(self, run: str, attempt: int, facts: Sequence[RunFact]) -> None:
        """One row a fact."""
        key = int(run), attempt
        encoded = [(type(fact).__struct_config__.tag, encode_fact(fact)) for fact in facts]
        first = self._lengths[key]
        rows = [
            {"run": key[0], "attempt": attempt, "sequence": first + index, "type": tag, "fact": data}
            for index, (tag, data) in enumerate(encoded)
        ]
        self._lengths[key] = first + len(rows)

        def work(connection: Connection) -> None:
            connection.execute(_ADD_FACTS, rows)
            for watcher in self._watchers:
                watcher(connection, key[0], attempt, facts)

        self._database.write_soon(work)

    def close(self, run: str, attempt: int) -> None:
        """It has no writer any more."""
        self._leave(run, attempt, None)

    def abandon(self, run: str, attempt: int) -> None:
        """It has a writer that will not write."""
        self._leave(run, attempt, _NOBODY)

    def adopt(self) -> Sequence[RunRecord]:
        """Take what has a writer that is dead."""

        def work(connection: Connection) -> Sequence[Any]:
            owned = ATTEMPTS.c.owner.is_not(None) & (ATTEMPTS.c.owner != self._owner)
            order = (ATTEMPTS.c.run, ATTEMPTS.c.attempt)
            found = connection.execute(
                select(ATTEMPTS.c.run, ATTEMPTS.c.attempt, ATTEMPTS.c.owner, ATTEMPTS.c.record)
                .where(owned)
                .order_by(*order)
            ).all()
            lost = [row for row in found if row.owner == _NOBODY or not self._is_alive(row.owner)]
            for row in lost:
                connection.execute(_SET_OWNER, {**of(run=row.run, attempt=row.attempt), "owner": self._owner})
                count = (
                    select(func.count())
                    .select_from(FACTS)
                    .where(FACTS.c.run == row.run, FACTS.c.attempt == row.attempt)
                )
                self._lengths[row.run, row.attempt] = connection.execute(count).scalar_one()
            return lost

        return [_record(row.record) for row in self._database.write(work)]

    def is_open(self, run: str) -> bool:
        """Whether a living process writes the latest attempt. Of its own attempts this process knows before they are committed."""
        number = read_number(run)
        if any(own == number for own, _ in tuple(self._lengths)):  # another thread may delete one meanwhile
            return True
        row = self._first(_OWNER, run, None)
        return row is not None and bool(row.owner) and (row.owner == self._owner or self._is_alive(row.owner))

    def find(self, run: str, attempt: int | None = None) -> tuple[RunRecord, Plan] | None:
        """The record with its plan."""
        row = self._first(_WHOLE, run, attempt)
        return None if row is None else (_record(row.record), _decode(row.plan, Plan))

    def facts(self, run: str, attempt: int | None = None) -> Iterator[RunFact]:
        """Read in blocks. What a newer version wrote and the state does not depend on is passed over."""
        row = self._first(_NUMBERS, run, attempt)
        last = -1
        while row is not None:
            with self._database.read() as connection:
                block = connection.execute(_JOURNAL, {**of(run=row.run, attempt=row.attempt), "after": last}).all()
            for sequence, data in block:
                last = sequence
                if (fact := _read_fact(data, run)) is not None:
                    yield fact
            if len(block) < _BLOCK:
                return

    def ending(self, run: str, attempt: int | None = None) -> RunFinished | None:
        """It is the last fact that says so."""
        row = self._first(_NUMBERS, run, attempt)
        if row is None:
            return None
        journal = (FACTS.c.run == row.run) & (FACTS.c.attempt == row.attempt) & (FACTS.c.type == _FINISHED)
        with self._database.read() as connection:
            data = connection.execute(
                select(FACTS.c.fact).where(journal).order_by(FACTS.c.sequence.desc()).limit(1)
            ).scalar()
        fact = None if data is None else _read_fact(data, run)
        return fact if isinstance(fact, RunFinished) else None

    def list(
        self,
        *,
        repository: str | None = None,
        workflow: str | None = None,
        source: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """By the indexes; ids count up, so the newest are the largest."""
        wanted = {"repository": repository, "workflow": workflow, "source": source}
        query = select(ATTEMPTS.c.record).where(
            ATTEMPTS.c.is_latest == 1,
            *(ATTEMPTS.c[name] == value for name, value in wanted.items() if value is not None),
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(ATTEMPTS.c.run.desc()).limit(limit)).all()
        return [_record(row.record) for row in rows]

    def delete(self, run: str) -> None:
        """Its journals go with it."""
        number = read_number(run)
        if number is not None:
            for key in tuple(self._lengths):  # the engine's thread goes on writing others
                if key[0] == number:
                    self._lengths.pop(key, None)
            self._database.write(
                lambda connection: connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.run == number))
            )

    def _leave(self, run: str, attempt: int, owner: str | None) -> None:
        if self._lengths.pop((int(run), attempt), None) is not None:
            values = {**of(run=int(run), attempt=attempt), "owner": owner}
            self._database.write_soon(lambda connection: connection.execute(_SET_OWNER, values))

    def _first(self, query: Select[Any], run: str, attempt: int | None) -> Row[Any] | None:
        number = read_number(run)
        if number is None or (attempt is not None and attempt > LARGEST_NUMBER):
            return None
        values = of(run=number) if attempt is None else of(run=number, attempt=attempt)
        with self._database.read() as connection:
            return connection.execute(_WANTED[query, attempt is not None], values).first()


def _record(data: bytes) -> RunRecord:
    return _decode(data, RunRecord)


def _decode(data: bytes, kind: type[Value]) -> Value:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"a {kind.__name__} in the database cannot be read: {error}") from error


def _read_fact(data: bytes, run: str) -> RunFact | None:
    try:
        return decode_fact(data)
    except JournalError as error:
        raise StoreError(f"the journal of run {run} cannot be read: {error}") from error

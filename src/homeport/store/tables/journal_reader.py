"""Reads from journals in a database only the facts of certain kinds, from a place on."""

from collections.abc import Iterator, Sequence

from sqlalchemy import bindparam, select

from homeport.ports.repositories import StoreError
from homeport.run.codec import JournalError, decode_fact
from homeport.run.facts import RunFact
from homeport.store.tables.database import Database
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import FACTS

_BLOCK = 1000
_READ = (
    select(FACTS.c.sequence, FACTS.c.fact)
    .where(
        given(FACTS, "run", "attempt"),
        FACTS.c.sequence > bindparam("after"),
        FACTS.c.type.in_(bindparam("types", expanding=True)),
    )
    .order_by(FACTS.c.sequence)
    .limit(_BLOCK)
)


class JournalReader:
    """For those who fold a part of what happened, and go on later. Safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, run: str, attempt: int, *, after: int, types: Sequence[str]) -> Iterator[tuple[int, RunFact]]:
        """The facts of these types (as they are called on the wire) behind a place (-1: from the beginning), each with its place."""
        while True:
            with self._database.read() as connection:
                values = {**of(run=int(run), attempt=attempt), "after": after, "types": list(types)}
                block = connection.execute(_READ, values).all()
            for sequence, data in block:
                after = sequence
                try:
                    fact = decode_fact(data)
                except JournalError as error:
                    raise StoreError(f"the journal of run {run} cannot be read: {error}") from error
                if fact is not None:
                    yield sequence, fact
            if len(block) < _BLOCK:
                return

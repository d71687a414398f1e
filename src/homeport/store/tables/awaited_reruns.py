"""Keeps in a database which runs are to be run again as soon as they have ended."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, Table, delete, insert, select

from homeport.ports.run_api import RerunWish
from homeport.store.tables.database import Database
from homeport.store.tables.schema import METADATA, NUMBER

AWAITED_RERUNS = Table(
    "awaited_reruns",
    METADATA,
    Column("run", NUMBER, primary_key=True, autoincrement=False),
    Column("attempt", NUMBER, nullable=False, comment="the one whose end is awaited"),
    Column("body", LargeBinary, nullable=False),
    ForeignKeyConstraint(["run", "attempt"], ["attempts.run", "attempts.attempt"], ondelete="CASCADE"),
)


class AwaitedRerun(msgspec.Struct, frozen=True, kw_only=True):
    """What is to run again, and who asked for it. `refusal`: why it did not come to that."""

    run: str
    attempt: int
    wish: RerunWish
    by: str
    refusal: str = ""


class TableAwaitedReruns:
    """At most one a run. All may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> Sequence[AwaitedRerun]:
        """Those that can still begin."""
        with self._database.read() as connection:
            rows = connection.execute(select(AWAITED_RERUNS.c.body).order_by(AWAITED_RERUNS.c.run)).scalars().all()
        return [each for each in map(_read, rows) if not each.refusal]

    def find(self, run: str, attempt: int) -> AwaitedRerun | None:
        """What waits for the end of an attempt, or did not begin after it."""
        is_it = (AWAITED_RERUNS.c.run == int(run)) & (AWAITED_RERUNS.c.attempt == attempt)
        with self._database.read() as connection:
            row = connection.execute(select(AWAITED_RERUNS.c.body).where(is_it)).scalar()
        return None if row is None else _read(row)

    def put_soon(self, awaited: AwaitedRerun) -> None:
        """In the batch of the calling thread; takes the place of what was there for this run."""
        number = int(awaited.run)
        values = {"run": number, "attempt": awaited.attempt, "body": msgspec.msgpack.encode(awaited)}
        self.forget_soon(awaited.run)
        self._database.write_soon(lambda connection: connection.execute(insert(AWAITED_RERUNS).values(values)))

    def forget_soon(self, run: str) -> None:
        """In the batch of the calling thread."""
        is_it = AWAITED_RERUNS.c.run == int(run)
        self._database.write_soon(lambda connection: connection.execute(delete(AWAITED_RERUNS).where(is_it)))


def _read(body: bytes) -> AwaitedRerun:
    return msgspec.msgpack.decode(body, type=AwaitedRerun)

"""Keeps in a database how the pull requests of polled repositories stood when they were last looked at."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Column, Connection, String, Table, delete, insert, select

from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import Delivery, insert_new
from homeport.store.tables.schema import METADATA, NUMBER

SEEN_PULLS = Table(
    "seen_pulls",
    METADATA,
    Column("repository", NUMBER, primary_key=True, autoincrement=False),
    Column("number", NUMBER, primary_key=True, autoincrement=False, comment="0: there was a first look"),
    Column("head_sha", String, nullable=False),
    Column("is_open", NUMBER, nullable=False),
    Column("is_draft", NUMBER, nullable=False),
)


class SeenPull(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request as it was seen."""

    head_sha: str = ""
    is_open: bool = False
    is_draft: bool = False


class TableSeenPulls:
    """Those that were closed are remembered too: they may be opened again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, repository: int) -> Mapping[int, SeenPull] | None:
        """By number; None before the first look."""
        query = select(SEEN_PULLS).where(SEEN_PULLS.c.repository == repository)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        seen = {
            row.number: SeenPull(head_sha=row.head_sha, is_open=bool(row.is_open), is_draft=bool(row.is_draft))
            for row in rows
        }
        return None if seen.pop(0, None) is None else seen

    def begin(self, repository: int, seen: Mapping[int, SeenPull]) -> None:
        """What was there at the first look. Durable when it returns."""
        rows = [_row(repository, number, one) for number, one in {0: SeenPull(), **seen}.items()]

        def work(connection: Connection) -> None:
            connection.execute(delete(SEEN_PULLS).where(SEEN_PULLS.c.repository == repository))
            connection.execute(insert(SEEN_PULLS), rows)

        self._database.write(work)

    def change(self, repository: int, number: int, seen: SeenPull, deliveries: Sequence[Delivery]) -> None:
        """How one stands now, with what follows from it as if the forge had sent it. Durable when it returns, both or neither."""

        def work(connection: Connection) -> None:
            is_it = (SEEN_PULLS.c.repository == repository) & (SEEN_PULLS.c.number == number)
            connection.execute(delete(SEEN_PULLS).where(is_it))
            connection.execute(insert(SEEN_PULLS), _row(repository, number, seen))
            insert_new(connection, deliveries)

        self._database.write(work)


def _row(repository: int, number: int, seen: SeenPull) -> dict[str, object]:
    return {
        "repository": repository,
        "number": number,
        "head_sha": seen.head_sha,
        "is_open": int(seen.is_open),
        "is_draft": int(seen.is_draft),
    }

"""Keeps in a database what the refs of polled repositories were when they were last looked at."""

from collections.abc import Mapping

from sqlalchemy import Column, Connection, String, Table, delete, insert, select

from homeport.store.tables.database import Database
from homeport.store.tables.schema import METADATA, NUMBER

SEEN_REFS = Table(
    "seen_refs",
    METADATA,
    Column("repository", NUMBER, primary_key=True, autoincrement=False),
    Column("ref", String, primary_key=True, comment="empty: there was a first look"),
    Column("sha", String, nullable=False),
)


class TableSeenRefs:
    """What the refs of polled repositories were when they were last looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, repository: int) -> Mapping[str, str] | None:
        """By full name; None before the first look."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(SEEN_REFS.c.ref, SEEN_REFS.c.sha).where(SEEN_REFS.c.repository == repository)
            )
            seen = {row.ref: row.sha for row in rows}
        return None if seen.pop("", None) is None else seen


def write_seen_refs(connection: Connection, repository: int, refs: Mapping[str, str]) -> None:
    """What they are now."""
    connection.execute(delete(SEEN_REFS).where(SEEN_REFS.c.repository == repository))
    rows = [{"repository": repository, "ref": ref, "sha": sha} for ref, sha in {"": "", **refs}.items()]
    connection.execute(insert(SEEN_REFS), rows)

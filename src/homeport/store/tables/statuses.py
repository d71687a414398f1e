"""Keeps in a database every status that a commit was ever given, by Homeport's own jobs or by others."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Column, Connection, Index, Row, Select, String, Table, func, insert, select

from homeport.ports.forge import StatusState
from homeport.store.tables.database import Database
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import METADATA, NUMBER

STATUSES = Table(
    "statuses",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("repository", NUMBER, nullable=False),
    Column("sha", String, nullable=False),
    Column("context", String, nullable=False),
    Column("context_key", String, nullable=False, comment="the context in lower case: names are compared so"),
    Column("state", String, nullable=False),
    Column("description", String, nullable=False),
    Column("target_url", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("created_at", String, nullable=False),
    Index(None, "repository", "sha", "id"),
)

_ADD = insert(STATUSES)
_LATEST = (
    select(STATUSES).where(given(STATUSES, "repository", "sha", "context_key")).order_by(STATUSES.c.id.desc()).limit(1)
)


class CommitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One status of one commit. The latest of each context counts; `creator` is a login, empty for Homeport itself."""

    id: int
    repository: int
    sha: str
    context: str
    state: StatusState
    description: str = ""
    target_url: str = ""
    creator: str = ""
    created_at: datetime


class TableStatuses:
    """The statuses of all commits, for those who show them. They are written by `TableOutbox`. Safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, repository: int, sha: str, *, limit: int = 30, offset: int = 0) -> Sequence[CommitStatus]:
        """All of a commit, newest first."""
        return self._read(_of(repository, sha).order_by(STATUSES.c.id.desc()).limit(limit).offset(offset))

    def latest(self, repository: int, sha: str) -> Sequence[CommitStatus]:
        """The one that counts of each context, in the order in which the contexts came up."""
        newest = (
            select(func.max(STATUSES.c.id))
            .where(STATUSES.c.repository == repository, STATUSES.c.sha == sha)
            .group_by(STATUSES.c.context_key)
        )
        return self._read(select(STATUSES).where(STATUSES.c.id.in_(newest)).order_by(STATUSES.c.id))

    def _read(self, query: Select[tuple[object, ...]]) -> Sequence[CommitStatus]:
        with self._database.read() as connection:
            return [_status(row) for row in connection.execute(query)]


def combine(states: Sequence[StatusState]) -> StatusState:
    """The state of a commit as a whole. Source: GitHub docs, "Get the combined status for a specific reference": failure if any is an
    error or a failure, pending if there is none or any is pending, else success.
    """
    if any(state in ("failure", "error") for state in states):
        return "failure"
    return "pending" if not states or "pending" in states else "success"


def add_status(connection: Connection, status: CommitStatus) -> int:
    """Within a transaction of the caller's; gives the number (`status.id` is not looked at)."""
    values = msgspec.structs.asdict(status) | {
        "context_key": status.context.lower(),
        "created_at": status.created_at.isoformat(timespec="microseconds"),
    }
    del values["id"]
    made = connection.execute(_ADD, values).inserted_primary_key
    assert made is not None
    return int(made[0])


def find_latest(connection: Connection, repository: int, sha: str, context: str) -> CommitStatus | None:
    """The one that counts, within a transaction of the caller's."""
    row = connection.execute(_LATEST, of(repository=repository, sha=sha, context_key=context.lower())).first()
    return None if row is None else _status(row)


def _of(repository: int, sha: str) -> Select[tuple[object, ...]]:
    return select(STATUSES).where(STATUSES.c.repository == repository, STATUSES.c.sha == sha)


def _status(row: Row[tuple[object, ...]]) -> CommitStatus:
    return CommitStatus(
        id=row.id,
        repository=row.repository,
        sha=row.sha,
        context=row.context,
        state=row.state,
        description=row.description,
        target_url=row.target_url,
        creator=row.creator,
        created_at=datetime.fromisoformat(row.created_at),
    )

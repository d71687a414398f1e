"""Keeps in a database the checks that jobs have made themselves, by the REST interface; a job's own check is the job."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    func,
    insert,
    select,
    update,
)

from homeport.store.tables.database import Database
from homeport.store.tables.reports import mark_run
from homeport.store.tables.schema import METADATA, NUMBER

MADE_CHECKS = Table(
    "made_checks",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("repository", NUMBER, nullable=False),
    Column("sha", String, nullable=False),
    Column("run", NUMBER, nullable=False, comment="of the job that made it: it goes with the run"),
    Column("attempt", NUMBER, nullable=False, comment="the run's first, which is there as long as the run"),
    Column("name", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    ForeignKeyConstraint(["run", "attempt"], ["attempts.run", "attempts.attempt"], ondelete="CASCADE"),
    Index(None, "repository", "sha"),
    Index(None, "run"),
)

FIRST_OF_JOBS = 10_000_000
"""The numbers of jobs begin here (`run.job_numbers`): those below are of checks that were made"""
MOST_CHECKS = 1000
"""of a commit, and of a run"""
MOST_BYTES = 16 << 20
"""that they say"""
_ATTEMPT = 1
"""the run's first, which is there as long as the run"""
MadeStatus = Literal["queued", "in_progress", "completed", "waiting", "requested", "pending"]
MadeConclusion = Literal[
    "action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"
]
MadeLevel = Literal["notice", "warning", "failure"]


class MadeAnnotation(msgspec.Struct, frozen=True, kw_only=True):
    """A remark at a place of a file; lines and columns from 1."""

    path: str
    start_line: int
    end_line: int
    annotation_level: MadeLevel
    message: str
    start_column: int | None = None
    end_column: int | None = None
    title: str | None = None
    raw_details: str | None = None


class MadeCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check. `id` 0: it has no number yet."""

    id: int = 0
    repository: int
    sha: str
    run: int
    name: str
    status: MadeStatus = "queued"
    conclusion: MadeConclusion | None = None
    external_id: str = ""
    details_url: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: tuple[MadeAnnotation, ...] = ()


class TooMuchError(Exception):
    """A check is not kept, or not changed, in words."""


class TableMadeChecks:
    """Safe from any thread; durable when a call returns. All may raise `StoreError`. What is made or changed leaves a mark, so that it is told
    to the forge (`store.tables.reports`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, check: MadeCheck) -> MadeCheck:
        """With its number. Raises `TooMuchError`."""

        def work(connection: Connection) -> MadeCheck:
            last = connection.execute(select(func.max(MADE_CHECKS.c.id))).scalar() or 0
            if last + 1 >= FIRST_OF_JOBS:
                raise TooMuchError("There are no numbers left for checks.")
            made = msgspec.structs.replace(check, id=last + 1)
            connection.execute(insert(MADE_CHECKS).values(_values(made)))
            _measure(connection, made)
            mark_run(connection, made.run, _ATTEMPT)
            return made

        return self._database.write(work)

    def change(self, repository: int, number: int, change: Callable[[MadeCheck], MadeCheck]) -> MadeCheck | None:
        """What `change` makes of it; two changes at once both count. `change` must be pure. None: there is no such check. Raises
        `TooMuchError`.
        """

        def work(connection: Connection) -> MadeCheck | None:
            query = select(MADE_CHECKS).where(MADE_CHECKS.c.id == number, MADE_CHECKS.c.repository == repository)
            row = connection.execute(query).first()
            if row is None:
                return None
            changed = change(_check(row))
            connection.execute(update(MADE_CHECKS).where(MADE_CHECKS.c.id == number).values(_values(changed)))
            _measure(connection, changed)
            mark_run(connection, changed.run, _ATTEMPT)
            return changed

        return self._database.write(work)

    def find(self, repository: int, number: int) -> MadeCheck | None:
        """By its number."""
        if number >= FIRST_OF_JOBS:
            return None
        found = self._read((MADE_CHECKS.c.id == number) & (MADE_CHECKS.c.repository == repository))
        return found[0] if found else None

    def get(self, number: int) -> MadeCheck | None:
        """By its number, in whichever repository."""
        found = self._read(MADE_CHECKS.c.id == number)
        return found[0] if found else None

    def of_commit(self, repository: int, sha: str) -> Sequence[MadeCheck]:
        """The newest first."""
        return self._read((MADE_CHECKS.c.repository == repository) & (MADE_CHECKS.c.sha == sha))

    def of_run(self, repository: int, run: int) -> Sequence[MadeCheck]:
        """Those that its jobs have made, the newest first."""
        return self._read((MADE_CHECKS.c.repository == repository) & (MADE_CHECKS.c.run == run))

    def _read(self, condition: Any) -> Sequence[MadeCheck]:
        with self._database.read() as connection:
            rows = connection.execute(select(MADE_CHECKS).where(condition).order_by(MADE_CHECKS.c.id.desc())).all()
        return [_check(row) for row in rows]


def _measure(connection: Connection, check: MadeCheck) -> None:
    """Nothing of it is kept where it is too much: whoever looks at the run or the commit reads all of them."""
    of_commit = (MADE_CHECKS.c.repository == check.repository) & (MADE_CHECKS.c.sha == check.sha)
    for whose, there in (("commit", of_commit), ("run", MADE_CHECKS.c.run == check.run)):
        sizes = select(func.count(), func.sum(func.length(MADE_CHECKS.c.body))).where(there)
        count, size = connection.execute(sizes).one()
        if count > MOST_CHECKS:
            raise TooMuchError(f"A {whose} has {MOST_CHECKS} checks at most.")
        if size > MOST_BYTES:
            raise TooMuchError(f"The checks of a {whose} say {MOST_BYTES} bytes at most.")


def _values(check: MadeCheck) -> dict[str, Any]:
    return {
        "id": check.id,
        "repository": check.repository,
        "sha": check.sha,
        "run": check.run,
        "attempt": _ATTEMPT,
        "name": check.name,
        "body": msgspec.msgpack.encode(check),
    }


def _check(row: Row[Any]) -> MadeCheck:
    return msgspec.msgpack.decode(row.body, type=MadeCheck)

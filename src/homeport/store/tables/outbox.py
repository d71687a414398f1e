"""Keeps in a database how every check of every commit stands, and what of it a forge has not been told yet.

Facts that checks follow from leave a mark in the transaction that makes them durable (`mark_news`); what follows from them is worked
out afterwards, from the journal, and replaces the mark in one transaction (`report`). So nothing is lost whenever a process dies, and
the path of the runs carries one row more, and no forge.

A row of the outbox is one context of one commit, with its latest status and a version that counts up. It is due while the version that
the forge has acknowledged is another one; what came in between is not told any more.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from homeport.ports.forge import OPEN, Status, Told, Verdict, state_of
from homeport.ports.repositories import StoreError
from homeport.run.facts import (
    JobExpanded,
    JobFinished,
    JobQueued,
    JobStarted,
    RunFact,
    RunFinished,
    RunQueued,
)
from homeport.store.tables.database import Database
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import ATTEMPTS, METADATA
from homeport.store.tables.statuses import CommitStatus, add_status, find_latest

Value = TypeVar("Value")

NEWS = Table(
    "reporting_news",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    ForeignKeyConstraint(["run", "attempt"], ["attempts.run", "attempts.attempt"], ondelete="CASCADE"),
)

REPORTS = Table(
    "job_reports",
    METADATA,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("sha", String, primary_key=True),
    Column("context_key", String, primary_key=True),
    Column("source", String, primary_key=True, comment="the workflow's file, the event and the job's key"),
    Column("run", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", LargeBinary, nullable=False),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("repository", Integer, nullable=False),
    Column("sha", String, nullable=False),
    Column("context_key", String, nullable=False),
    Column("is_due", Integer, nullable=False),
    Column("changed_at", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", LargeBinary, nullable=False),
    Column("told", LargeBinary, nullable=True, comment="the last status that the forge has acknowledged"),
    Column("remote", String, nullable=False, comment="what the forge calls a check that is open there"),
    Column("problem", String, nullable=False, comment="why the forge will never take this version"),
    UniqueConstraint("repository", "sha", "context_key", name="uq_outbox_repository_sha_context_key"),
    Index(None, "is_due", "repository", "changed_at"),
)

_GRAVITY: tuple[Verdict, ...] = ("failure", "error", "cancelled", "running", "queued", "success", "skipped")
"""Of several jobs of one name, the first of these that occurs counts: nothing is green while another of the name is not."""
_OF_CONTEXT = ("repository", "sha", "context_key")
_MARK = insert(NEWS)
_NEWS = select(NEWS).order_by(NEWS.c.id).limit(1000)
_DUE = select(OUTBOX.c.repository).where(OUTBOX.c.is_due == 1).distinct()
_PROBLEMS = select(REPORTS.c.source, REPORTS.c.status).where(
    given(REPORTS, "repository", "sha"), REPORTS.c.attempt == 0
)
_DROP = delete(NEWS).where(given(NEWS, "id"))
_FIND_REPORT = select(REPORTS.c.run, REPORTS.c.attempt, REPORTS.c.status).where(given(REPORTS, *_OF_CONTEXT, "source"))
_ADD_REPORT = insert(REPORTS)
_SET_REPORT = (
    update(REPORTS)
    .where(given(REPORTS, *_OF_CONTEXT, "source"))
    .values({name: bindparam(name) for name in ("run", "attempt", "status")})
)
_REPORTS = select(REPORTS.c.run, REPORTS.c.status).where(given(REPORTS, *_OF_CONTEXT))
_FIND_MESSAGE = select(OUTBOX.c.version, OUTBOX.c.status, OUTBOX.c.is_due).where(given(OUTBOX, *_OF_CONTEXT))
_ADD_MESSAGE = insert(OUTBOX)
_SET_MESSAGE = (
    update(OUTBOX)
    .where(given(OUTBOX, *_OF_CONTEXT))
    .values({name: bindparam(name) for name in ("is_due", "changed_at", "version", "status", "problem")})
)
REPORTED = (RunQueued, JobExpanded, JobQueued, JobStarted, JobFinished, RunFinished)
"""the facts that checks may follow from"""


class News(msgspec.Struct, frozen=True):
    """A mark: in this attempt something has happened that checks may follow from."""

    id: int
    run: str
    attempt: int


class JobReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a job stands, as its run says. Jobs of one name (from several workflows, events, legs) share a context."""

    source: str
    run: int
    attempt: int
    status: Status


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told to a forge now."""

    id: int
    repository: int
    version: int
    status: Status
    told: Status | None
    known: Told
    changed_at: datetime


class Refusal(msgspec.Struct, frozen=True):
    """What a forge will not take, and why."""

    status: Status
    problem: str
    changed_at: datetime


def mark_news(connection: Connection, run: int, attempt: int, facts: Sequence[RunFact]) -> None:
    """To be called in the transaction that adds these facts to a journal."""
    if any(isinstance(fact, REPORTED) for fact in facts):
        connection.execute(_MARK, {"run": run, "attempt": attempt})


def mark_run(connection: Connection, run: int, attempt: int) -> None:
    """The same where something else has happened to a run: it waits for approval, or was rejected. One that is gone gets no mark."""
    there = select(ATTEMPTS.c.run, ATTEMPTS.c.attempt).where(ATTEMPTS.c.run == run, ATTEMPTS.c.attempt == attempt)
    connection.execute(insert(NEWS).from_select(["run", "attempt"], there))


class TableOutbox:
    """Safe from any thread; one thread at a time reports, and one at a time sends what belongs to one repository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- from facts to statuses ---------------------------------------------------------------------------------------

    def news(self) -> Sequence[News]:
        """The oldest marks."""
        with self._database.read() as connection:
            return [News(row.id, str(row.run), row.attempt) for row in connection.execute(_NEWS)]

    def report(
        self,
        repository: int,
        reports: Sequence[JobReport],
        *,
        at: datetime,
        is_forwarded: bool,
        done: Iterable[int] = (),
    ) -> "Future[None]":
        """Take in how jobs stand, and take these marks away, in one transaction; the future is done when it is durable, so that several may
        be made so together. `is_forwarded`: a forge is to be told.
        """

        def work(connection: Connection) -> None:
            for report in reports:
                if _put_report(connection, repository, report):
                    effective = _find_effective(connection, repository, report.status)
                    _put_status(connection, repository, effective, "", at, is_forwarded=is_forwarded)
            drop_news(connection, done)

        return self._database.submit(work)

    def drop(self, done: Iterable[int]) -> "Future[None]":
        """Take marks away of which nothing follows."""
        return self._database.submit(lambda connection: drop_news(connection, done))

    def find_problems(self, repository: int, sha: str) -> Sequence[tuple[str, Status]]:
        """What kept workflows of a commit from running, by source: the reports of no attempt."""
        with self._database.read() as connection:
            found = connection.execute(_PROBLEMS, of(repository=repository, sha=sha))
            return [(row.source, _decode(row.status)) for row in found]

    # --- what others say ----------------------------------------------------------------------------------------------

    def set_status(
        self, repository: int, status: Status, *, creator: str, at: datetime, is_forwarded: bool
    ) -> CommitStatus:
        """A status that somebody sets by the interface. Durable when it returns; each call makes one, as on GitHub."""
        made = self._database.write(
            lambda connection: _put_status(
                connection, repository, status, creator, at, is_forwarded=is_forwarded, is_always=True
            )
        )
        assert made is not None
        return made

    # --- from statuses to forges --------------------------------------------------------------------------------------

    def repositories_due(self) -> Sequence[int]:
        """Where a forge is to be told something."""
        with self._database.read() as connection:
            return list(connection.execute(_DUE).scalars())

    def due(self, repository: int, limit: int = 100) -> Sequence[Message]:
        """The oldest changes that the forge has not been told."""
        query = (
            select(OUTBOX)
            .where(OUTBOX.c.is_due == 1, OUTBOX.c.repository == repository)
            .order_by(OUTBOX.c.changed_at, OUTBOX.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_message(row) for row in connection.execute(query)]

    def list_due_ids(self) -> Sequence[int]:
        """The messages that are due, by number."""
        with self._database.read() as connection:
            return list(connection.execute(select(OUTBOX.c.id).where(OUTBOX.c.is_due == 1)).scalars())

    def count_due(self, repository: int | None = None) -> int:
        """How many contexts wait to be told."""
        query = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.is_due == 1)
        if repository is not None:
            query = query.where(OUTBOX.c.repository == repository)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def count_due_each(self) -> dict[int, int]:
        """The same for each repository where something waits."""
        due = select(OUTBOX.c.repository, func.count().label("number")).where(OUTBOX.c.is_due == 1)
        with self._database.read() as connection:
            return {row.repository: row.number for row in connection.execute(due.group_by(OUTBOX.c.repository))}

    def acknowledge(self, message: Message, told: Told) -> None:
        """The forge knows this version. What came meanwhile stays due."""
        remote = told.id if message.status.verdict in OPEN else ""
        self._settle(message, told=msgspec.msgpack.encode(message.status), remote=remote, problem="")

    def refuse(self, message: Message, problem: str) -> None:
        """The forge will never take this version."""
        self._settle(message, problem=problem)

    def refusals(self, repository: int, limit: int = 20) -> Sequence[Refusal]:
        """What the forge did not take, newest first."""
        query = (
            select(OUTBOX)
            .where(OUTBOX.c.repository == repository, OUTBOX.c.problem != "")
            .order_by(OUTBOX.c.changed_at.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                Refusal(_decode(row.status), row.problem, datetime.fromisoformat(row.changed_at))
                for row in connection.execute(query)
            ]

    def forget(self, before: datetime) -> int:
        """Take away what has been settled and not changed for so long; gives how many."""
        old = (OUTBOX.c.is_due == 0) & (OUTBOX.c.changed_at < before.isoformat(timespec="microseconds"))
        return self._database.write(lambda connection: connection.execute(delete(OUTBOX).where(old)).rowcount)

    def _settle(self, message: Message, **values: Any) -> None:
        row = OUTBOX.c.id == message.id

        def work(connection: Connection) -> None:
            is_same = connection.execute(select(OUTBOX.c.version).where(row)).scalar() == message.version
            connection.execute(update(OUTBOX).where(row).values(is_due=0 if is_same else 1, **values))

        self._database.write(work)


def drop_news(connection: Connection, done: Iterable[int]) -> None:
    """Take marks away, within a transaction of the caller's."""
    rows = [of(id=number) for number in done]
    if rows:
        connection.execute(_DROP, rows)


def _put_report(connection: Connection, repository: int, report: JobReport) -> bool:
    """Whether this is news. What an earlier run or attempt still has to say, once a later one has begun to speak, is not."""
    row = {**_of_context(repository, report.status), **of(source=report.source)}
    known = connection.execute(_FIND_REPORT, row).first()
    values = {"run": report.run, "attempt": report.attempt, "status": msgspec.msgpack.encode(report.status)}
    if known is None:
        key = {"repository": repository, "sha": report.status.sha, "context_key": report.status.context.lower()}
        connection.execute(_ADD_REPORT, {**key, "source": report.source, **values})
        return True
    if (known.run, known.attempt) > (report.run, report.attempt) or known.status == values["status"]:
        return False
    connection.execute(_SET_REPORT, {**row, **values})
    return True


def _find_effective(connection: Connection, repository: int, status: Status) -> Status:
    """The gravest of what the jobs of this name say of the commit; among equals, that of the latest run."""
    rows = connection.execute(_REPORTS, _of_context(repository, status))
    found = [(row.run, _decode(row.status)) for row in rows]
    return min(found, key=lambda each: (_GRAVITY.index(each[1].verdict), -each[0]))[1]


def _put_status(
    connection: Connection,
    repository: int,
    status: Status,
    creator: str,
    at: datetime,
    *,
    is_forwarded: bool,
    is_always: bool = False,
) -> CommitStatus | None:
    """Into the list of the commit's statuses, and into the outbox where a forge is to be told."""
    made = CommitStatus(
        id=0,
        repository=repository,
        sha=status.sha,
        context=status.context,
        state=state_of(status.verdict),
        description=status.description,
        target_url=status.target_url,
        creator=creator,
        created_at=at,
    )
    before = None if is_always else find_latest(connection, repository, status.sha, status.context)
    is_new = before is None or _words(before) != _words(made)
    if is_new:
        made = msgspec.structs.replace(made, id=add_status(connection, made))
    if is_forwarded:
        _put_message(connection, repository, status, at)
    return made if is_new else before


def _put_message(connection: Connection, repository: int, status: Status, at: datetime) -> None:
    row = _of_context(repository, status)
    data = msgspec.msgpack.encode(status)
    changed_at = at.isoformat(timespec="microseconds")
    known = connection.execute(_FIND_MESSAGE, row).first()
    if known is None:
        connection.execute(
            _ADD_MESSAGE,
            {
                "repository": repository,
                "sha": status.sha,
                "context_key": status.context.lower(),
                "is_due": 1,
                "changed_at": changed_at,
                "version": 1,
                "status": data,
                "told": None,
                "remote": "",
                "problem": "",
            },
        )
    elif known.status != data:
        change = {"is_due": 1, "changed_at": changed_at, "version": known.version + 1, "status": data, "problem": ""}
        connection.execute(_SET_MESSAGE, {**row, **change})


def _of_context(repository: int, status: Status) -> dict[str, object]:
    return of(repository=repository, sha=status.sha, context_key=status.context.lower())


def _words(status: CommitStatus) -> tuple[str, str, str]:
    return status.state, status.description, status.target_url


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        repository=row.repository,
        version=row.version,
        status=_decode(row.status),
        told=None if row.told is None else _decode(row.told),
        known=Told(row.remote),
        changed_at=datetime.fromisoformat(row.changed_at),
    )


def _decode(data: bytes) -> Status:
    try:
        return msgspec.msgpack.decode(data, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"a status in the database cannot be read: {error}") from error

"""Keeps in a database how every check of every commit stands, worked out from what jobs have come to.

Facts that checks follow from leave a mark in the transaction that makes them durable (`mark_news`); what follows from them is worked
out afterwards, from the journal, and replaces the mark in one transaction (`TableReports.report`), which also puts it into the outbox. So
nothing is lost whenever a process dies, and the path of the runs carries one row more, and no forge.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from homeport.ports.forge import Status, Verdict, state_of
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
from homeport.store.tables.outbox import OF_CONTEXT, decode_status, of_context, put_message
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import ATTEMPTS, METADATA, NUMBER
from homeport.store.tables.statuses import CommitStatus, add_status, find_latest

NEWS = Table(
    "reporting_news",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("run", NUMBER, nullable=False),
    Column("attempt", NUMBER, nullable=False),
    ForeignKeyConstraint(["run", "attempt"], ["attempts.run", "attempts.attempt"], ondelete="CASCADE"),
)

REPORTS = Table(
    "job_reports",
    METADATA,
    Column("repository", NUMBER, primary_key=True, autoincrement=False),
    Column("sha", String, primary_key=True),
    Column("context_key", String, primary_key=True),
    Column("source", String, primary_key=True, comment="the workflow's file, the event and the job's key"),
    Column("run", NUMBER, nullable=False),
    Column("attempt", NUMBER, nullable=False),
    Column("status", LargeBinary, nullable=False),
)

_GRAVITY: tuple[Verdict, ...] = ("failure", "error", "cancelled", "running", "queued", "success", "skipped")
"""Of several jobs of one name, the first of these that occurs counts: nothing is green while another of the name is not."""
_SET = "set by the interface"
"""the source of such statuses: no workflow's file and no event is called so"""
_MARK = insert(NEWS)
_NEWS = select(NEWS).order_by(NEWS.c.id).limit(1000)
_PROBLEMS = select(REPORTS.c.source, REPORTS.c.status).where(
    given(REPORTS, "repository", "sha"), REPORTS.c.attempt == 0
)
_DROP = delete(NEWS).where(given(NEWS, "id"))
_FIND_REPORT = select(REPORTS.c.run, REPORTS.c.attempt, REPORTS.c.status).where(given(REPORTS, *OF_CONTEXT, "source"))
_ADD_REPORT = insert(REPORTS)
_SET_REPORT = (
    update(REPORTS)
    .where(given(REPORTS, *OF_CONTEXT, "source"))
    .values({name: bindparam(name) for name in ("run", "attempt", "status")})
)
_REPORTS = select(REPORTS.c.run, REPORTS.c.status).where(given(REPORTS, *OF_CONTEXT))
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


def mark_news(connection: Connection, run: int, attempt: int, facts: Sequence[RunFact]) -> None:
    """To be called in the transaction that adds these facts to a journal."""
    if any(isinstance(fact, REPORTED) for fact in facts):
        connection.execute(_MARK, {"run": run, "attempt": attempt})


def mark_run(connection: Connection, run: int, attempt: int) -> None:
    """The same where something else has happened to a run: it waits for approval, or was rejected. One that is gone gets no mark."""
    there = select(ATTEMPTS.c.run, ATTEMPTS.c.attempt).where(ATTEMPTS.c.run == run, ATTEMPTS.c.attempt == attempt)
    connection.execute(insert(NEWS).from_select(["run", "attempt"], there))


class TableReports:
    """Safe from any thread; one thread at a time reports."""

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
            _drop_news(connection, done)

        return self._database.submit(work)

    def drop(self, done: Iterable[int]) -> "Future[None]":
        """Take marks away of which nothing follows."""
        return self._database.submit(lambda connection: _drop_news(connection, done))

    def find_problems(self, repository: int, sha: str) -> Sequence[tuple[str, Status]]:
        """What kept workflows of a commit from running, by source: the reports of no attempt."""
        with self._database.read() as connection:
            found = connection.execute(_PROBLEMS, of(repository=repository, sha=sha))
            return [(row.source, decode_status(row.status)) for row in found]

    # --- what others say ----------------------------------------------------------------------------------------------

    def set_status(
        self, repository: int, status: Status, *, creator: str, at: datetime, is_forwarded: bool
    ) -> CommitStatus:
        """A status that somebody sets by the interface. Durable when it returns; each call makes one, as on GitHub. Where jobs have its name
        too, the gravest counts: nobody makes a job green (docs: "Troubleshooting required status checks": both are required).
        """

        def work(connection: Connection) -> CommitStatus | None:
            made = _put_status(connection, repository, status, creator, at, is_forwarded=False, is_always=True)
            _put_report(connection, repository, JobReport(source=_SET, run=0, attempt=1, status=status))
            effective = _find_effective(connection, repository, status)
            if effective != status:
                _put_status(connection, repository, effective, "", at, is_forwarded=False)
            if is_forwarded:
                put_message(connection, repository, effective, at)
            return made

        made = self._database.write(work)
        assert made is not None
        return made


def _drop_news(connection: Connection, done: Iterable[int]) -> None:
    """Take marks away, within a transaction of the caller's."""
    rows = [of(id=number) for number in done]
    if rows:
        connection.execute(_DROP, rows)


def _put_report(connection: Connection, repository: int, report: JobReport) -> bool:
    """Whether this is news. What an earlier run or attempt still has to say, once a later one has begun to speak, is not."""
    row = {**of_context(repository, report.status), **of(source=report.source)}
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
    rows = connection.execute(_REPORTS, of_context(repository, status))
    found = [(row.run, decode_status(row.status)) for row in rows]
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
        put_message(connection, repository, status, at)
    return made if is_new else before


def _words(status: CommitStatus) -> tuple[str, str, str]:
    return status.state, status.description, status.target_url

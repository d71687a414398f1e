"""Keeps in a database the runs that wait for approval, with everything that is needed to begin them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import Column, Connection, Index, LargeBinary, Row, String, Table, insert, select, update

from homeport.plan.model import Plan
from homeport.ports.approvals import Decision, HeldRun
from homeport.ports.repositories import RunRecord, StoreError
from homeport.store.tables.database import Database
from homeport.store.tables.history_fold import forget, write_held
from homeport.store.tables.numbers import read_number
from homeport.store.tables.reports import mark_run
from homeport.store.tables.schema import ATTEMPTS, FACTS, METADATA, NUMBER

HELD_RUNS = Table(
    "held_runs",
    METADATA,
    Column("run", NUMBER, primary_key=True, autoincrement=False),
    Column("repository", NUMBER, nullable=False),
    Column("pull_request", NUMBER, nullable=False),
    Column("head_sha", String, nullable=False),
    Column("author", String, nullable=False),
    Column("held_at", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("decided_at", String, nullable=True),
    Column("record", LargeBinary, nullable=False),
    Column("plan", LargeBinary, nullable=False, comment="empty once the run has begun"),
    Index(None, "repository", "decision"),
    Index(None, "repository", "head_sha"),
)

_BEGUN = b""


class TableHeldRuns:
    """Safe from any thread; durable when a call returns. All may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(self, held: HeldRun, record: RunRecord, plan: Plan) -> bool:
        """Keep a run, unless its commit was approved before: then False, and it may begin. Holding again changes nothing."""

        def work(connection: Connection) -> bool:
            if connection.execute(select(HELD_RUNS.c.run).where(HELD_RUNS.c.run == int(held.run))).first() is not None:
                return True
            same = (HELD_RUNS.c.repository == held.repository) & (HELD_RUNS.c.head_sha == held.head_sha)
            approved = select(HELD_RUNS.c.run).where(same, HELD_RUNS.c.decision == "approved").limit(1)
            if connection.execute(approved).first() is not None:
                return False
            connection.execute(insert(HELD_RUNS).values(_values(held, record, plan)))
            connection.execute(insert(ATTEMPTS).values(_attempt(record, plan)))
            write_held(connection, record, plan)
            mark_run(connection, int(held.run), record.attempt)
            return True

        return self._database.write(work)

    def find(self, run: str) -> HeldRun | None:
        """By the run's id, whatever was decided; what is no id has no run."""
        row = self._first(run)
        return None if row is None else _held(row)

    def list(self, repository: int | None, decision: Decision = "waiting") -> Sequence[HeldRun]:
        """Oldest first; None: of all repositories. What was deleted is not among them."""
        kept = HELD_RUNS.c.run.in_(select(ATTEMPTS.c.run))
        query = select(HELD_RUNS).where(HELD_RUNS.c.decision == decision, kept).order_by(HELD_RUNS.c.run)
        if repository is not None:
            query = query.where(HELD_RUNS.c.repository == repository)
        with self._database.read() as connection:
            return [_held(row) for row in connection.execute(query).all()]

    def decide(self, repository: int, head_sha: str, decision: Decision, by: str, at: datetime) -> Sequence[HeldRun]:
        """For all that a commit has started, that is not approved yet, nor expired or deleted; gives them as they are now."""
        same = (
            (HELD_RUNS.c.repository == repository)
            & (HELD_RUNS.c.head_sha == head_sha)
            & HELD_RUNS.c.decision.in_(("waiting", "rejected"))
            & HELD_RUNS.c.run.in_(select(ATTEMPTS.c.run))
        )
        values = {"decision": decision, "decided_by": by, "decided_at": at.isoformat(timespec="microseconds")}

        def work(connection: Connection) -> Sequence[HeldRun]:
            runs = list(connection.execute(select(HELD_RUNS.c.run).where(same).order_by(HELD_RUNS.c.run)).scalars())
            connection.execute(update(HELD_RUNS).where(same).values(values))
            for run in runs:
                mark_run(connection, run, 1)
            chosen = select(HELD_RUNS).where(HELD_RUNS.c.run.in_(runs)).order_by(HELD_RUNS.c.run)
            return [_held(row) for row in connection.execute(chosen).all()]

        return self._database.write(work)

    def expire(self, before: datetime, at: datetime) -> Sequence[str]:
        """End the waiting of runs that wait since before then; gives them."""
        stamp = before.isoformat(timespec="microseconds")
        old = (HELD_RUNS.c.decision == "waiting") & (HELD_RUNS.c.held_at < stamp)
        values = {"decision": "expired", "decided_at": at.isoformat(timespec="microseconds")}

        def work(connection: Connection) -> Sequence[str]:
            runs = list(connection.execute(select(HELD_RUNS.c.run).where(old).order_by(HELD_RUNS.c.run)).scalars())
            connection.execute(update(HELD_RUNS).where(old).values(values))
            for run in connection.execute(select(ATTEMPTS.c.run).where(ATTEMPTS.c.run.in_(runs))).scalars().all():
                mark_run(connection, run, 1)
            return [str(run) for run in runs]

        return self._database.write(work)

    def find_plan(self, run: str) -> tuple[RunRecord, Plan] | None:
        """What to begin a run with; None where there is none, or it has begun."""
        row = self._first(run)
        if row is None or row.plan == _BEGUN:
            return None
        try:
            return msgspec.msgpack.decode(row.record, type=RunRecord), msgspec.msgpack.decode(row.plan, type=Plan)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"the plan of run {run}, which waited for approval, cannot be read: {error}") from error

    def approved_not_begun(self) -> Sequence[str]:
        """Of a server that ended between the word and the deed."""
        query = select(HELD_RUNS.c.run).where(HELD_RUNS.c.decision == "approved", HELD_RUNS.c.plan != _BEGUN)
        with self._database.read() as connection:
            return [str(run) for run in connection.execute(query.order_by(HELD_RUNS.c.run)).scalars()]

    def make_way(self, run: str) -> None:
        """Take away what a run was shown by while it waited, where it has not begun."""

        def work(connection: Connection) -> None:
            has_begun = connection.execute(select(FACTS.c.run).where(FACTS.c.run == int(run)).limit(1)).first()
            if has_begun is None:
                forget(connection, int(run))

        self._database.write(work)

    def note_begun(self, run: str) -> None:
        """Its plan is kept with the run now."""
        change = update(HELD_RUNS).where(HELD_RUNS.c.run == int(run)).values(plan=_BEGUN)
        self._database.write(lambda connection: connection.execute(change))

    def _first(self, run: str) -> Row[Any] | None:
        number = read_number(run)
        if number is None:
            return None
        with self._database.read() as connection:
            return connection.execute(select(HELD_RUNS).where(HELD_RUNS.c.run == number)).first()


def _values(held: HeldRun, record: RunRecord, plan: Plan) -> dict[str, Any]:
    return {
        "run": int(held.run),
        "repository": held.repository,
        "pull_request": held.pull_request,
        "head_sha": held.head_sha,
        "author": held.author,
        "held_at": held.held_at.isoformat(timespec="microseconds"),
        "decision": held.decision,
        "decided_by": held.decided_by,
        "decided_at": None,
        "record": msgspec.msgpack.encode(record),
        "plan": msgspec.msgpack.encode(plan),
    }


def _attempt(record: RunRecord, plan: Plan) -> dict[str, Any]:
    """By which everybody finds the run meanwhile. Nobody is its writer, so that no process takes it up."""
    return {
        "run": int(record.id),
        "attempt": record.attempt,
        "repository": record.repository,
        "workflow": record.workflow,
        "number": record.number,
        "source": record.source,
        "created_at": record.created_at.isoformat(timespec="microseconds"),
        "is_latest": 1,
        "owner": None,
        "record": msgspec.msgpack.encode(record),
        "plan": msgspec.msgpack.encode(plan),
    }


def _held(row: Row[Any]) -> HeldRun:
    return HeldRun(
        run=str(row.run),
        repository=row.repository,
        pull_request=row.pull_request,
        head_sha=row.head_sha,
        author=row.author,
        held_at=datetime.fromisoformat(row.held_at),
        decision=cast("Decision", row.decision),
        decided_by=row.decided_by,
        decided_at=None if row.decided_at is None else datetime.fromisoformat(row.decided_at),
    )

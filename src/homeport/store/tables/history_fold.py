"""Folds a journal into the rows by which its attempt is found again, and writes them where the journal itself is written."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, literal, select, update

from homeport.plan.model import Plan
from homeport.ports.repositories import RunRecord
from homeport.ports.run_entries import JobEntry, RunEntry
from homeport.rest.journal import Reading, describe_run
from homeport.run.codec import decode_fact
from homeport.run.facts import AnnotationRaised, RunFact, RunFinished
from homeport.store.tables.database import Database
from homeport.store.tables.history_schema import HISTORY_FACETS, HISTORY_JOBS, HISTORY_RUNS, RUN_MARKS
from homeport.store.tables.prepared import given, of
from homeport.store.tables.schema import ATTEMPTS, FACTS

_LONGEST_TEXT = 300
_BLOCK = 2000
FACETS = ("workflow", "branch", "actor", "event")

_HAS_ROW = select(HISTORY_RUNS.c.run).where(given(HISTORY_RUNS, "run", "attempt"))
_HAS_RUN = select(literal(1)).select_from(HISTORY_RUNS).where(given(HISTORY_RUNS, "run")).limit(1)
_ADD_RUN = insert(HISTORY_RUNS)
_SET_STATE = (
    update(HISTORY_RUNS)
    .where(given(HISTORY_RUNS, "run", "attempt"))
    .values({name: bindparam(name) for name in ("status", "conclusion", "finished_at", "entry")})
)
_REPLACE_LATEST = update(HISTORY_RUNS).where(given(HISTORY_RUNS, "run")).values(is_latest=0)
_ADD_JOB = insert(HISTORY_JOBS)
_SET_JOB = (
    update(HISTORY_JOBS)
    .where(given(HISTORY_JOBS, "number"))
    .values({name: bindparam(name) for name in ("status", "annotations", "entry")})
)
_FIND_ATTEMPT = select(ATTEMPTS.c.record, ATTEMPTS.c.plan).where(given(ATTEMPTS, "run", "attempt"))
_FIND_MARKS = select(RUN_MARKS.c.kind).where(given(RUN_MARKS, "run"))
_ADD_FACET = insert(HISTORY_FACETS)
_COUNT_FACET = (
    update(HISTORY_FACETS)
    .where(given(HISTORY_FACETS, "repository_id", "kind", "value"))
    .values(runs=HISTORY_FACETS.c.runs + 1, last_run=bindparam("last_run"), label=bindparam("label"))
)


class AttemptFold:
    """What is written of one attempt: its row, and one for each of its jobs."""

    def __init__(self, record: RunRecord, entry: RunEntry) -> None:
        self.run = entry
        self.jobs: dict[str, JobEntry] = {}
        self.annotations: dict[str, int] = {}
        self._reading = Reading(record)

    def take(self, facts: Iterable[RunFact]) -> list[str]:
        """More facts, in order; gives the keys of the jobs whose rows have changed."""
        noted: list[str] = []
        for fact in facts:
            self._reading.take(fact)
            if isinstance(fact, AnnotationRaised) and fact.job is not None:
                self.annotations[fact.job] = self.annotations.get(fact.job, 0) + 1
                noted.append(fact.job)
        reading = self._reading
        if (reading.status, reading.conclusion) != (self.run.status, self.run.conclusion):
            self.run = msgspec.structs.replace(
                self.run, status=reading.status, conclusion=reading.conclusion, updated_at=reading.updated_at
            )
        changed = [key for key, job in reading.jobs.items() if self.jobs.get(key) is not job]
        self.jobs = dict(reading.jobs)
        return list(dict.fromkeys([*changed, *(key for key in noted if key in self.jobs)]))

    def position_of(self, key: str) -> int:
        """Jobs are shown in the order in which they came up."""
        return list(self.jobs).index(key)


class HistoryFolds:
    """Follows the journals of a `TableRuns`, as one of its watchers. Used by the database's writer, inside its transactions."""

    def __init__(self) -> None:
        self._folds: dict[tuple[int, int], AttemptFold] = {}

    def begin_anew(self) -> None:
        """What was folded may not have been written: journals are read again. To be called while nothing is written."""
        self._folds = {}

    def follow(self, connection: Connection, run: int, attempt: int, facts: Sequence[RunFact]) -> None:
        """More facts of an attempt. Its first are those that begin it."""
        key = run, attempt
        fold = self._folds.pop(key, None)
        if fold is None:
            fold, facts = _take_up(connection, run, attempt, facts)
        if fold is None:
            return
        before = fold.run
        known = set(fold.jobs)
        changed = fold.take(facts)
        if fold.run is not before:
            finished = next((fact.at.isoformat() for fact in facts if isinstance(fact, RunFinished)), "")
            connection.execute(_SET_STATE, {**of(run=run, attempt=attempt), **_state(fold.run, finished)})
        _write_jobs(connection, run, attempt, fold, changed, known)
        if fold.run.status != "completed":
            self._folds[key] = fold  # where something failed above, the next one reads the journal


def write_held(connection: Connection, record: RunRecord, plan: Plan) -> None:
    """A run without a journal, which waits for approval: completed, as GitHub shows it, and that as its conclusion."""
    entry = _write_attempt(connection, record, plan, is_latest=True).run
    held = msgspec.structs.replace(entry, status="completed", conclusion="action_required")
    connection.execute(_SET_STATE, {**of(run=held.id, attempt=held.attempt), **_state(held, "")})


def forget(connection: Connection, run: int) -> None:
    """A run goes: what was counted for it, what was noted about it, its journals and all that hangs on them."""
    row = connection.execute(
        select(HISTORY_RUNS).where(HISTORY_RUNS.c.run == run).order_by(HISTORY_RUNS.c.attempt).limit(1)
    ).first()
    if row is not None:
        for kind in FACETS:
            facet = _facet(row.repository_id, kind, getattr(row, kind))
            connection.execute(update(HISTORY_FACETS).where(facet).values(runs=HISTORY_FACETS.c.runs - 1))
            connection.execute(delete(HISTORY_FACETS).where(facet, HISTORY_FACETS.c.runs <= 0))
    connection.execute(delete(RUN_MARKS).where(RUN_MARKS.c.run == run))
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.run == run))


def fold_again(database: Database) -> int:
    """Make all rows anew from the journals, one attempt after the other; gives how many there were. What is written meanwhile waits."""

    def work(connection: Connection) -> int:
        for table in (HISTORY_JOBS, HISTORY_RUNS, HISTORY_FACETS):
            connection.execute(delete(table))
        count = 0
        for run, attempt, is_latest in _list_attempts(connection):
            _fold_attempt(connection, run, attempt, is_latest=is_latest)
            count += 1
        return count

    return database.write(work)


def _list_attempts(connection: Connection) -> list[tuple[int, int, bool]]:
    order = (ATTEMPTS.c.run, ATTEMPTS.c.attempt)
    rows = connection.execute(select(*order, ATTEMPTS.c.is_latest).order_by(*order)).all()
    return [(row.run, row.attempt, bool(row.is_latest)) for row in rows]


def _fold_attempt(connection: Connection, run: int, attempt: int, *, is_latest: bool) -> None:
    found = _find(connection, run, attempt)
    if found is None:
        return
    if _is_held(connection, run, attempt):
        write_held(connection, *found)
        return
    fold = _write_attempt(connection, *found, is_latest=is_latest)
    finished = ""
    for facts in _read_journal(connection, run, attempt):
        fold.take(facts)
        finished = next((fact.at.isoformat() for fact in facts if isinstance(fact, RunFinished)), finished)
    connection.execute(_SET_STATE, {**of(run=run, attempt=attempt), **_state(fold.run, finished)})
    _write_jobs(connection, run, attempt, fold, list(fold.jobs), set())


def _is_held(connection: Connection, run: int, attempt: int) -> bool:
    """Whether an attempt waits for approval: nobody writes it, and it has no journal."""
    owned = select(ATTEMPTS.c.run).where(
        ATTEMPTS.c.run == run, ATTEMPTS.c.attempt == attempt, ATTEMPTS.c.owner.is_not(None)
    )
    begun = select(FACTS.c.run).where(FACTS.c.run == run, FACTS.c.attempt == attempt).limit(1)
    return connection.execute(owned).first() is None and connection.execute(begun).first() is None


def _take_up(
    connection: Connection, run: int, attempt: int, facts: Sequence[RunFact]
) -> tuple[AttemptFold | None, Sequence[RunFact]]:
    """The fold of an attempt that is not in memory, and what it has not heard of yet."""
    found = _find(connection, run, attempt)
    if found is None:
        return None, ()
    if connection.execute(_HAS_ROW, of(run=run, attempt=attempt)).first() is None:
        return _write_attempt(connection, *found, is_latest=True), facts
    fold = AttemptFold(found[0], _describe(connection, *found))
    journal = [fact for block in _read_journal(connection, run, attempt) for fact in block]
    fold.take(journal[: len(journal) - len(facts)])  # these are in it already
    return fold, facts


def _find(connection: Connection, run: int, attempt: int) -> tuple[RunRecord, Plan] | None:
    row = connection.execute(_FIND_ATTEMPT, of(run=run, attempt=attempt)).first()
    if row is None:
        return None
    return msgspec.msgpack.decode(row.record, type=RunRecord), msgspec.msgpack.decode(row.plan, type=Plan)


def _read_journal(connection: Connection, run: int, attempt: int) -> Iterator[list[RunFact]]:
    last = -1
    while True:
        rows = connection.execute(
            select(FACTS.c.sequence, FACTS.c.fact)
            .where(FACTS.c.run == run, FACTS.c.attempt == attempt, FACTS.c.sequence > last)
            .order_by(FACTS.c.sequence)
            .limit(_BLOCK)
        ).all()
        yield [fact for row in rows if (fact := decode_fact(row.fact)) is not None]
        if len(rows) < _BLOCK:
            return
        last = rows[-1].sequence


def _describe(connection: Connection, record: RunRecord, plan: Plan) -> RunEntry:
    """With the moment at which the run's first attempt began."""
    first = None
    if record.attempt > 1:
        oldest = select(func.min(ATTEMPTS.c.attempt)).where(ATTEMPTS.c.run == int(record.id)).scalar_subquery()
        wanted = (ATTEMPTS.c.run == int(record.id)) & (ATTEMPTS.c.attempt == oldest)
        data = connection.execute(select(ATTEMPTS.c.record).where(wanted)).scalar()
        first = None if data is None else msgspec.msgpack.decode(data, type=RunRecord).created_at
    return describe_run(record, plan, created_at=first)


def _write_attempt(connection: Connection, record: RunRecord, plan: Plan, *, is_latest: bool) -> AttemptFold:
    entry = _describe(connection, record, plan)
    run = entry.id
    is_first = connection.execute(_HAS_RUN, of(run=run)).first() is None
    if is_latest and not is_first:
        connection.execute(_REPLACE_LATEST, of(run=run))
    marks = connection.execute(_FIND_MARKS, of(run=run)).scalars().all()
    message = entry.head_commit.message if entry.head_commit else plan.event.head_message or ""
    found_by = {
        "workflow": entry.workflow,
        "branch": (entry.head_branch or "").lower(),
        "actor": entry.actor.login.lower(),
        "event": entry.event,
    }
    values: dict[str, Any] = {
        "run": run,
        "attempt": entry.attempt,
        "repository_id": record.repository_id,
        "repository": record.repository,
        "is_latest": int(is_latest),
        "is_pinned": int("pinned" in marks),
        "has_logs": int("logs-gone" not in marks),
        "created_at": entry.created_at.isoformat(timespec="microseconds"),
        "sha": entry.head_sha,
        "pull_request": entry.pull_requests[0].number if entry.pull_requests else 0,
        "delivery": record.delivery,
        "text": f"{entry.title}\n{message}"[:_LONGEST_TEXT].lower(),
        **found_by,
        **_state(entry, ""),
    }
    connection.execute(_ADD_RUN, values)
    if is_first:
        labels = {"workflow": entry.workflow_name, "branch": entry.head_branch or "", "actor": entry.actor.login}
        for kind, value in found_by.items():
            _count_facet(connection, record.repository_id, kind, value, labels.get(kind, value), run)
    return AttemptFold(record, entry)


def _count_facet(connection: Connection, repository: int, kind: str, value: str, label: str, run: int) -> None:
    row = of(repository_id=repository, kind=kind, value=value)
    if connection.execute(_COUNT_FACET, {**row, "last_run": run, "label": label}).rowcount == 0:
        values = {"repository_id": repository, "kind": kind, "value": value, "label": label, "runs": 1, "last_run": run}
        connection.execute(_ADD_FACET, values)


def _write_jobs(
    connection: Connection, run: int, attempt: int, fold: AttemptFold, changed: Sequence[str], known: set[str]
) -> None:
    fresh, changes = [], []
    for key in changed:
        job = fold.jobs[key]
        values = {
            "status": job.status,
            "annotations": fold.annotations.get(key, 0),
            "entry": msgspec.msgpack.encode(job),
        }
        if key in known:
            changes.append({**of(number=job.id), **values})
        else:
            position = fold.position_of(key)
            fresh.append({"number": job.id, "run": run, "attempt": attempt, "position": position, **values})
    if changes:
        connection.execute(_SET_JOB, changes)
    if fresh:
        connection.execute(_ADD_JOB, fresh)


def _state(entry: RunEntry, finished_at: str) -> dict[str, Any]:
    return {
        "status": entry.status,
        "conclusion": entry.conclusion or "",
        "finished_at": finished_at,
        "entry": msgspec.msgpack.encode(entry),
    }


def _facet(repository: int, kind: str, value: str) -> Any:
    facet = HISTORY_FACETS.c
    return (facet.repository_id == repository) & (facet.kind == kind) & (facet.value == value)

"""Reads runs for pages: the journal of an attempt, folded once, and from then on only what has been added to it."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import msgspec
from sqlalchemy import select

from homeport.plan.model import Plan
from homeport.ports.repositories import RunRecord, RunRepository, StoreError
from homeport.present.run_view import JobView, RunView, fold
from homeport.rest.journal import Reading
from homeport.run.codec import JournalError, decode_fact
from homeport.run.facts import ArtifactUploaded, JobExpanded, JobFinished, JobQueued, JobsKept, JobStarted, RunFact
from homeport.store.tables.database import Database
from homeport.store.tables.schema import ATTEMPTS, FACTS

_MOST_KEPT = 24
"""Attempts that are kept folded; the largest are some megabytes"""


class FoldedRun(msgspec.Struct, kw_only=True):
    """An attempt as it stands. `numbers` are those of jobs, by key; `sequence` says how far its journal was read."""

    record: RunRecord
    plan: Plan
    view: RunView
    numbers: dict[str, int] = {}
    artifacts: list[ArtifactUploaded] = []
    sequence: int = -1
    latest_attempt: int = 1

    @property
    def jobs(self) -> list[JobView]:
        """Those that have pages of their own: calls have none."""
        return [job for job in self.view.jobs.values() if job.key in self.numbers]

    def find_job(self, number: int) -> JobView | None:
        """By its number."""
        return next((self.view.jobs[key] for key, own in self.numbers.items() if own == number), None)


class RunReader:
    """Safe from any thread."""

    def __init__(self, runs: RunRepository, database: Database) -> None:
        self._runs = runs
        self._database = database
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, int], _Keeper] = OrderedDict()

    @contextmanager
    def open(self, run: str, attempt: int | None = None) -> Iterator[FoldedRun | None]:
        """An attempt (the latest where none is named); None where there is no such run. Raises `StoreError`.

        It is not to be changed. One that is not completed stands still inside of the block only: others wait meanwhile.
        """
        latest = self._find_latest(run)
        if latest is None:
            yield None
            return
        wanted = latest if attempt is None else attempt
        with self._lock:
            keeper = self._known.get((run, wanted)) or _Keeper()
            self._known[run, wanted] = keeper
            self._known.move_to_end((run, wanted))
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        with ExitStack() as stack:
            stack.enter_context(keeper.lock)
            folded = self._bring_up_to_date(keeper, run, wanted, latest)
            if folded is None or folded.view.status == "completed":
                stack.close()
            yield folded

    def _find_latest(self, run: str) -> int | None:
        if not run.isascii() or not run.isdigit() or len(run) > 18:
            return None
        query = select(ATTEMPTS.c.attempt).where(ATTEMPTS.c.run == int(run), ATTEMPTS.c.is_latest == 1)
        with self._database.read() as connection:
            return connection.execute(query).scalar()

    def _bring_up_to_date(self, keeper: "_Keeper", run: str, attempt: int, latest: int) -> FoldedRun | None:
        if keeper.folded is None:
            found = self._runs.find(run, attempt)
            if found is None:
                return None
            record, plan = found
            keeper.folded = FoldedRun(record=record, plan=plan, view=RunView(id=run, attempt=attempt))
            keeper.reading = Reading(record)
        folded, reading = keeper.folded, keeper.reading
        assert reading is not None
        folded.latest_attempt = latest
        if folded.view.status != "completed":
            try:
                for fact in self._facts_after(folded, run, attempt):
                    _take(folded, reading, fact)
            except BaseException:
                keeper.folded = keeper.reading = None  # half of it was taken: folded anew by the next one who asks
                raise
            folded.numbers = {key: entry.id for key, entry in reading.jobs.items()}
        return folded

    def _facts_after(self, folded: FoldedRun, run: str, attempt: int) -> Sequence[RunFact]:
        journal = (FACTS.c.run == int(run)) & (FACTS.c.attempt == attempt) & (FACTS.c.sequence > folded.sequence)
        query = select(FACTS.c.sequence, FACTS.c.fact).where(journal).order_by(FACTS.c.sequence)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        try:
            facts = [decode_fact(row.fact) for row in rows]
        except JournalError as error:
            raise StoreError(f"the journal of run {run} cannot be read: {error}") from error
        if rows:
            folded.sequence = rows[-1].sequence
        return [fact for fact in facts if fact is not None]


class _Keeper:
    """One attempt, and who may fold it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.folded: FoldedRun | None = None
        self.reading: Reading | None = None


def _take(folded: FoldedRun, reading: Reading, fact: RunFact) -> None:
    fold(folded.view, fact)
    match fact:
        case JobsKept() | JobExpanded() | JobQueued() | JobStarted() | JobFinished():
            reading.take(fact)  # it numbers the jobs
        case ArtifactUploaded():
            folded.artifacts.append(fact)
        case _:
            pass

"""A page of history over 100,000 runs: lists, filters, counts and menus, as the pages and the interface ask for them."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection, insert

from benchmarks.harness import Row
from homeport.ports.history import RunFilter
from homeport.ports.run_entries import PersonEntry, RunConclusion, RunEntry
from homeport.store.tables.database import Database
from homeport.store.tables.history import TableHistory
from homeport.store.tables.history_schema import HISTORY_FACETS, HISTORY_RUNS
from homeport.store.tables.schema import ATTEMPTS

RUNS = 100_000
REPOSITORIES = 20
BRANCHES = 400
BAR_MILLISECONDS = 50.0
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_PIECE = 5000
_REPEATS = 7
_CONCLUSIONS: tuple[RunConclusion, ...] = (
    "success",
    "success",
    "success",
    "success",
    "failure",
    "cancelled",
    "skipped",
)


def fill(database: Database) -> None:
    """One attempt a run. Journals are left out: no list reads them."""
    for first in range(1, RUNS + 1, _PIECE):
        entries = [_entry(number) for number in range(first, first + _PIECE)]
        database.write(lambda connection, entries=entries: _write(connection, entries))  # type: ignore[misc]
    facets = [
        {"repository_id": repository, "kind": kind, "value": value, "label": value, "runs": 1, "last_run": RUNS}
        for repository in range(1, REPOSITORIES + 1)
        for kind, values in (
            ("workflow", [f".github/workflows/w{number}.yml" for number in range(5)]),
            ("branch", [f"branch-{number}" for number in range(BRANCHES)]),
            ("actor", [f"person-{number}" for number in range(50)]),
            ("event", ["push", "pull_request", "schedule"]),
        )
        for value in values
    ]
    database.write(lambda connection: connection.execute(insert(HISTORY_FACETS), facets))
    database.write(lambda connection: connection.exec_driver_sql("ANALYZE"))


def _entry(number: int) -> RunEntry:
    at = _BEGIN + timedelta(minutes=number)
    person = PersonEntry(f"person-{number % 50}")
    return RunEntry(
        id=number,
        attempt=1,
        number=number,
        workflow=f".github/workflows/w{number % 5}.yml",
        workflow_id=number % 5,
        workflow_name=f"Workflow {number % 5}",
        title=f"Change number {number} of the thing that is called {number % 997}",
        event=("push", "pull_request", "schedule")[number % 3],
        status="completed",
        conclusion=_CONCLUSIONS[number % len(_CONCLUSIONS)],
        head_branch=f"branch-{number % BRANCHES}",
        head_sha=f"{number:040x}",
        actor=person,
        triggering_actor=person,
        created_at=at,
        started_at=at,
        updated_at=at,
    )


def _write(connection: Connection, entries: list[RunEntry]) -> None:
    attempts, rows = [], []
    for entry in entries:
        repository = entry.id % REPOSITORIES + 1
        shared = {"run": entry.id, "attempt": 1, "repository": f"acme/r{repository}", "is_latest": 1}
        shared |= {"workflow": entry.workflow, "created_at": entry.created_at.isoformat(timespec="microseconds")}
        attempts.append({**shared, "number": entry.number, "source": "", "owner": None, "record": b"", "plan": b""})
        rows.append(
            {
                **shared,
                "repository_id": repository,
                "is_pinned": 0,
                "has_logs": 1,
                "branch": entry.head_branch,
                "actor": entry.actor.login,
                "event": entry.event,
                "status": entry.status,
                "conclusion": entry.conclusion,
                "finished_at": shared["created_at"],
                "sha": entry.head_sha,
                "pull_request": 0,
                "delivery": "",
                "text": f"{entry.title}\n".lower(),
                "entry": msgspec.msgpack.encode(entry),
            }
        )
    connection.execute(insert(ATTEMPTS), attempts)
    connection.execute(insert(HISTORY_RUNS), rows)


def questions(history: TableHistory) -> dict[str, Callable[[], object]]:
    """What pages ask."""
    everywhere = tuple(range(1, REPOSITORIES + 1))
    one = (7,)
    return {
        "the first page of all runs": lambda: history.find(RunFilter(repositories=everywhere)),
        "a page far back": lambda: history.find(RunFilter(repositories=everywhere), before=500),
        "by position, 90,000 runs back": lambda: history.page(
            RunFilter(repositories=everywhere), offset=90_000, limit=30
        ),
        "failures of a branch by one person, none": lambda: history.find(
            RunFilter(repositories=everywhere, branch="branch-7", actor="person-8", states=("failure",))
        ),
        "one repository, one workflow, one conclusion": lambda: history.find(
            RunFilter(repositories=one, workflow="w3.yml", states=("cancelled",))
        ),
        "a month": lambda: history.find(
            RunFilter(repositories=everywhere, since=_BEGIN, until=_BEGIN + timedelta(days=1))
        ),
        "a text in titles, common": lambda: history.find(RunFilter(repositories=everywhere, text="called 12")),
        "a text in titles, nowhere": lambda: history.find(RunFilter(repositories=everywhere, text="not there")),
        "a commit": lambda: history.find(RunFilter(repositories=everywhere, sha=f"{777:040x}")),
        "a count": lambda: history.count(RunFilter(repositories=everywhere, states=("failure",))),
        "the menus of all repositories": lambda: history.facets(everywhere),
        "what needs attention": lambda: history.attention([(number, "branch-0") for number in everywhere]),
    }


def rows() -> Iterator[Row]:
    """Each question's median; the bar is the whole page's."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'homeport.db'}")
        try:
            fill(database)
            history = TableHistory(database)
            for name, ask in questions(history).items():
                seconds = [_time(ask) for _ in range(_REPEATS)]
                taken = statistics.median(seconds) * 1000
                claim = f"history of {RUNS:,} runs: {name}"
                yield Row(claim, f"{taken:.1f} ms", f"bar {BAR_MILLISECONDS:.0f} ms", taken / BAR_MILLISECONDS, 1)
        finally:
            database.close()


def _time(ask: Callable[[], object]) -> float:
    begin = time.perf_counter()
    ask()
    return time.perf_counter() - begin


if __name__ == "__main__":
    for row in rows():
        print(row.markdown(), flush=True)

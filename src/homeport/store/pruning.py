"""Keeps the folder store from growing for ever.

A run is forgotten, with its logs and artifacts, when it is older than 90 days (what GitHub keeps logs for), when 500 newer ones are
there, or when all runs together take more than 4 GiB and it is the oldest. Runs that are going on are left alone, and so is the
latest run of every workflow of every working tree: `homeport run --failed` and `homeport show` need it.
"""

import os
from collections.abc import Callable
from datetime import datetime, timedelta

from homeport.ports.repositories import RunRecord, RunRepository

MOST_RUNS = 500
MOST_BYTES = 4 << 30
LONGEST = timedelta(days=90)


def prune(runs: RunRepository, home: str, now: datetime) -> list[str]:
    """Forget what is too old or too much; gives the ids of what was forgotten. Safe while other processes run."""
    chosen = choose(runs, lambda run: measure(home, run), now)
    for run in chosen:
        runs.delete(run)
    return chosen


def choose(runs: RunRepository, size_of: Callable[[str], int], now: datetime) -> list[str]:
    """The runs to forget, newest first."""
    chosen: list[str] = []
    latest: set[tuple[str, str]] = set()
    kept_bytes = 0
    for position, record in enumerate(runs.list(limit=10 * MOST_RUNS)):
        is_latest = _note_latest(latest, record)
        size = size_of(record.id)
        is_too_much = position >= MOST_RUNS or kept_bytes + size > MOST_BYTES or now - record.created_at > LONGEST
        if is_too_much and not is_latest and not runs.is_open(record.id):
            chosen.append(record.id)
        else:
            kept_bytes += size
    return chosen


def measure(home: str, run: str) -> int:
    """The bytes that a run and its artifacts take."""
    total = 0
    for place in ("runs", "artifacts"):
        for folder, _, names in os.walk(os.path.join(home, place, run)):
            for name in names:
                total += _size(os.path.join(folder, name))
    return total


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _note_latest(latest: set[tuple[str, str]], record: RunRecord) -> bool:
    workflow = (record.source, record.workflow)
    if workflow in latest:
        return False
    latest.add(workflow)
    return True

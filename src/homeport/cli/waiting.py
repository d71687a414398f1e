"""Waits until something stands in a run's journal: the answer to a request that another process was sent."""

import time
from collections.abc import Callable
from typing import TypeVar

from homeport.ports.repositories import RunRecord, RunRepository
from homeport.run.facts import RunFact

_POLL_SECONDS = 0.02
_LONGEST_SECONDS = 20.0

F = TypeVar("F", bound=RunFact)


def wait_for_fact(
    runs: RunRepository, record: RunRecord, kind: type[F], is_it: Callable[[F], bool], *, seen: int = 0
) -> F | None:
    """The first such fact after the first `seen` ones; None where the run ends, or nothing comes for a long while."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while True:
        is_open = runs.is_open(record.id)
        for number, fact in enumerate(runs.facts(record.id, record.attempt)):
            if number >= seen and isinstance(fact, kind) and is_it(fact):
                return fact
        if not is_open or time.monotonic() > deadline:
            return None
        time.sleep(_POLL_SECONDS)


def count_facts(runs: RunRepository, record: RunRecord) -> int:
    """How long the journal is now."""
    return sum(1 for _ in runs.facts(record.id, record.attempt))

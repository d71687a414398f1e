"""Where runs are kept."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from homeport.plan.model import Plan
from homeport.run.facts import RunFact


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of one run, as it is found again. `id` stays the same over attempts."""

    id: str
    repository: str
    """`owner/name`"""
    workflow: str
    """the workflow's file"""
    number: int
    attempt: int = 1
    created_at: datetime
    source: str = ""
    """the working tree that it ran from"""
    options: dict[str, str] = {}
    """what else is needed to run it again: executor, variables' names, …"""


class RunRepository(Protocol):
    """Runs, their plans and their journals. One writer a run; readers at any time, from any process."""

    def create(self, record: RunRecord, plan: Plan) -> None:
        """Begin an attempt; its journal is empty."""
        ...

    def append(self, run: str, attempt: int, facts: Sequence[RunFact]) -> None:
        """Add facts to the journal; they are readable by others, and survive this process, when it returns. `LinesLogged` is
        refused: lines go to the log store.
        """
        ...

    def find(self, run: str, attempt: int | None = None) -> tuple[RunRecord, Plan] | None:
        """A run's attempt (the latest where none is named)."""
        ...

    def facts(self, run: str, attempt: int | None = None) -> Iterator[RunFact]:
        """The journal, oldest first. A torn last line, left by a crash, is not given."""
        ...

    def list(
        self, *, repository: str | None = None, workflow: str | None = None, limit: int = 50
    ) -> Sequence[RunRecord]:
        """The latest attempts, newest first."""
        ...

    def next_number(self, repository: str, workflow: str) -> int:
        """The next `run_number` of a workflow: counted up durably, safe between processes."""
        ...

    def delete(self, run: str) -> None:
        """Forget a run: its attempts, journals, logs and artifacts."""
        ...

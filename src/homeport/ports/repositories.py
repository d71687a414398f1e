"""Where runs are kept."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from homeport.plan.model import Plan
from homeport.run.facts import RunFact, RunFinished


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
    repository_id: int = 0
    """of a server's repository (`HostedRepository.id`): it stays through renames; 0 for local runs"""
    delivery: str = ""
    """the occurrence that started it (`Intake.accept`); empty where nobody named it"""


class StoreError(Exception):
    """What is kept could not be written or read: a full disk, no permission, something unreadable. The message names the place."""


class RunRepository(Protocol):
    """Runs, their plans and their journals. One writer a run; readers at any time, from any process.

    An attempt is written from `create` (or `adopt`) to `close`, by the one process that did so; if that process dies, the attempt
    is left open and `adopt` gives it to the next that asks. All methods raise `StoreError` where the store itself fails.
    """

    def new_id(self) -> str:
        """An id that no run here has had: digits, as `github.run_id` is; counted up, so that they are short."""
        ...

    def create(self, record: RunRecord, plan: Plan) -> None:
        """Begin an attempt; its journal is empty, and this process is its writer."""
        ...

    def append(self, run: str, attempt: int, facts: Sequence[RunFact]) -> None:
        """Add facts to the journal; they are readable by others, and survive this process, when it returns. `LinesLogged` is
        refused: lines go to the log store.
        """
        ...

    def close(self, run: str, attempt: int) -> None:
        """The attempt is completed, nothing more will be appended. Closing twice is no error."""
        ...

    def abandon(self, run: str, attempt: int) -> None:
        """Write no more to an attempt that is not completed, as if this process had died: `adopt` gives it to the next that asks."""
        ...

    def adopt(self) -> Sequence[RunRecord]:
        """The attempts that were left open by a process that died. The caller is their writer now, and is to conclude them."""
        ...

    def is_open(self, run: str) -> bool:
        """Whether a living process (this one included) is the writer of the run's latest attempt."""
        ...

    def find(self, run: str, attempt: int | None = None) -> tuple[RunRecord, Plan] | None:
        """A run's attempt (the latest where none is named)."""
        ...

    def facts(self, run: str, attempt: int | None = None) -> Iterator[RunFact]:
        """The journal, oldest first. A torn last line, left by a crash, is not given."""
        ...

    def ending(self, run: str, attempt: int | None = None) -> RunFinished | None:
        """How an attempt ended, found without reading the whole journal; None where it has not."""
        ...

    def list(
        self,
        *,
        repository: str | None = None,
        workflow: str | None = None,
        source: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """The latest attempt of each run, newest first."""
        ...

    def next_number(self, repository: str, workflow: str) -> int:
        """The next `run_number` of a workflow: counted up durably, safe between processes."""
        ...

    def delete(self, run: str) -> None:
        """Forget a run: its attempts, journals, logs and artifacts."""
        ...

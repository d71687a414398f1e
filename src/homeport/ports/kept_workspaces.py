"""The folders of failed jobs that are kept for a while, so that a re-run can go on from the step that failed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class KeptWorkspace(msgspec.Struct, frozen=True, kw_only=True):
    """What a failed job left behind. `root` is its `JobPaths.root`, on the machine of the runner; `job` the job's key."""

    run: str
    attempt: int
    """the attempt in which the job ran"""
    job: str
    root: str
    until: datetime
    """when it goes; it may go before that, where the disk is full"""
    failed: int
    """the number of the step that failed"""
    steps: tuple[int, ...]
    """the numbers of the steps that a re-run can go on from, the failed one among them"""


class KeptWorkspaces(Protocol):
    """Shared by the runners and the server of one machine. Safe from any thread and process."""

    def find(self, run: str, attempt: int, job: str) -> KeptWorkspace | None:
        """What is kept of a job and nobody has taken. Raises `StoreError`."""
        ...

    def list(self, run: str) -> Sequence[KeptWorkspace]:
        """The same of all jobs and attempts of a run. Raises `StoreError`."""
        ...

    def keep(self, workspace: KeptWorkspace, memory: bytes) -> bool:
        """Keep a folder, with what the runner has to know to go on in it. False where it is not to be kept: the disk is too full.

        To be called when nothing of the job runs any more. Raises `StoreError`.
        """
        ...

    def take(self, run: str, attempt: int, job: str) -> tuple[KeptWorkspace, bytes] | None:
        """Have it for a job that goes on in it, with what the runner knew: one of all who ask gets it, and is to `keep` it again or
        `drop` it. Raises `StoreError`.
        """
        ...

    def forget(self, run: str) -> None:
        """Remove what is kept of a run that is deleted; what a job goes on in is left to it. Raises `StoreError`."""
        ...

    def drop(self, workspace: KeptWorkspace) -> None:
        """What was taken is not kept any more: its folder is its taker's to remove. Raises `StoreError`."""
        ...

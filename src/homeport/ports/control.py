"""How somebody else reaches a run that is being carried out: another command, another run, a person."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class CancelRun(msgspec.Struct, frozen=True, kw_only=True, tag="cancel"):
    """End the run; `job` names one leg of it where only that leg is meant (job-level concurrency)."""

    by: str
    reason: str
    force: bool = False
    job: str | None = None


class RetryJob(msgspec.Struct, frozen=True, kw_only=True, tag="retry"):
    """Go on with a paused job: from the step that failed, or from the step with this number. `job` None: the one that is paused."""

    job: str | None = None
    step: int | None = None


class Wake(msgspec.Struct, frozen=True, tag="wake"):
    """Something that the run waits for may have come about: a concurrency group was given back."""


Request = CancelRun | RetryJob | Wake


class Inbox(Protocol):
    """Where the requests for one run arrive."""

    def fileno(self) -> int:
        """Readable when there are requests."""
        ...

    def receive(self) -> Sequence[Request]:
        """What has arrived. Never blocks."""
        ...

    def close(self) -> None:
        """No more requests are taken; later ones get False from `send`. Closing twice is no error."""
        ...


class Controls(Protocol):
    """The ways into all runs that share a store, this process's own included."""

    def open(self, run: str) -> Inbox:
        """Begin to take requests for a run that this process carries out."""
        ...

    def send(self, run: str, request: Request) -> bool:
        """Hand a request over. False where no process carries out the run. Whether it was heeded is seen in the run's journal."""
        ...

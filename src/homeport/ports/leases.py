"""Which runner carries out which job: what has to outlive the server for that a job is given to one runner only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A job that a runner has taken. `claim` is the runner's own name for the call by which it asked: asked again, it gets the same
    job again. `token_digest` is the SHA-256 of the token that stands for the lease. `heard` is the number of the last report that was
    taken in, `log_size` how long the job's log was then, in bytes.
    """

    id: str
    run: str
    attempt: int
    job: str
    runner: str
    claim: str
    token_digest: bytes
    taken_at: datetime
    heard: int = 0
    log_size: int = 0


class LeaseRepository(Protocol):
    """The open leases. Written by the coordinator; durable when a call returns, or at the end of the batch that it is in."""

    def take(self, lease: Lease) -> None:
        """A runner has a job now. Durable when it returns."""
        ...

    def hear(self, lease: str, heard: int, log_size: int) -> None:
        """A report was taken in."""
        ...

    def renew_token(self, lease: str, claim: str, token_digest: bytes) -> None:
        """The answer to a claim was lost: the next one has another token. Durable when it returns."""
        ...

    def close(self, lease: str) -> None:
        """The job has ended. Closing twice is no error."""
        ...

    def list(self) -> Sequence[Lease]:
        """All open leases."""
        ...

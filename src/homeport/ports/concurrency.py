"""Who holds a concurrency group, between all runs that share a store."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from homeport.plan.model import ConcurrencyClaim


class Holder(msgspec.Struct, frozen=True):
    """A run, or one leg of it, as the holder of a group."""

    run: str
    job: str | None


class ClaimAnswer(msgspec.Struct, frozen=True):
    """`granted`, or `waiting` behind `holder`. `replaced` waited and must be cancelled now ("a higher priority waiting request
    exists"); `interrupt` runs and must be cancelled (`cancel-in-progress`). `refused` (the queue is full) cancels the claimant.
    """

    status: Literal["granted", "waiting", "refused"]
    holder: Holder | None = None
    replaced: tuple[Holder, ...] = ()
    interrupt: Holder | None = None


class ConcurrencyGroups(Protocol):
    """The groups of one repository: group names are compared ignoring case. Safe between threads and processes.

    A holder whose process died loses its place. Rules: GitHub docs, "Control the concurrency of workflows and jobs": `single`
    keeps one waiting claim (a newer one replaces it), `max` up to 100 in order.
    """

    def claim(self, holder: Holder, claim: ConcurrencyClaim) -> ClaimAnswer:
        """Ask for a group; asking again for a group already held or waited for gives the same answer as before."""
        ...

    def release(self, holder: Holder, group: str) -> Holder | None:
        """Give a group back or leave its queue; gives the holder to which it passed, if any."""
        ...

    def poll(self, holders: Sequence[Holder]) -> Sequence[tuple[Holder, str]]:
        """Which of these waiting holders have been granted their group meanwhile: (holder, group)."""
        ...

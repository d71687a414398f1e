"""The rules of concurrency groups, as a value and functions of it: who holds a group, who waits, who has to go.

Source: GitHub docs, "Control the concurrency of workflows and jobs": one holder; with `queue: single` one claim waits and a newer one
replaces it; with `queue: max` up to 100 wait in order and further ones are cancelled; `cancel-in-progress` cancels the holder too.
"""

from collections.abc import Callable

import msgspec

from homeport.plan.model import ConcurrencyClaim
from homeport.ports.concurrency import ClaimAnswer, Holder

LONGEST_QUEUE = 100


class Group(msgspec.Struct, frozen=True):
    """One group at one moment."""

    holder: Holder | None = None
    waiting: tuple[Holder, ...] = ()


def claim(group: Group, claimant: Holder, wanted: ConcurrencyClaim) -> tuple[Group, ClaimAnswer]:
    """The group after a claim, and the answer to it."""
    if group.holder is None or group.holder == claimant:
        return msgspec.structs.replace(group, holder=claimant), ClaimAnswer("granted")
    if claimant in group.waiting:
        return group, ClaimAnswer("waiting", group.holder)
    interrupt = group.holder if wanted.cancel_in_progress else None
    if wanted.queue != "max":
        answer = ClaimAnswer("waiting", group.holder, replaced=group.waiting, interrupt=interrupt)
        return Group(group.holder, (claimant,)), answer
    if len(group.waiting) >= LONGEST_QUEUE:
        return group, ClaimAnswer("refused", group.holder)
    return Group(group.holder, (*group.waiting, claimant)), ClaimAnswer("waiting", group.holder, interrupt=interrupt)


def release(group: Group, holder: Holder) -> tuple[Group, Holder | None]:
    """The group without this holder or claimant, and to whom it passed thereby."""
    waiting = tuple(other for other in group.waiting if other != holder)
    if group.holder != holder:
        return Group(group.holder, waiting), None
    if not waiting:
        return Group(), None
    return Group(waiting[0], waiting[1:]), waiting[0]


def without_dead(group: Group, is_alive: Callable[[Holder], bool]) -> Group:
    """The group without those whose process has died; the first who waits takes a dead holder's place."""
    waiting = tuple(holder for holder in group.waiting if is_alive(holder))
    if group.holder is not None and is_alive(group.holder):
        return Group(group.holder, waiting)
    return Group(waiting[0], waiting[1:]) if waiting else Group()

"""Concludes the runs whose process died before it could."""

from collections.abc import Mapping, Sequence

from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.dispatch import Labels
from homeport.coordinator.journal import recall
from homeport.coordinator.loss import facts_of_loss
from homeport.coordinator.surroundings import Policy, Stores
from homeport.ports.clock import Clock
from homeport.ports.peer import JobOrder
from homeport.ports.repositories import RunRecord, StoreError
from homeport.run.facts import (
    StopReason,
)
from homeport.run.state import RunState
from homeport.run.transition import ImpossibleFactError


class NoRunners:
    """`Runners` that are gone: nothing can be offered, and nobody is left to be stopped."""

    def offer(self, order: JobOrder, secrets: Mapping[str, str]) -> None:  # noqa: ARG002 - the protocol's name
        """Cannot happen: a run that is cancelled with force offers nothing."""
        raise AssertionError(f"{order.leg.key} was offered after its run was lost")

    def stop(self, lease: str, reason: StopReason, *, force: bool) -> None:
        """Nobody is there."""

    def retry(self, lease: str, step: int) -> None:
        """Nobody is there."""

    def forget(self, lease: str) -> None:
        """Nothing is kept."""


def conclude_lost(stores: Stores, clock: Clock) -> Sequence[str]:
    """Adopt and conclude every attempt that was left open: its running jobs failed, the rest is cancelled. Gives the runs' ids.

    Cheap where there is nothing to do. Raises `StoreError`.
    """
    records = stores.runs.adopt()
    if not records:
        return ()
    policy = Policy(labels=Labels(()))
    coordinator = Coordinator(stores, NoRunners(), clock, policy=policy, broadcast=lambda _: None)
    for record in records:
        state = _recall(stores, record)
        if state is None:
            stores.runs.close(record.id, record.attempt)
        else:
            facts = list(stores.runs.facts(record.id, record.attempt))
            coordinator.take_over(record, state, facts_of_loss(state, facts, clock.now()))
    return tuple(record.id for record in records)


def _recall(stores: Stores, record: RunRecord) -> RunState | None:
    """The state in which a run was left; None where it died before its first fact, or its journal makes no sense any more (the
    next start must not stumble over it again).
    """
    try:
        recalled = recall(stores.runs, record.id, record.attempt)
    except (ImpossibleFactError, StoreError):
        return None
    return recalled[1] if recalled is not None and recalled[1].created_at is not None else None

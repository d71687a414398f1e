"""One attempt at a run while this process carries it out: what happens to it is remembered first, then applied, then told."""

from collections.abc import Callable, Sequence

from homeport.plan.contexts import RunIdentity, github_context
from homeport.plan.model import Plan
from homeport.ports.control import Inbox
from homeport.ports.repositories import RunRecord, RunRepository
from homeport.run.facts import Fact, LinesLogged, RunFact
from homeport.run.state import RunState
from homeport.run.transition import initial_state, replay

Broadcast = Callable[[Fact], None]
"""Tells everybody who watches. Called in the order of the journal."""


def begin(plan: Plan, record: RunRecord) -> RunState:
    """The state of an attempt before its first fact."""
    identity = RunIdentity(
        id=record.id,
        number=record.number,
        attempt=record.attempt,
        triggered_by=record.options.get("triggering_actor", ""),
    )
    github = github_context(
        plan.event, workflow_name=plan.workflow.name, workflow_file=plan.workflow.file, identity=identity
    )
    return initial_state(
        record.id,
        plan,
        number=record.number,
        attempt=record.attempt,
        github=github,
        repository_id=record.repository_id,
    )


def recall(runs: RunRepository, run: str, attempt: int | None = None) -> tuple[RunRecord, RunState] | None:
    """An attempt as its journal tells it; None where there is none. Raises `StoreError`."""
    found = runs.find(run, attempt)
    if found is None:
        return None
    record, plan = found
    return record, replay(begin(plan, record), runs.facts(run, record.attempt))


class Journal:
    """The one way in which an open attempt changes. Used by the coordinator's thread."""

    def __init__(self, state: RunState, runs: RunRepository, broadcast: Broadcast, inbox: Inbox | None) -> None:
        self.state = state
        self.inbox = inbox
        self._runs = runs
        self._broadcast = broadcast

    def record(self, facts: Sequence[RunFact]) -> bool:
        """Append, apply and broadcast facts that happened, in this order. Says whether the state has changed.

        Lines are only broadcast: the log store has them, and the state does not depend on them. Raises `StoreError`.
        """
        kept = [fact for fact in facts if not isinstance(fact, LinesLogged)]
        state = replay(self.state, kept)  # an impossible fact is refused before it is remembered
        if kept:
            self._runs.append(state.id, state.attempt, kept)
        is_changed = state is not self.state
        self.state = state
        for fact in facts:
            self._broadcast(fact)
        return is_changed

    def record_decided(self, state: RunState, facts: Sequence[RunFact]) -> None:
        """The same for facts that a decision has applied already."""
        self._runs.append(state.id, state.attempt, facts)
        self.state = state
        for fact in facts:
            self._broadcast(fact)

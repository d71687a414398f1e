"""Gives plans their place among the runs of this machine: ids, numbers, and what was run here before."""

import os
from collections.abc import Mapping, Sequence

import msgspec

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import CommandError, UsageError
from homeport.cli.execution import Execution
from homeport.cli.home import find_home
from homeport.cli.references import find_source
from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.journal import recall
from homeport.coordinator.surroundings import Stores
from homeport.coordinator.sweep import conclude_lost
from homeport.language import nodes
from homeport.plan.calls import list_commits
from homeport.plan.contexts import RunIdentity
from homeport.plan.model import Plan
from homeport.ports.clock import Clock
from homeport.ports.repositories import RunRecord
from homeport.run.state import RunState
from homeport.store.folder import listed


def recover(stores: Stores, console: Console, clock: Clock) -> None:
    """Conclude the runs that a dead process left open, and clear away what their jobs left behind."""
    lost = conclude_lost(stores, clock)
    home = find_home(console.environment)
    if lost or listed(os.path.join(home, "engines")):
        from homeport.cli.remains import clear_remains  # noqa: PLC0415 - rarely needed

        clear_remains(home, console.environment)
    for run in lost:
        console.say(f"homeport: run {run} was left open by a process that died; it is concluded now")


class Submissions:
    """The runs that one invocation begins. With `only_failed` they are further attempts at the last runs of the same workflows here,
    by the plans of today: what went well then is kept.
    """

    def __init__(self, stores: Stores, console: Console, execution: Execution, *, only_failed: bool) -> None:
        self.clock = SystemClock()
        self.green: list[str] = []
        """the workflows of which nothing failed in their last run"""
        self._stores = stores
        self._console = console
        self._execution = execution
        self._only_failed = only_failed
        self._source = find_source(console.folder, console.environment)
        self._identities: dict[str, RunIdentity] = {}
        self._previous: dict[str, RunState] = {}

    def identify(self, workflow: nodes.Workflow) -> RunIdentity:
        """The id and number of the run that this workflow is about to have. Numbers count per workflow file of a working tree."""
        runs = self._stores.runs
        last = runs.list(source=self._source, workflow=workflow.file, limit=1) if self._only_failed else ()
        if last:
            identity = RunIdentity(id=last[0].id, number=last[0].number, attempt=last[0].attempt + 1)
        elif self._only_failed:
            identity = RunIdentity()
        else:
            identity = RunIdentity(id=runs.new_id(), number=runs.next_number(self._source, workflow.file))
        self._identities[workflow.file] = identity
        return identity

    def recall_commits(self, workflow: nodes.Workflow) -> dict[str, str]:
        """With `only_failed`: what the workflows of other repositories were in the last run here; they stay what they were."""
        runs = self._stores.runs
        last = runs.list(source=self._source, workflow=workflow.file, limit=1) if self._only_failed else ()
        found = runs.find(last[0].id, last[0].attempt) if last else None
        return {} if found is None else list_commits(found[1].workflow)

    def leave_out_green(self, plans: Sequence[Plan]) -> Sequence[Plan]:
        """With `only_failed`: the plans whose last run here has something to run again; else all of them.

        Raises `CommandError` where the last run is going on, or none was run here.
        """
        if not self._only_failed:
            return plans
        failed = [plan for plan in plans if self._has_failed(plan)]
        if plans and not failed:
            if not self.green:
                raise UsageError("none of these workflows was run here yet", "leave --failed out")
            self._console.say(f"homeport: nothing failed in the last run of {', '.join(self.green)}")
        return failed

    def by_run(self, plans: Sequence[Plan]) -> list[tuple[str, Plan]]:
        """Plans with the ids of their runs."""
        return [(self._identities[plan.workflow.file].id, plan) for plan in plans]

    def submit(
        self, coordinator: Coordinator, plans: Sequence[Plan], only_matrix: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Begin the runs."""
        for plan in plans:
            chosen = msgspec.structs.replace(plan, only_matrix=dict(only_matrix)) if only_matrix else plan
            identity = self._identities[plan.workflow.file]
            record = RunRecord(
                id=identity.id,
                repository=plan.event.repository.full_name,
                workflow=plan.workflow.file,
                number=identity.number,
                attempt=identity.attempt,
                created_at=self.clock.now(),
                source=self._source,
                options=dict(self._execution.recipe),
            )
            previous = self._previous.get(plan.workflow.file)
            if previous is None:
                coordinator.submit(chosen, record)
            else:
                coordinator.resubmit(previous, record, "failed", plan=chosen)

    def _has_failed(self, plan: Plan) -> bool:
        identity = self._identities[plan.workflow.file]
        recalled = recall(self._stores.runs, identity.id) if identity.attempt > 1 else None
        if recalled is None:
            return False
        state = recalled[1]
        if state.status != "completed":
            raise CommandError(
                f"run {state.id} of {plan.workflow.name} is still going on", "wait, or `homeport cancel` it"
            )
        if all(job.outcome in ("success", "skipped") for job in state.jobs.values()):
            self.green.append(plan.workflow.name)
            return False
        self._previous[plan.workflow.file] = state
        return True

"""A coordinator among stores in memory, with runners that do what a test says."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.dispatch import Labels
from homeport.coordinator.surroundings import Policy, Stores
from homeport.plan.model import Plan
from homeport.ports.peer import JobOrder
from homeport.run.facts import Conclusion, Fact, JobFinished, JobStarted, RunnerFact, StopReason
from homeport.store.memory import MemoryConcurrencyGroups, MemoryControls, MemoryLogs, MemoryRuns
from tests.support.plans import FixedClock, record_of

T = TypeVar("T")
LABELS = Labels(("ubuntu-*", "linux", "self-hosted"))


class ScriptedRunners:
    """`Runners` that only remember what they were told."""

    def __init__(self) -> None:
        self.offered: dict[str, JobOrder] = {}
        self.secrets: dict[str, Mapping[str, str]] = {}
        self.stopped: list[tuple[str, StopReason, bool]] = []
        self.retried: list[tuple[str, int]] = []
        self.forgotten: list[str] = []

    def offer(self, order: JobOrder, secrets: Mapping[str, str]) -> None:
        self.offered[order.lease] = order
        self.secrets[order.lease] = secrets

    def stop(self, lease: str, reason: StopReason, *, force: bool) -> None:
        self.stopped.append((lease, reason, force))

    def retry(self, lease: str, step: int) -> None:
        self.retried.append((lease, step))

    def forget(self, lease: str) -> None:
        self.forgotten.append(lease)


class World:
    """Stores and runs of one test; `process()` gives a coordinator of its own, as another process would have."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.runs = MemoryRuns()
        self.logs = MemoryLogs()
        self.groups = MemoryConcurrencyGroups()
        self.controls = MemoryControls()
        self.stores = Stores(self.runs, self.logs, lambda _: self.groups, self.controls)

    def process(self, policy: Policy | None = None, watch: Callable[[Fact], None] | None = None) -> "Bench":
        return Bench(self, policy or Policy(labels=LABELS), watch)


class Bench:
    """One coordinator with scripted runners, and everything that it broadcast."""

    def __init__(self, world: World, policy: Policy, watch: Callable[[Fact], None] | None = None) -> None:
        self.world = world
        self.runners = ScriptedRunners()
        self.facts: list[Fact] = []
        self.coordinator = Coordinator(
            world.stores, self.runners, world.clock, policy=policy, broadcast=watch or self.facts.append
        )
        self._sequences: dict[str, int] = {}

    def submit(self, plan: Plan) -> str:
        run = self.world.runs.new_id()
        self.coordinator.submit(plan, record_of(run, number=int(run)))
        return run

    def lease(self, job: str, run: str | None = None) -> str:
        """The newest lease of a job."""
        return [
            lease for lease, order in self.runners.offered.items() if order.leg.key == job and run in (None, order.run)
        ][-1]

    def report(self, lease: str, *facts: RunnerFact) -> None:
        self._sequences[lease] = self._sequences.get(lease, 0) + 1
        self.coordinator.handle(lease, self._sequences[lease], facts)

    def start(self, job: str, run: str | None = None) -> str:
        lease = self.lease(job, run)
        order = self.runners.offered[lease]
        self.report(
            lease,
            JobStarted(
                at=self.world.clock.now(),
                run=order.run,
                job=job,
                job_id=order.leg.job_id,
                name=order.leg.name,
                matrix=order.leg.matrix,
                runner="scripted",
                lease=lease,
            ),
        )
        return lease

    def finish(
        self,
        job: str,
        conclusion: Conclusion = "success",
        run: str | None = None,
        *,
        outputs: Mapping[str, str] | None = None,
    ) -> None:
        """Start a job, if need be, and end it."""
        lease = self.lease(job, run)
        order = self.runners.offered[lease]
        state = self.coordinator.find_run(order.run)
        if state is not None and state.jobs[job].status == "queued":
            self.start(job, run)
        self.report(
            lease,
            JobFinished(
                at=self.world.clock.now(),
                run=order.run,
                job=job,
                job_id=order.leg.job_id,
                name=order.leg.name,
                matrix=order.leg.matrix,
                conclusion=conclusion,
                outcome=conclusion,
                outputs=dict(outputs or {}),
            ),
        )

    def offers(self) -> list[str]:
        """The keys of all jobs that were offered, in order."""
        return [order.leg.key for order in self.runners.offered.values()]

    def of(self, kind: type[T]) -> Sequence[T]:
        """The broadcast facts of one kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

"""The one write path of runs: a fact arrives, is remembered, applied and told; then what follows from it is done."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import assert_never

from homeport.coordinator.claims import Claims
from homeport.coordinator.dispatch import Runners
from homeport.coordinator.journal import Broadcast, Journal, begin
from homeport.coordinator.loss import facts_of_lost_job
from homeport.coordinator.offers import JobOffers
from homeport.coordinator.output_limit import hold_to_limit
from homeport.coordinator.surroundings import Policy, Stores
from homeport.plan.model import Plan
from homeport.ports.clock import Clock
from homeport.ports.concurrency import Holder
from homeport.ports.control import CancelRun, Inbox, RetryJob, Wake
from homeport.ports.repositories import RunRecord
from homeport.run.decide import settle
from homeport.run.effects import ClaimConcurrency, Effect, OfferJob, Record, ReleaseConcurrency, StopJob
from homeport.run.facts import (
    CancelRequested,
    Conclusion,
    ConcurrencyGranted,
    ConcurrencyWaiting,
    JobFinished,
    JobStopRequested,
    LinesLogged,
    RunFact,
    RunFinished,
    RunnerFact,
)
from homeport.run.opening import queued_fact
from homeport.run.rerun import Selection, rerun_facts
from homeport.run.resume import list_unsettled
from homeport.run.state import RunState


class Coordinator:
    """Carries out any number of runs at once. One thread calls it; no call blocks but for the stores.

    The order of calls: `submit` or `resubmit` → any number of `handle`, `heed`, `cancel`, `tick` → the run is in `conclusions`.
    Everything may raise `StoreError`: nothing more can be remembered then, and the runs are to be ended by `abandon`.
    """

    def __init__(self, stores: Stores, runners: Runners, clock: Clock, *, policy: Policy, broadcast: Broadcast) -> None:
        self.conclusions: dict[str, Conclusion] = {}
        """how the runs that are completed ended, by id"""
        self._stores = stores
        self._clock = clock
        self._broadcast = broadcast
        self._open: dict[str, Journal] = {}
        self._posted: deque[tuple[str, Sequence[RunFact]]] = deque()
        self._offers = JobOffers(runners, stores, clock, policy, self._post)
        self._claims = Claims(stores, clock, self._post, self.find_run)

    # --- what comes from outside -------------------------------------------------------------------------------------

    def submit(self, plan: Plan, record: RunRecord) -> None:
        """Begin a run. Its id and number are taken from the record."""
        state = begin(plan, record)
        self._start(record, plan, state, [queued_fact(state, self._clock.now())])

    def resubmit(
        self, previous: RunState, record: RunRecord, selection: Selection, *, plan: Plan | None = None
    ) -> None:
        """Begin another attempt at a run; `record` is that of the new attempt, `plan` a newer one, where there is one.

        Raises `RerunError`.
        """
        facts = rerun_facts(previous, selection, self._clock.now())
        plan = plan or previous.plan
        self._start(record, plan, begin(plan, record), facts)

    def take_over(self, record: RunRecord, state: RunState, facts: Sequence[RunFact]) -> None:
        """Go on with an attempt whose process died (`RunRepository.adopt`), beginning with the facts of its loss."""
        self._open[record.id] = Journal(state, self._stores.runs, self._broadcast, None)
        self._post(record.id, facts)
        self._work_off()
        if record.id in self._open:  # nothing of it was news, and yet something may follow from what was known
            self._decide(self._open[record.id])

    def resume(self, record: RunRecord, state: RunState, heard: Mapping[str, int]) -> None:
        """Go on with an attempt that an earlier process of this server carried out (`RunRepository.adopt`) and whose runners may still
        be at work. Its queued and running jobs are offered again under their leases; `heard` says of each lease which report was the
        last to be taken in.
        """
        inbox = self._stores.controls.open(record.id)
        journal = self._open[record.id] = Journal(state, self._stores.runs, self._broadcast, inbox)
        self._offers.expect(heard)
        for effect in list_unsettled(state, self._clock.now()):
            self._carry_out(journal, effect)
        self._work_off()
        if record.id in self._open:
            self._decide(journal)

    def handle(self, lease: str, sequence: int, facts: Sequence[RunnerFact]) -> None:
        """Take in a runner's report. One that was heard before, or comes under a lease that is closed, changes nothing."""
        leased = self._offers.find(lease)
        journal = self._open.get(leased.run) if leased is not None else None
        if leased is None or journal is None or not journal.state.holds(leased.job, lease):
            return
        state = journal.state
        accepted = hold_to_limit(state, leased.accept(sequence, facts))
        for fact in accepted:
            if isinstance(fact, LinesLogged):
                self._stores.logs.append(state.id, state.attempt, fact.job, fact.step, fact.at, fact.text)
        if accepted:
            self._post(leased.run, accepted)
            self._work_off()

    def measure_log(self, lease: str) -> int:
        """How large the log of a lease's job is (`LogStore.size`); 0 where the lease is closed."""
        leased = self._offers.find(lease)
        journal = self._open.get(leased.run) if leased is not None else None
        if leased is None or journal is None:
            return 0
        return self._stores.logs.size(leased.run, journal.state.attempt, leased.job)

    def lose(self, lease: str) -> None:
        """The runner of a lease is gone: its job has failed. Its journal is read, so what was written before must be durable."""
        leased = self._offers.find(lease)
        journal = self._open.get(leased.run) if leased is not None else None
        if leased is None or journal is None or not journal.state.holds(leased.job, lease):
            return
        facts = list(self._stores.runs.facts(leased.run, journal.state.attempt))
        self._post(leased.run, facts_of_lost_job(journal.state, leased.job, facts, self._clock.now()))
        self._work_off()

    def cancel(self, run: str, by: str, reason: str, *, force: bool = False, job: str | None = None) -> None:
        """Ask for the end of a run, or of one leg of it. Asking again changes nothing, but for `force`, which leaves out cleanup."""
        self._post(run, self._claims.ending(Holder(run, job), by, reason, force=force))
        self._work_off()

    def retry(self, run: str, *, job: str | None = None, step: int | None = None) -> bool:
        """Let a paused job go on; False where there is none."""
        journal = self._open.get(run)
        if journal is None:
            return False
        for state in journal.state.jobs.values():
            if state.paused is not None and state.status == "running" and job in (None, state.key):
                self._offers.retry(journal.state, state.key, step or state.paused)
                return True
        return False

    def heed(self, run: str) -> None:
        """Read what others ask of a run."""
        journal = self._open.get(run)
        requests = journal.inbox.receive() if journal is not None and journal.inbox is not None else ()
        for request in requests:
            match request:
                case CancelRun():
                    self.cancel(run, request.by, request.reason, force=request.force, job=request.job)
                case RetryJob():
                    self.retry(run, job=request.job, step=request.step)
                case Wake():
                    self.tick()
                case _:
                    assert_never(request)

    def tick(self) -> None:
        """Look at what nobody tells: groups that a dead process left. To be called now and then while `is_waiting`."""
        self._claims.poll()
        self._work_off()

    # --- what may be asked --------------------------------------------------------------------------------------------

    @property
    def inboxes(self) -> Mapping[str, Inbox]:
        """Where requests for the open runs arrive: `heed` a run when its inbox is readable."""
        return {run: journal.inbox for run, journal in self._open.items() if journal.inbox is not None}

    @property
    def open_runs(self) -> Sequence[str]:
        """The runs that are not completed."""
        return tuple(self._open)

    @property
    def is_waiting(self) -> bool:
        """Whether a run or job waits for a concurrency group."""
        return self._claims.are_waiting

    def find_run(self, run: str) -> RunState | None:
        """The state of an open run."""
        journal = self._open.get(run)
        return None if journal is None else journal.state

    def let_go(self) -> None:
        """Forget all runs, and tell nobody: what is in memory is ahead of what is remembered. Another coordinator resumes them."""
        for journal in self._open.values():
            if journal.inbox is not None:
                journal.inbox.close()
        self._open.clear()

    def abandon(self) -> None:
        """Stop every job at once and remember nothing more: what is left open is concluded at the next start."""
        self._offers.abandon()
        for run, journal in self._open.items():
            if journal.inbox is not None:
                journal.inbox.close()
            self._stores.runs.abandon(run, journal.state.attempt)
        self._open.clear()

    # --- the write path -----------------------------------------------------------------------------------------------

    def _start(self, record: RunRecord, plan: Plan, state: RunState, facts: Sequence[RunFact]) -> None:
        self._stores.runs.create(record, plan)
        inbox = self._stores.controls.open(record.id)
        self._open[record.id] = Journal(state, self._stores.runs, self._broadcast, inbox)
        self._post(record.id, facts)
        self._work_off()

    def _post(self, run: str, facts: Sequence[RunFact]) -> None:
        self._posted.append((run, facts))

    def _work_off(self) -> None:
        """Record what was posted, and carry out what follows, until nothing does."""
        while self._posted:
            run, facts = self._posted.popleft()
            journal = self._open.get(run)
            if journal is None:
                continue
            possible = [fact for fact in facts if _is_still_possible(journal.state, fact)]
            if possible and journal.record(possible):
                self._follow_up(journal, possible)
                self._decide(journal)

    def _follow_up(self, journal: Journal, facts: Sequence[RunFact]) -> None:
        """What a fact asks for that no decision came before."""
        for fact in facts:
            if isinstance(fact, JobFinished):
                self._offers.forget(journal.state, fact.job)
            elif isinstance(fact, JobStopRequested):
                self._offers.stop(journal.state, fact.job, fact.reason, force=fact.force)

    def _decide(self, journal: Journal) -> None:
        state, effects = settle(journal.state, self._clock.now())
        if effects:
            journal.record_decided(state, [effect.fact for effect in effects])
            for effect in effects:
                self._carry_out(journal, effect)

    def _carry_out(self, journal: Journal, effect: Effect) -> None:
        run = journal.state
        match effect:
            case OfferJob():
                self._offers.offer(run, effect.fact)
            case StopJob():
                self._offers.stop(run, effect.fact.job, effect.fact.reason, force=effect.fact.force)
            case ClaimConcurrency():
                self._claims.claim(run, effect)
            case ReleaseConcurrency():
                self._claims.release(run, effect)
            case Record():
                if isinstance(effect.fact, JobFinished):
                    self._offers.forget(run, effect.fact.job)
                elif isinstance(effect.fact, RunFinished):
                    self._finish(journal, effect.fact)
            case _:
                assert_never(effect)

    def _finish(self, journal: Journal, fact: RunFinished) -> None:
        self._stores.runs.close(fact.run, journal.state.attempt)
        if journal.inbox is not None:
            journal.inbox.close()
        del self._open[fact.run]
        self.conclusions[fact.run] = fact.conclusion


def _is_still_possible(run: RunState, fact: RunFact) -> bool:
    """Whether a fact that had to wait for its turn still means something: what it is about may have ended meanwhile."""
    match fact:
        case ConcurrencyGranted() | ConcurrencyWaiting():
            claim = run.claim if fact.job is None else run.jobs[fact.job].claims.get(fact.group, "none")
            return claim in ("requested", "waiting")
        case CancelRequested():
            return run.cancel is None or (fact.force and not run.forced)
        case JobStopRequested():
            job = run.jobs.get(fact.job)
            return job is not None and job.status in ("ready", "queued", "running")
        case JobFinished():
            return run.jobs[fact.job].status != "completed"
        case _:
            return True

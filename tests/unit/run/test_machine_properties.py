"""The run machine under random plans, random runners and cancellations at random moments: what must hold of every run."""

from datetime import datetime, timedelta
from random import Random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from homeport.plan.model import ConcurrencyClaim, Plan
from homeport.ports.concurrency import Holder
from homeport.run.codec import decode_fact, encode_fact
from homeport.run.conclusion import conclude_job
from homeport.run.decide import decide, settle
from homeport.run.effects import ClaimConcurrency, Effect, OfferJob, ReleaseConcurrency, StopJob
from homeport.run.facts import (
    CancelRequested,
    Conclusion,
    ConcurrencyGranted,
    ConcurrencyWaiting,
    JobFinished,
    JobPaused,
    JobQueued,
    JobResumed,
    JobStarted,
    JobStopRequested,
    RunFact,
    RunFinished,
    StepStarted,
)
from homeport.run.opening import queued_fact
from homeport.run.rerun import OneJob, RerunError, rerun_facts
from homeport.run.state import RunState
from homeport.run.transition import apply, initial_state, replay
from homeport.store.memory import MemoryConcurrencyGroups
from tests.support.random_plans import GROUPS, LISTS, plans
from tests.support.simulation import START
from tests.support.workflows import GITHUB

OUTSIDER = Holder("another run", None)
choices = st.integers(0, 1_000)
outcomes = st.sampled_from(("success", "success", "success", "failure", "cancelled"))


class RunMachine(RuleBasedStateMachine):
    """A coordinator and its runners that do all that they may, in any order."""

    @initialize(plan=plans(), outsider=st.sampled_from((None, *GROUPS, "run")))
    def begin(self, plan: Plan, outsider: str | None) -> None:
        self.groups = MemoryConcurrencyGroups()
        self.outsider = outsider
        if outsider is not None:
            self.groups.claim(OUTSIDER, ConcurrencyClaim(outsider))
        self.moment = 0
        self._enter(initial_state("1", plan, github=GITHUB))
        self.take(queued_fact(self.run, self.now()))

    def _enter(self, base: RunState) -> None:
        self.base = self.run = base
        self.journal: list[RunFact] = []
        self.offers: dict[str, JobQueued] = {}
        self.grants: list[tuple[Holder, str]] = []
        self.asked: list[Holder] = []

    # --- the coordinator ---

    def now(self) -> datetime:
        return START + timedelta(seconds=self.moment)

    def take(self, *facts: RunFact) -> None:
        self.moment += 1
        for fact in facts:
            self._append(fact)
        while decide(self.run, self.now()):
            assert decide(self.run, self.now()) == decide(self.run, self.now())
            before = self.run
            self.run, effects = settle(before, self.now())
            self._watch_effects(before, effects)
            self.journal += [effect.fact for effect in effects]
            for effect in effects:
                self._carry_out(effect)

    def _append(self, fact: RunFact) -> None:
        self._watch(fact)
        assert decode_fact(encode_fact(fact)) == fact
        self.run = apply(self.run, fact)
        self.journal.append(fact)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case OfferJob(fact):
                self.offers[fact.job] = fact
            case StopJob(fact):
                self.offers.pop(fact.job, None)
            case ClaimConcurrency(fact, claim):
                self._claim(fact.job, claim)
            case ReleaseConcurrency(fact):
                self._pass_on(self.groups.release(Holder("1", fact.job), fact.group), fact.group)
            case _:
                pass

    def _claim(self, job: str | None, claim: ConcurrencyClaim) -> None:
        holder = Holder("1", job)
        answer = self.groups.claim(holder, claim)
        self.asked += [other for other in answer.replaced if other.run == "1"]
        if answer.interrupt is not None and answer.interrupt.run == "1":
            self.asked.append(answer.interrupt)
        if answer.status == "granted":
            self.grants.append((holder, claim.group))
        elif answer.status == "refused":
            self.asked.append(holder)
        else:
            fact = ConcurrencyWaiting(at=self.now(), run="1", job=job, group=claim.group, holder="x")
            self._append(fact)

    def _pass_on(self, holder: Holder | None, group: str) -> None:
        if holder is not None and holder.run == "1":
            self.grants.append((holder, group))

    # --- what may happen ---

    def _is_open(self) -> bool:
        return self.run.status != "completed"

    def _running(self) -> list[str]:
        return [job.key for job in self.run.jobs.values() if job.status == "running" and job.open_families is None]

    @rule()
    def time_passes(self) -> None:
        self.moment += 1

    @precondition(lambda self: self.offers)
    @rule(choice=choices)
    def a_runner_takes_a_job(self, choice: int) -> None:
        offer = self.offers.pop(sorted(self.offers)[choice % len(self.offers)])
        leg = self.run.jobs[offer.job].leg
        assert leg is not None
        self.take(
            JobStarted(
                at=self.now(),
                run="1",
                job=offer.job,
                job_id=leg.job_id,
                name=leg.name,
                matrix=leg.matrix,
                runner="r",
                lease=offer.lease,
            )
        )

    @precondition(lambda self: self.offers)
    @rule(choice=choices, outcome=st.sampled_from(("failure", "skipped")))
    def no_runner_can_take_a_job(self, choice: int, outcome: Conclusion) -> None:
        self._end(self.offers.pop(sorted(self.offers)[choice % len(self.offers)]).job, outcome, "", "no runner")

    @precondition(lambda self: self._running())
    @rule(choice=choices, outcome=outcomes, output=st.sampled_from(LISTS))
    def a_job_ends(self, choice: int, outcome: Conclusion, output: str) -> None:
        running = self._running()
        self._end(running[choice % len(running)], outcome, output, None)

    def _end(self, key: str, outcome: Conclusion, output: str, reason: str | None) -> None:
        leg = self.run.jobs[key].leg
        assert leg is not None
        self.take(
            JobFinished(
                at=self.now(),
                run="1",
                job=key,
                job_id=leg.job_id,
                name=leg.name,
                matrix=leg.matrix,
                conclusion=conclude_job(outcome, continue_on_error=leg.continue_on_error),
                outcome=outcome,
                outputs={"list": output},
                reason=reason,
            )
        )

    @precondition(lambda self: self._running())
    @rule(choice=choices)
    def a_job_pauses_and_goes_on(self, choice: int) -> None:
        key = self._running()[choice % len(self._running())]
        self.take(StepStarted(at=self.now(), run="1", job=key, step="s", number=1, name="s"))
        self.take(JobPaused(at=self.now(), run="1", job=key, step="s", number=1))
        self.take(JobResumed(at=self.now(), run="1", job=key, number=1))

    @precondition(lambda self: self.grants)
    @rule(choice=choices)
    def a_group_is_granted(self, choice: int) -> None:
        holder, group = self.grants.pop(choice % len(self.grants))
        written, status = self._claim_of(holder, group)
        if self._is_open() and status in ("requested", "waiting"):
            self.take(ConcurrencyGranted(at=self.now(), run="1", job=holder.job, group=written))

    def _claim_of(self, holder: Holder, group: str) -> tuple[str, str]:
        if holder.job is None:
            return group, self.run.claim
        claims = self.run.jobs[holder.job].claims
        return next((written, status) for written, status in claims.items() if written.lower() == group.lower())

    @precondition(lambda self: self.asked)
    @rule()
    def a_claimant_is_superseded(self) -> None:
        holder = self.asked.pop(0)
        if not self._is_open():
            return
        if holder.job is None:
            self.take(CancelRequested(at=self.now(), run="1", by="x", reason="superseded"))
        elif self.run.jobs[holder.job].status != "completed":
            self.offers.pop(holder.job, None)
            self.take(JobStopRequested(at=self.now(), run="1", job=holder.job, reason="superseded"))

    @precondition(lambda self: self.outsider is not None)
    @rule()
    def another_run_gives_its_group_back(self) -> None:
        assert self.outsider is not None
        self._pass_on(self.groups.release(OUTSIDER, self.outsider), self.outsider)
        self.outsider = None

    @precondition(lambda self: self._is_open() and self.moment > 4)
    @rule(choice=st.integers(0, 5))
    def somebody_cancels_the_run(self, choice: int) -> None:
        if choice < 2:
            self.take(CancelRequested(at=self.now(), run="1", by="x", reason="y", force=choice == 0))

    @precondition(lambda self: not self._is_open() and self.run.attempt < 3)
    @rule(choice=choices)
    def somebody_runs_it_again(self, choice: int) -> None:
        keys = list(self.run.jobs)
        selection = (("all", "failed")[choice % 2]) if choice % 3 else OneJob(keys[choice % len(keys)])
        try:
            facts = rerun_facts(self.run, selection, self.now())  # type: ignore[arg-type]
        except RerunError:
            return
        self._check_journal()
        self._enter(initial_state("1", self.run.plan, attempt=self.run.attempt + 1, github=GITHUB))
        self.take(*facts)

    # --- what must hold ---

    def _watch(self, fact: RunFact) -> None:
        """No job starts before its needs are done, none twice, none without its groups."""
        if isinstance(fact, JobStarted):
            job = self.run.jobs[fact.job]
            family = self.run.family_of(job)
            assert all(self.run.families[need].status == "completed" for need in family.needs)
            assert not any(isinstance(other, JobStarted) and other.job == fact.job for other in self.journal)
            assert not self.run.forced or not family.planned.called
            wanted = [claim for claim in (job.leg.concurrency, job.leg.called_concurrency) if claim] if job.leg else []
            assert all(job.claims[claim.group] == "granted" for claim in wanted)
        if isinstance(fact, JobFinished):
            assert not any(isinstance(other, JobFinished) and other.job == fact.job for other in self.journal)
            assert fact.conclusion != "skipped" or fact.reason or self.run.jobs[fact.job].open_families == 0
        assert not any(isinstance(other, RunFinished) for other in self.journal)

    def _watch_effects(self, state: RunState, effects: list[Effect]) -> None:
        seen, self.run = self.run, state
        for effect in effects:
            self._watch(effect.fact)
            self.run = apply(self.run, effect.fact)
        assert self.run == seen

    @invariant()
    def nothing_is_left_to_decide(self) -> None:
        if self._is_open():
            assert decide(self.run, self.now()) == []
            everything = {
                key: None for key, family in self.run.families.items() if _may_be_due(self.run, key, family.unmet)
            }
            assert decide(msgspec.structs.replace(self.run, agenda=everything), self.now()) == []

    @invariant()
    def max_parallel_is_held_and_counts_are_right(self) -> None:
        for family in self.run.families.values():
            legs = [self.run.jobs[key] for key in family.legs]
            open_legs = [leg for leg in legs if leg.status != "completed"]
            if family.status != "waiting":
                assert family.open == len(open_legs)
                assert family.unstopped == sum(not leg.is_stopped(forced=self.run.forced) for leg in open_legs)
                assert set(family.ready) <= {leg.key for leg in open_legs if leg.status == "ready"}
            if family.status == "expanded":
                assert family.active == len(open_legs) - len(family.ready)
                limit = legs[0].leg.max_parallel if legs[0].leg else None
                assert limit is None or family.active <= limit

    @invariant()
    def a_group_has_one_holder_inside_the_run(self) -> None:
        held = [
            group.lower() for job in self.run.jobs.values() for group, claim in job.claims.items() if claim == "granted"
        ]
        assert len(held) == len(set(held))

    def teardown(self) -> None:
        """Whatever happened, the run comes to its end when its runners do their work, and its journal tells it again."""
        if not hasattr(self, "base"):
            return
        for _ in range(10_000):
            if not self._is_open():
                break
            self._go_on()
        assert self.run.status == "completed"
        assert all(job.status == "completed" for job in self.run.jobs.values())
        assert isinstance(self.journal[-1], RunFinished)
        self._check_journal()

    def _go_on(self) -> None:
        """Do what can be done, in a fixed order; the message says who waits for whom where nothing can."""
        waits = {job.key: (job.status, job.claims) for job in self.run.jobs.values() if job.status != "completed"}
        if self.outsider is not None:
            self.another_run_gives_its_group_back()
        elif self.asked:
            self.a_claimant_is_superseded()
        elif self.grants:
            self.a_group_is_granted(0)
        elif self.offers:
            self.a_runner_takes_a_job(0)
        else:
            assert self._running(), f"the run is stuck: {waits}"
            self._end(self._running()[0], "success", LISTS[0], None)

    def _check_journal(self) -> None:
        assert replay(self.base, self.journal) == self.run


def _may_be_due(run: RunState, key: str, unmet: int) -> bool:
    family = run.families[key]
    return family.status == "expanded" or (family.status == "waiting" and unmet == 0 and run.status == "running")


TestRunMachine = RunMachine.TestCase
TestRunMachine.settings = settings(
    max_examples=80, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)


@given(plan=plans(least=4), seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_must_hold_holds_of_long_runs_too(plan: Plan, seed: int) -> None:
    """The same machine, driven so that most jobs succeed and most runs get far."""
    random = Random(seed)
    machine = RunMachine()
    machine.begin(plan=plan, outsider=random.choice((None, None, None, *GROUPS)))
    for _ in range(random.randint(5, 80)):
        _act(machine, random)
        machine.nothing_is_left_to_decide()
        machine.max_parallel_is_held_and_counts_are_right()
        machine.a_group_has_one_holder_inside_the_run()
    machine.teardown()


def _act(machine: RunMachine, random: Random) -> None:
    chance, choice = random.random(), random.randint(0, 1_000)
    if not machine._is_open():
        machine.somebody_runs_it_again(choice)
    elif chance < 0.01:
        machine.somebody_cancels_the_run(random.randint(0, 1))
    elif machine.asked and chance < 0.3:
        machine.a_claimant_is_superseded()
    elif machine.grants and chance < 0.5:
        machine.a_group_is_granted(choice)
    elif machine.outsider is not None and chance < 0.1:
        machine.another_run_gives_its_group_back()
    elif machine.offers and (chance < 0.6 or not machine._running()):
        machine.a_runner_takes_a_job(choice)
    elif machine._running():
        outcome = random.choice(("success",) * 8 + ("failure", "cancelled"))
        machine.a_job_ends(choice, outcome, random.choice(LISTS[:2] * 3 + LISTS))

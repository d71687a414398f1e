"""Carries runs out over the pure machine with scripted runners: time is a number, so that scenarios can assert on it without waiting.

It is what a coordinator is to the machine (facts first, effects afterwards), with the real rules of concurrency groups. Every fact
goes through its journal line, and every run must come to its end; `World.check` replays what was written.
"""

import heapq
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from homeport.plan.model import Plan
from homeport.ports.concurrency import Holder
from homeport.run.codec import decode_fact, encode_fact
from homeport.run.conclusion import conclude_job
from homeport.run.decide import decide, settle
from homeport.run.effects import ClaimConcurrency, Effect, OfferJob, ReleaseConcurrency, StopJob
from homeport.run.facts import (
    AnnotationRaised,
    CancelRequested,
    Conclusion,
    ConcurrencyGranted,
    ConcurrencyWaiting,
    JobFinished,
    JobQueued,
    JobsKept,
    JobSpared,
    JobStarted,
    JobStopRequested,
    RunFact,
    RunFinished,
)
from homeport.run.opening import queued_fact
from homeport.run.rerun import Selection, rerun_facts
from homeport.run.state import RunState
from homeport.run.transition import apply, initial_state, replay
from homeport.store.memory import MemoryConcurrencyGroups

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Act(msgspec.Struct, frozen=True):
    """What a runner does with a job: how long it takes, how it ends, and how long its cleanup takes when it is told to stop."""

    seconds: float = 10.0
    outcome: Conclusion = "success"
    outputs: dict[str, str] = {}
    cleanup_seconds: float = 1.0
    heeds_stop: bool = True


Script = Mapping[str, Act]
"""By a job's key, or its id for all of its legs; what is not named takes ten seconds and succeeds."""


class _Simulated:
    """One attempt of one run: its state, its journal, and what its runners are at."""

    def __init__(self, base: RunState, script: Script) -> None:
        self.base = base
        self.state = base
        self.script = script
        self.journal: list[RunFact] = []
        self.offers: dict[str, JobQueued] = {}
        self.working: dict[str, int] = {}  # job → the number of the appointment at which it ends

    def act_of(self, key: str) -> Act:
        leg = self.state.jobs[key].leg
        assert leg is not None
        return self.script.get(key) or self.script.get(leg.job_id) or Act()


class World:
    """Runs that share a clock, concurrency groups and a number of runners (None: as many as there are jobs)."""

    def __init__(self, *, runners: int | None = None) -> None:
        self.now = 0.0
        self.runners = runners
        self.groups = MemoryConcurrencyGroups()
        self.runs: dict[str, _Simulated] = {}
        self._appointments: list[tuple[float, int, Callable[[], None]]] = []
        self._cancelled: set[int] = set()
        self._count = 0

    # --- what a test asks for ---

    def start(
        self, plan: Plan, script: Script | None = None, *, run: str = "1", github: Mapping[str, object] | None = None
    ) -> None:
        """Queue a run now."""
        simulated = _Simulated(initial_state(run, plan, github={**(github or {})}), script or {})
        self.runs[run] = simulated
        self._take(simulated, [queued_fact(simulated.state, self._at())])

    def rerun(self, selection: Selection, script: Script | None = None, *, run: str = "1") -> None:
        """Queue the next attempt of a completed run now, in the place of the one before."""
        previous = self.runs[run].state
        base = initial_state(
            run, previous.plan, number=previous.number, attempt=previous.attempt + 1, github=previous.github
        )
        simulated = _Simulated(base, script or {})
        facts = rerun_facts(previous, selection, self._at())
        self.runs[run] = simulated
        self._take(simulated, list(facts))

    def at(self, seconds: float, action: Callable[[], None]) -> int:
        """Do something at a moment; gives the number under which it can be called off."""
        self._count += 1
        heapq.heappush(self._appointments, (seconds, self._count, action))
        return self._count

    def cancel(self, run: str = "1", *, force: bool = False, by: str = "octo") -> None:
        """Ask for the end of a run now; nothing where it has ended."""
        simulated = self.runs[run]
        if simulated.state.status != "completed":
            self._take(
                simulated,
                [CancelRequested(at=self._at(), run=run, by=by, reason=f"{by} asked for it", force=force)],
            )

    def run(self) -> None:
        """Let time pass until nothing is left to happen, and check every run."""
        while self._appointments:
            when, number, action = heapq.heappop(self._appointments)
            if number not in self._cancelled:
                self.now = max(self.now, when)
                action()
        for simulated in self.runs.values():
            self._check(simulated)

    # --- what a test looks at ---

    def facts(self, run: str = "1") -> list[RunFact]:
        return self.runs[run].journal

    def started(self, job: str, run: str = "1") -> float | None:
        """Seconds from the start of the world until a job started; None where it never did."""
        return next((_seconds(f) for f in self.facts(run) if isinstance(f, JobStarted) and f.job == job), None)

    def ending(self, job: str, run: str = "1") -> JobFinished:
        return next(fact for fact in self.facts(run) if isinstance(fact, JobFinished) and fact.job == job)

    def finished(self, job: str, run: str = "1") -> float:
        return _seconds(self.ending(job, run))

    def conclusions(self, run: str = "1") -> dict[str, Conclusion]:
        """How every job that this attempt concluded ended, in the order in which they did."""
        return {fact.job: fact.conclusion for fact in self.facts(run) if isinstance(fact, JobFinished)}

    def conclusion(self, run: str = "1") -> Conclusion | None:
        return self.runs[run].state.conclusion

    def annotations(self, run: str = "1") -> list[AnnotationRaised]:
        return [fact for fact in self.facts(run) if isinstance(fact, AnnotationRaised)]

    def kept(self, run: str = "1") -> dict[str, Conclusion]:
        return {job.key: job.conclusion for fact in self.facts(run) if isinstance(fact, JobsKept) for job in fact.jobs}

    def timeline(self, run: str = "1") -> list[str]:
        """What people would say of a run: one line for whatever began, ended, waited or was stopped."""
        return [f"{_seconds(fact):3.0f} {said}" for fact in self.facts(run) if (said := _say(fact))]

    # --- the coordinator's part ---

    def _take(self, run: _Simulated, facts: list[RunFact]) -> None:
        for fact in facts:
            self._append(run, fact)
        self._follow_up(run)

    def _append(self, run: _Simulated, fact: RunFact) -> None:
        read_back = decode_fact(encode_fact(fact))
        assert read_back == fact
        run.journal.append(fact)
        run.state = apply(run.state, fact)

    def _follow_up(self, run: _Simulated) -> None:
        now = self._at()
        while decide(run.state, now):
            assert decide(run.state, now) == decide(run.state, now)
            run.state, effects = settle(run.state, now)
            assert decide(run.state, now) == []
            run.journal += [effect.fact for effect in effects]
            for effect in effects:
                self._carry_out(run, effect)
        self._give_out()

    def _carry_out(self, run: _Simulated, effect: Effect) -> None:
        match effect:
            case OfferJob(fact):
                run.offers[fact.job] = fact
            case StopJob(fact):
                self._stop(run, fact)
            case ClaimConcurrency(fact, claim):
                holder = Holder(run.state.id, fact.job)
                answer = self.groups.claim(holder, claim)
                for other in (*answer.replaced, *((answer.interrupt,) if answer.interrupt else ())):
                    self.at(self.now, lambda other=other: self._supersede(other))  # type: ignore[misc]
                if answer.status == "granted":
                    self.at(self.now, lambda: self._grant(holder, claim.group))
                elif answer.status == "refused":
                    self.at(self.now, lambda: self._supersede(holder))
                elif answer.holder is not None:
                    name = f"run {answer.holder.run}"
                    self._append(
                        run,
                        ConcurrencyWaiting(at=self._at(), run=fact.run, job=fact.job, group=claim.group, holder=name),
                    )
            case ReleaseConcurrency(fact):
                passed_to = self.groups.release(Holder(run.state.id, fact.job), fact.group)
                if passed_to is not None:
                    self.at(self.now, lambda: self._grant(passed_to, fact.group))
            case _:
                pass

    def _grant(self, holder: Holder, group: str) -> None:
        run = self.runs[holder.run]
        claims = {run.state.plan.concurrency.group: run.state.claim} if run.state.plan.concurrency else {}
        if holder.job is not None:
            claims = run.state.jobs[holder.job].claims
        written = next(name for name in claims if name.lower() == group.lower())
        if claims[written] in ("requested", "waiting"):
            self._take(run, [ConcurrencyGranted(at=self._at(), run=holder.run, job=holder.job, group=written)])

    def _supersede(self, holder: Holder) -> None:
        if holder.job is None:
            self.cancel(holder.run, by="a later run of its concurrency group")
            return
        run = self.runs[holder.run]
        job = run.state.jobs[holder.job]
        if job.status == "completed":
            return
        fact = JobStopRequested(at=self._at(), run=holder.run, job=holder.job, reason="superseded")
        self._append(run, fact)
        self._stop(run, fact)
        self._follow_up(run)

    # --- the runners' part ---

    def _give_out(self) -> None:
        """Free runners take what was offered first, one moment later in the same second."""
        for run in self.runs.values():
            for key, offer in list(run.offers.items()):
                if self.runners is not None and sum(len(other.working) for other in self.runs.values()) >= self.runners:
                    return
                if run.state.holds(key, offer.lease) and run.state.jobs[key].stop is None:
                    del run.offers[key]
                    run.working[key] = self.at(self.now, lambda run=run, offer=offer: self._begin(run, offer))  # type: ignore[misc]

    def _begin(self, run: _Simulated, offer: JobQueued) -> None:
        if not run.state.holds(offer.job, offer.lease):
            run.working.pop(offer.job, None)
            return
        leg = run.state.jobs[offer.job].leg
        assert leg is not None
        act = run.act_of(offer.job)
        outcome, outputs = act.outcome, act.outputs
        run.working[offer.job] = self.at(self.now + act.seconds, lambda: self._end(run, offer.job, outcome, outputs))
        started = JobStarted(
            at=self._at(),
            run=offer.run,
            job=offer.job,
            job_id=leg.job_id,
            name=leg.name,
            matrix=leg.matrix,
            runner="scripted",
            lease=offer.lease,
        )
        self._take(run, [started])

    def _end(self, run: _Simulated, key: str, outcome: Conclusion, outputs: dict[str, str]) -> None:
        run.working.pop(key, None)
        leg = run.state.jobs[key].leg
        assert leg is not None
        finished = JobFinished(
            at=self._at(),
            run=run.state.id,
            job=key,
            job_id=leg.job_id,
            name=leg.name,
            matrix=leg.matrix,
            conclusion=conclude_job(outcome, continue_on_error=leg.continue_on_error),
            outcome=outcome,
            outputs=outputs,
        )
        self._take(run, [finished])

    def _stop(self, run: _Simulated, fact: JobStopRequested) -> None:
        run.offers.pop(fact.job, None)
        if run.state.jobs[fact.job].status != "running":
            return
        act = run.act_of(fact.job)
        if fact.job in run.working and (act.heeds_stop or fact.force):
            self._cancelled.add(run.working[fact.job])
            cleanup = 0.0 if fact.force else act.cleanup_seconds
            run.working[fact.job] = self.at(self.now + cleanup, lambda: self._end(run, fact.job, "cancelled", {}))

    # --- what holds of every run ---

    def _check(self, run: _Simulated) -> None:
        assert run.state.status == "completed", f"run {run.state.id} never ended: {run.state.jobs}"
        assert isinstance(run.journal[-1], RunFinished)
        assert all(job.status == "completed" for job in run.state.jobs.values())
        assert not run.state.agenda
        assert not run.state.attention
        assert replay(run.base, run.journal) == run.state

    def _at(self) -> datetime:
        return START + timedelta(seconds=self.now)


def _seconds(fact: RunFact) -> float:
    return (fact.at - START).total_seconds()


def _say(fact: RunFact) -> str:
    match fact:
        case JobStarted():
            return f"start {fact.job}"
        case JobFinished():
            was = f" (was {fact.outcome})" if fact.outcome != fact.conclusion else ""
            return f"{fact.conclusion}{was} {fact.job}" + (f": {fact.reason}" if fact.reason else "")
        case JobStopRequested():
            return f"stop {fact.job}: {fact.reason}" + (", by force" if fact.force else "")
        case JobSpared():
            return f"spared {fact.job}: {fact.reason}"
        case ConcurrencyWaiting():
            return f"wait {fact.job or 'run'}: {fact.group}"
        case AnnotationRaised():
            return f"{fact.severity} {fact.job}: {fact.message}"
        case CancelRequested():
            return "cancel"
        case RunFinished():
            return f"run {fact.conclusion}"
        case _:
            return ""

"""Says what must happen next in a run: the whole of scheduling, as a pure function of its state.

A decision looks only at what the last facts touched (`RunState.agenda` and `attention`), so that a run of many legs costs little.
Sources: GitHub docs, "Workflow syntax" (`needs`, `if` before the matrix, `fail-fast`, `max-parallel`), "Workflow cancellation
reference" (on cancelling, the `if` of every running job is evaluated again; where it holds, the job goes on), "Control the
concurrency of workflows and jobs"; gist kf6kjg/31b80cf0 (a run that is cancelled while it waits runs no job, whatever its `if`).
"""

from datetime import datetime

from homeport.plan.evaluation import EvaluationError
from homeport.plan.expand import Mistake, call_outputs, expand_job, unexpanded_name
from homeport.plan.model import ConcurrencyClaim
from homeport.run.conclusion import conclude_call, conclude_run
from homeport.run.conditions import condition_holds, condition_text, explain_skip, jobs_context, needs_context, scope_of
from homeport.run.deadlock import find_deadlock
from homeport.run.effects import ClaimConcurrency, Effect, OfferJob, Record, ReleaseConcurrency, StopJob
from homeport.run.facts import (
    AnnotationRaised,
    Conclusion,
    ConcurrencyReleased,
    ConcurrencyRequested,
    JobExpanded,
    JobFinished,
    JobQueued,
    JobSpared,
    JobStarted,
    JobStopRequested,
    RunFinished,
    RunStarted,
    StopReason,
)
from homeport.run.state import PENDING_CLAIMS, FamilyState, JobState, RunState
from homeport.run.transition import apply

_STOPS: dict[StopReason, str] = {
    "cancelled": "it was cancelled",
    "fail-fast": "another job of its matrix failed, and fail-fast is on",
    "superseded": "a later request for its concurrency group took its place",
}


def decide(run: RunState, now: datetime) -> list[Effect]:
    """All that must happen next. `now` is the time that the effects' facts bear.

    The caller appends the fact of every effect to the journal and applies it, then carries the effects out, in order, and only
    then decides again (`settle` does the first half); deciding twice without applying gives the same effects. Nothing is decided
    before `RunQueued` and after `RunFinished`, which is a run's last fact. An expression that fails is a failed job with an
    annotation at its place, never an exception.
    """
    if run.created_at is None or run.status == "completed":
        return []
    if run.status != "running" and run.cancel is None:
        return _begin(run, now)
    decision = _Decision(run, now)
    for key in run.agenda:
        decision.consider_family(run.families[key])
    for key in run.attention:
        decision.consider_job(run.jobs[key])
    if not decision.effects and run.waits:
        decision.break_deadlock()
    return decision.effects or (_end(run, now) if run.open_families == 0 else [])


def settle(run: RunState, now: datetime) -> tuple[RunState, list[Effect]]:
    """Decide and apply until nothing more follows by itself: the new state and all effects, in order.

    Their facts go to the journal before the first of them is carried out; what carrying out brings (a group granted, a job that no
    runner takes) comes back as facts.
    """
    settled: list[Effect] = []
    while effects := decide(run, now):
        for effect in effects:
            run = apply(run, effect.fact)
        settled += effects
    return run, settled


def _begin(run: RunState, now: datetime) -> list[Effect]:
    claim = run.plan.concurrency
    if claim is not None and run.claim == "none":
        fact = ConcurrencyRequested(at=now, run=run.id, job=None, group=claim.group)
        return [ClaimConcurrency(fact, claim)]
    if claim is None or run.claim == "granted":
        return [Record(RunStarted(at=now, run=run.id))]
    return []


def _end(run: RunState, now: datetime) -> list[Effect]:
    claim = run.plan.concurrency
    if claim is not None and run.claim in PENDING_CLAIMS:
        return [ReleaseConcurrency(ConcurrencyReleased(at=now, run=run.id, job=None, group=claim.group))]
    results = (family.result or "skipped" for family in run.families.values() if not family.scope)
    conclusion = conclude_run(results, cancelled=run.cancel is not None)
    return [Record(RunFinished(at=now, run=run.id, workflow=run.plan.workflow.file, conclusion=conclusion))]


class _Decision:
    """The effects that are gathered while the run's agenda is gone through. The state stays as it was."""

    def __init__(self, run: RunState, now: datetime) -> None:
        self.run = run
        self.now = now
        self.effects: list[Effect] = []
        self._leases = run.leases
        self._concluded: set[str] = set()

    # --- a job as it is written ---

    def consider_family(self, family: FamilyState) -> None:
        if family.status == "waiting":
            if self.run.forced or self.run.status != "running":
                self._conclude_unexpanded(family, "cancelled", f"the run was cancelled: {self.run.cancel}")
            else:
                self._open(family)
        elif not self._hold_back(family):
            strategy = self.run.jobs[family.legs[0]].leg
            assert strategy is not None
            for key in family.ready[: family.free_slots(strategy.max_parallel)]:
                self._advance(self.run.jobs[key])

    def _open(self, family: FamilyState) -> None:
        """Its needs are done: skip it, or apply its strategy; in this order, so that a skipped matrix is one job."""
        scope = scope_of(self.run, family.scope)
        try:
            holds = condition_holds(self.run, family, scope)
        except EvaluationError as error:
            mistake = Mistake(error.message, error.span)
            self._refuse(family, mistake, _describe("its if", mistake))
            return
        if not holds:
            self._conclude_unexpanded(family, "skipped", explain_skip(self.run, family))
            return
        expansion = expand_job(family.planned, scope, needs_context(self.run, family))
        if expansion.mistake is not None:
            self._refuse(family, expansion.mistake, expansion.mistake.message)
        else:
            self._record(JobExpanded(at=self.now, run=self.run.id, job=family.key, legs=expansion.legs))

    def _hold_back(self, family: FamilyState) -> bool:
        """Stop the legs of a job that is to end; False where it may go on."""
        if not family.unstopped:
            return False
        if family.failing:
            self._stop(family, "fail-fast")
            return True
        reason = self.run.find_stop(family.scope)
        if reason is None or (family.spared and not self.run.forced):
            return False
        if not self.run.forced and self._still_holds(family):
            why = f"its condition holds although it was to stop: {condition_text(family)}"
            self._record(JobSpared(at=self.now, run=self.run.id, job=family.key, reason=why))
        else:
            self._stop(family, reason)
        return True

    def _still_holds(self, family: FamilyState) -> bool:
        try:
            return condition_holds(self.run, family, scope_of(self.run, family.scope))
        except EvaluationError:
            return False

    def _stop(self, family: FamilyState, reason: StopReason) -> None:
        is_call = family.planned.called is not None
        for key in family.legs:
            job = self.run.jobs[key]
            if job.status == "completed" or job.is_stopped(forced=self.run.forced):
                continue
            if job.status == "ready":
                self._conclude_cancelled(job, job.stop or reason)
                continue
            fact = JobStopRequested(at=self.now, run=self.run.id, job=key, reason=reason, force=self.run.forced)
            self.effects.append(Record(fact) if is_call else StopJob(fact))

    # --- a leg ---

    def consider_job(self, job: JobState) -> None:
        if job.key in self._concluded:
            return
        match job.status:
            case "completed":
                for group, claim in job.claims.items():
                    if claim in PENDING_CLAIMS:
                        fact = ConcurrencyReleased(at=self.now, run=self.run.id, job=job.key, group=group)
                        self.effects.append(ReleaseConcurrency(fact))
            case "running":
                self._conclude_call(job)
            case "ready" | "queued" if job.stop is not None:
                self._conclude_cancelled(job, job.stop)
            case _:
                self._advance(job)

    def _advance(self, job: JobState) -> None:
        """Take a leg with a slot one step on: its groups one after the other, then its offer, or the beginning of a call."""
        leg = job.leg
        assert leg is not None
        for claim in (leg.concurrency, leg.called_concurrency):
            if claim is not None and not self._has(job, claim):
                return
        if self.run.family_of(job).planned.called is None:
            self._leases += 1
            lease = f"{self.run.id}.{self.run.attempt}.{self._leases}"
            self.effects.append(OfferJob(JobQueued(at=self.now, run=self.run.id, job=job.key, lease=lease)))
        else:
            self._record(
                JobStarted(
                    at=self.now,
                    run=self.run.id,
                    job=job.key,
                    job_id=leg.job_id,
                    name=leg.name,
                    matrix=leg.matrix,
                    runner="",
                )
            )

    def _has(self, job: JobState, claim: ConcurrencyClaim) -> bool:
        """Whether a leg has its group; asks for it where it has not asked yet."""
        status = job.claims.get(claim.group, "none")
        if status == "none":
            fact = ConcurrencyRequested(at=self.now, run=self.run.id, job=job.key, group=claim.group)
            self.effects.append(ClaimConcurrency(fact, claim))
        return status == "granted"

    def break_deadlock(self) -> None:
        """Where legs wait for one another's groups in a circle, fail the one that closed it."""
        deadlock = find_deadlock(self.run)
        if deadlock is None:
            return
        job = self.run.jobs[deadlock.job]
        planned = self.run.family_of(job).planned
        is_own = job.leg is not None and job.leg.concurrency is not None and job.leg.concurrency.group == deadlock.group
        written = planned.written.concurrency if is_own or planned.called is None else planned.called.concurrency
        assert written is not None
        message = (
            f"A deadlock for concurrency group '{deadlock.group}' was detected: "
            f"'{deadlock.holder}' holds it, and waits for a group that '{job.key}' keeps from it"
        )
        self._annotate(job.key, Mistake(message, written.span))
        self._conclude(job, "failure", message)

    # --- endings ---

    def _conclude_call(self, job: JobState) -> None:
        jobs = jobs_context(self.run, job.key)
        conclusion = conclude_call((one["result"] for one in jobs.values()), stopped=job.stop is not None)
        outputs = call_outputs(scope_of(self.run, job.key), jobs)
        if isinstance(outputs, Mistake):
            self._annotate(job.key, outputs)
            self._conclude(job, "failure", _describe("its outputs", outputs))
        else:
            self._conclude(job, conclusion, None, outputs)

    def _conclude_cancelled(self, job: JobState, reason: StopReason) -> None:
        is_cancelled = reason == "cancelled" and self.run.cancel is not None
        self._conclude(
            job, "cancelled", f"the run was cancelled: {self.run.cancel}" if is_cancelled else _STOPS[reason]
        )

    def _conclude(
        self, job: JobState, conclusion: Conclusion, reason: str | None, outputs: dict[str, str] | None = None
    ) -> None:
        assert job.leg is not None
        self._concluded.add(job.key)
        self._record(
            JobFinished(
                at=self.now,
                run=self.run.id,
                job=job.key,
                job_id=job.leg.job_id,
                name=job.leg.name,
                matrix=job.leg.matrix,
                conclusion=conclusion,
                outcome=conclusion,
                outputs=outputs or {},
                reason=reason,
            )
        )

    def _conclude_unexpanded(self, family: FamilyState, conclusion: Conclusion, reason: str) -> None:
        scope = scope_of(self.run, family.scope)
        self._record(
            JobFinished(
                at=self.now,
                run=self.run.id,
                job=family.key,
                job_id=scope.inner_job_id(family.id),
                name=unexpanded_name(family.planned, scope),
                matrix=None,
                conclusion=conclusion,
                outcome=conclusion,
                reason=reason,
            )
        )

    def _refuse(self, family: FamilyState, mistake: Mistake, reason: str) -> None:
        """A job whose text cannot be evaluated fails before it starts, and the annotation points at the place."""
        self._annotate(family.key, mistake)
        self._conclude_unexpanded(family, "failure", reason)

    def _annotate(self, key: str, mistake: Mistake) -> None:
        span = mistake.span
        self._record(
            AnnotationRaised(
                at=self.now,
                run=self.run.id,
                job=key,
                step=None,
                severity="error",
                message=mistake.message,
                file=span.file,
                line=span.line,
                column=span.column,
                end_line=span.end_line,
                end_column=span.end_column,
            )
        )

    def _record(self, fact: JobExpanded | JobStarted | JobSpared | JobFinished | AnnotationRaised) -> None:
        self.effects.append(Record(fact))


def _describe(what: str, mistake: Mistake) -> str:
    return f"{what} cannot be evaluated: {mistake.message}"

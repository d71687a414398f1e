"""Applies facts to a run's state: one fact, one step, with no clock and no store.

Strict: a fact that cannot follow from what went before raises `ImpossibleFactError`, because then either the journal or the
program that wrote it is wrong. What the state does not keep (steps, lines, annotations, artifacts) leaves it the same object.
"""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from homeport.language.remote_reference import parse_remote_reference
from homeport.plan.model import Plan, Values
from homeport.run.draft import Draft
from homeport.run.facts import (
    AnnotationRaised,
    ArtifactUploaded,
    CancelRequested,
    ConcurrencyGranted,
    ConcurrencyReleased,
    ConcurrencyRequested,
    ConcurrencyWaiting,
    EnvironmentUrlSet,
    JobExpanded,
    JobFinished,
    JobPaused,
    JobQueued,
    JobResumed,
    JobsKept,
    JobSpared,
    JobStarted,
    JobStopRequested,
    LinesLogged,
    RunFact,
    RunFinished,
    RunQueued,
    RunStarted,
    StepFinished,
    StepStarted,
    SummaryWritten,
    VersionResolved,
)
from homeport.run.opening import open_scope, replace_job, restore_legs, restore_scope
from homeport.run.state import PENDING_CLAIMS, ClaimStatus, FamilyState, JobState, RunState

_replace = msgspec.structs.replace
_ConcurrencyFact = ConcurrencyRequested | ConcurrencyWaiting | ConcurrencyGranted | ConcurrencyReleased


class ImpossibleFactError(Exception):
    """A fact that cannot follow from the facts before it."""

    def __init__(self, fact: RunFact, why: str) -> None:
        super().__init__(f"impossible fact: {type(fact).__name__} in run {fact.run}: {why}")
        self.fact = fact


def initial_state(
    run_id: str,
    plan: Plan,
    *,
    number: int = 1,
    attempt: int = 1,
    github: Values | None = None,
    repository_id: int = 0,
) -> RunState:
    """The state before the first fact. `github` is the run's share of that context, as job conditions may see it."""
    run = RunState(
        id=run_id, plan=plan, number=number, attempt=attempt, github=github or {}, repository_id=repository_id
    )
    draft = Draft(run)
    open_scope(draft, "", plan.workflow)
    return draft.freeze()


def apply(run: RunState, fact: RunFact) -> RunState:
    """The state after one more fact. Pure: the same facts give the same state, whenever they are applied.

    The caller gives it every fact of the journal in order, and each runner's report once. Raises `ImpossibleFactError`.
    """
    if run.status == "completed" or fact.run != run.id:
        raise ImpossibleFactError(fact, "the run is completed" if fact.run == run.id else f"this is run {run.id}")
    match fact:
        case LinesLogged() | AnnotationRaised():
            return run
        case StepStarted() | StepFinished() | SummaryWritten() | ArtifactUploaded() | EnvironmentUrlSet():
            _get_job(run, fact, "running")
            return run
        case VersionResolved():
            _get_job(run, fact, "running")
            return _note_commit(run, fact)
        case RunQueued() | JobsKept() | RunStarted() | CancelRequested() | RunFinished():
            return _apply_to_run(run, fact)
        case ConcurrencyRequested() | ConcurrencyWaiting() | ConcurrencyGranted() | ConcurrencyReleased():
            return _claim_for_run(run, fact) if fact.job is None else _claim_for_job(run, fact, fact.job)
        case _:
            return _apply_to_job(run, fact)


def replay(run: RunState, facts: Iterable[RunFact]) -> RunState:
    """The state after many facts: what a restart does with a journal."""
    for fact in facts:
        run = apply(run, fact)
    return run


# --- the run ---------------------------------------------------------------------------------------------------------


def _apply_to_run(run: RunState, fact: RunQueued | JobsKept | RunStarted | CancelRequested | RunFinished) -> RunState:
    match fact:
        case RunQueued():
            _require(fact, run.created_at is None, "the run was queued before")
            _require(fact, (fact.number, fact.attempt) == (run.number, run.attempt), "it is another attempt's")
            return _replace(run, created_at=fact.at)
        case JobsKept():
            return _keep(run, fact)
        case RunStarted():
            return _start_run(run, fact)
        case CancelRequested():
            return _cancel(run, fact)
        case RunFinished():
            _require(fact, run.open_families == 0, "jobs are open")
            _require(fact, run.claim not in PENDING_CLAIMS and not run.attention, "claims are open")
            return _replace(run, status="completed", conclusion=fact.conclusion, finished_at=fact.at)
        case _:
            assert_never(fact)


def _note_commit(run: RunState, fact: VersionResolved) -> RunState:
    """What a ref stood for when the first job of the run asked is what it stands for in all of the run."""
    reference = parse_remote_reference(fact.name) if fact.kind == "action" and fact.detail != "native" else None
    if reference is None or reference.key in run.resolved:
        return run
    return _replace(run, resolved={**run.resolved, reference.key: fact.version})


def _keep(run: RunState, fact: JobsKept) -> RunState:
    _require(
        fact, run.created_at is not None and run.status == "queued" and not run.kept, "only a queued run can keep jobs"
    )
    # as they ended: of legs that set the same output, the last one wins
    ended = sorted(fact.jobs, key=lambda job: job.finished_at.timestamp() if job.finished_at else 0.0)
    kept = {job.key: job for job in ended}
    draft = Draft(_replace(run, kept=kept, resolved=dict(fact.resolved), resumed=dict(fact.resumed)))
    restore_scope(draft, "", run.plan.workflow)
    return draft.freeze()


def _start_run(run: RunState, fact: RunStarted) -> RunState:
    _require(fact, run.created_at is not None and run.status in ("queued", "waiting"), f"the run is {run.status}")
    _require(fact, run.cancel is None, "the run is cancelled")
    _require(fact, run.claim == ("granted" if run.plan.concurrency else "none"), "its concurrency group is not granted")
    draft = Draft(_replace(run, status="running", started_at=fact.at))
    for key in draft.families:
        draft.touch_family(key)
    return draft.freeze()


def _cancel(run: RunState, fact: CancelRequested) -> RunState:
    """The first reason stays; force can be added later."""
    forced = run.forced or fact.force
    draft = Draft(_replace(run, cancel=run.cancel or fact.reason, forced=forced))
    for family in run.families.values():
        if family.status == "expanded" and forced != run.forced:
            unstopped = sum(_is_unstopped(draft.jobs[key], forced=forced) for key in family.legs)
            draft.put_family(_replace(family, unstopped=unstopped))
        elif family.status != "completed":
            draft.touch_family(family.key)
    return draft.freeze()


def _is_unstopped(job: JobState, *, forced: bool) -> bool:
    return job.status in ("ready", "queued", "running") and not job.is_stopped(forced=forced)


# --- concurrency -----------------------------------------------------------------------------------------------------


def _claim_for_run(run: RunState, fact: _ConcurrencyFact) -> RunState:
    claim = _next_claim(fact, run.claim)
    is_before_start = run.status in ("queued", "waiting")
    _require(fact, is_before_start or claim == "released", f"the run is {run.status}")
    return _replace(run, claim=claim, status="waiting" if is_before_start else run.status)


def _claim_for_job(run: RunState, fact: _ConcurrencyFact, key: str) -> RunState:
    job = run.jobs.get(key)
    if job is None:
        raise ImpossibleFactError(fact, f"there is no job {key}")
    claim = _next_claim(fact, job.claims.get(fact.group, "none"))
    _require(fact, claim == "released" or job.status == "ready", f"{key} is {job.status}")
    draft = Draft(run)
    if claim == "requested":
        draft.occupy(job)
    draft.put_job(_replace(job, claims={**job.claims, fact.group: claim}))
    return draft.freeze()


def _next_claim(fact: _ConcurrencyFact, current: ClaimStatus) -> ClaimStatus:
    claim: ClaimStatus
    allowed: tuple[ClaimStatus, ...]
    match fact:
        case ConcurrencyRequested():
            claim, allowed = "requested", ("none",)
        case ConcurrencyWaiting():
            claim, allowed = "waiting", ("requested", "waiting")
        case ConcurrencyGranted():
            claim, allowed = "granted", ("requested", "waiting")
        case ConcurrencyReleased():
            claim, allowed = "released", ("requested", "waiting", "granted")
        case _:
            assert_never(fact)
    _require(fact, current in allowed, f"the claim of group {fact.group} is {current}")
    return claim


# --- jobs ------------------------------------------------------------------------------------------------------------


def _apply_to_job(
    run: RunState,
    fact: JobExpanded | JobQueued | JobStarted | JobStopRequested | JobSpared | JobPaused | JobResumed | JobFinished,
) -> RunState:
    match fact:
        case JobExpanded():
            return _expand(run, fact)
        case JobQueued():
            return _queue(run, fact)
        case JobStarted():
            return _start(run, fact)
        case JobStopRequested():
            return _stop(run, fact)
        case JobSpared():
            return _spare(run, fact)
        case JobPaused() | JobResumed():
            return _pause(run, fact)
        case JobFinished():
            return _finish(run, fact)
        case _:
            assert_never(fact)


def _expand(run: RunState, fact: JobExpanded) -> RunState:
    family = _get_family(run, fact, "waiting")
    _require(fact, run.status == "running" and family.unmet == 0, "its needs are not done")
    keys = tuple(leg.key for leg in fact.legs)
    _require(fact, bool(keys) and len(set(keys)) == len(keys), "its legs have no keys of their own")
    draft = Draft(run)
    legs = [JobState(key=leg.key, scope=family.scope, id=family.id, status="ready", leg=leg) for leg in fact.legs]
    count = len(legs)
    draft.put_family(
        _replace(
            family,
            status="expanded",
            legs=keys,
            ready=keys,
            open=count,
            unstopped=count,
            spared=run.find_stop(family.scope) is not None,  # its condition has just held in spite of the stop
        )
    )
    replace_job(draft, family.key, legs)
    kept = [job for job in run.kept.values() if job.key in keys] if run.kept else []
    restore_legs(draft, family.planned, kept)
    return draft.freeze()


def _queue(run: RunState, fact: JobQueued) -> RunState:
    job = _get_job(run, fact, "ready")
    _require(fact, run.family_of(job).planned.called is None, "it is a call")
    _require(fact, job.stop is None and _all_granted(job), "it is held back")
    _require(fact, bool(fact.lease), "it has no lease")
    draft = Draft(_replace(run, leases=run.leases + 1))
    draft.occupy(job)
    draft.put_job(_replace(job, status="queued", lease=fact.lease))
    return draft.freeze()


def _start(run: RunState, fact: JobStarted) -> RunState:
    is_call = fact.job in run.jobs and run.family_of(run.jobs[fact.job]).planned.called is not None
    job = _get_job(run, fact, "ready" if is_call else "queued")
    draft = Draft(run)
    if is_call:
        _require(fact, job.stop is None and _all_granted(job), "it is held back")
        draft.occupy(job)
    else:
        _require(fact, fact.lease == job.lease, "the lease is not the one that was offered")
    draft.put_job(_replace(job, status="running", started_at=fact.at))
    called = run.family_of(job).planned.called
    if called is not None:
        open_scope(draft, job.key, called)
        restore_scope(draft, job.key, called)
    return draft.freeze()


def _stop(run: RunState, fact: JobStopRequested) -> RunState:
    job = _get_job(run, fact, "ready", "queued", "running")
    stopped = _replace(job, stop=job.stop or fact.reason, forced=job.forced or fact.force)
    if stopped == job:
        return run
    draft = Draft(run)
    draft.put_job(stopped)
    newly = stopped.is_stopped(forced=run.forced) - job.is_stopped(forced=run.forced)
    family = run.family_of(job)
    draft.put_family(_replace(family, unstopped=family.unstopped - newly))
    if job.open_families:
        for inner in run.families.values():
            if inner.status != "completed" and run.is_inside(inner.scope, job.key):
                draft.touch_family(inner.key)
    return draft.freeze()


def _spare(run: RunState, fact: JobSpared) -> RunState:
    family = _get_family(run, fact, "expanded")
    draft = Draft(run)
    draft.put_family(_replace(family, spared=True))
    return draft.freeze()


def _pause(run: RunState, fact: JobPaused | JobResumed) -> RunState:
    job = _get_job(run, fact, "running")
    draft = Draft(run)
    draft.put_job(_replace(job, paused=fact.number if isinstance(fact, JobPaused) else None))
    return draft.freeze()


def _finish(run: RunState, fact: JobFinished) -> RunState:
    job = _get_job(run, fact, "waiting", "ready", "queued", "running")
    _require(fact, not job.open_families, "jobs inside of it are open")
    leg = job.leg
    completed = _replace(
        job,
        status="completed",
        conclusion=fact.conclusion,
        outcome=fact.outcome,
        outputs=fact.outputs,
        reason=fact.reason,
        attempt=run.attempt,
        paused=None,
        finished_at=fact.at,
    )
    draft = Draft(run)
    draft.complete(
        completed, fails_fast=fact.conclusion == "failure" and leg is not None and leg.fail_fast and leg.total > 1
    )
    return draft.freeze()


# --- what must hold --------------------------------------------------------------------------------------------------


def _all_granted(job: JobState) -> bool:
    return all(claim == "granted" for claim in job.claims.values())


def _get_job(run: RunState, fact: RunFact, *statuses: str) -> JobState:
    key = getattr(fact, "job", "")
    job = run.jobs.get(key)
    if job is None:
        raise ImpossibleFactError(fact, f"there is no job {key}")
    _require(fact, job.status in statuses, f"{key} is {job.status}")
    return job


def _get_family(run: RunState, fact: JobExpanded | JobSpared, status: str) -> FamilyState:
    family = run.families.get(fact.job)
    if family is None:
        raise ImpossibleFactError(fact, f"there is no job {fact.job}")
    _require(fact, family.status == status, f"{fact.job} is {family.status}")
    return family


def _require(fact: RunFact, holds: bool, why: str) -> None:
    if not holds:
        raise ImpossibleFactError(fact, why)

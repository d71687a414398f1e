"""Begins another attempt at a run: of all its jobs, of what failed, of one job, or of the rest of one; with those come all that depend
on them.

Sources: GitHub docs, "Re-running workflows and jobs" (same sha, ref and payload, the first actor's rights; failed jobs and their
dependants; one job and its dependants) and its REST description (`rerun-failed-jobs`). A leg that failed runs again without its
siblings; a call that something failed in is opened again, and what went well in it is kept.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from homeport.plan.model import Plan
from homeport.run.facts import JobsKept, KeptJob, ResumePoint, RunFact
from homeport.run.opening import queued_fact
from homeport.run.state import FamilyState, JobState, RunState
from homeport.run.transition import initial_state, replay


class OneJob(msgspec.Struct, frozen=True):
    """A job by its key: one leg, or all legs of a job where it is the key without values."""

    key: str


class FromStep(msgspec.Struct, frozen=True):
    """One leg by its key, going on at the step with this number in the folders that it left: whether they are kept is not asked here."""

    key: str
    number: int


Selection = Literal["all", "failed"] | OneJob | FromStep


class RerunError(Exception):
    """What was asked for cannot be run again, in words."""


def rerun_state(
    previous: RunState, selection: Selection, at: datetime, *, triggered_by: str = "", plan: Plan | None = None
) -> RunState:
    """The state with which the next attempt begins, the facts of `rerun_facts` applied. Raises `RerunError`.

    `triggered_by` is who asked for it (`github.triggering_actor`). `plan` is a newly resolved one, where all jobs run again.
    """
    attempt = previous.attempt + 1
    github = {**previous.github, "run_attempt": str(attempt)}
    if triggered_by:
        github["triggering_actor"] = triggered_by
    base = initial_state(previous.id, plan or previous.plan, number=previous.number, attempt=attempt, github=github)
    return replay(base, rerun_facts(previous, selection, at))


def rerun_facts(previous: RunState, selection: Selection, at: datetime) -> tuple[RunFact, ...]:
    """The facts with which the journal of the next attempt begins: it can be replayed without the earlier ones.

    Raises `RerunError`: the run is going on, nothing failed, or there is no such job.
    """
    if previous.status != "completed":
        raise RerunError("the run is not completed yet: cancel it, or wait for its end")
    queued = queued_fact(previous, at, attempt=previous.attempt + 1)
    if selection == "all":
        return (queued,)
    kept = _find_kept(previous, _select(previous, selection))
    resumed = _find_resumed(previous, selection)
    return (queued, JobsKept(at=at, run=previous.id, jobs=kept, resolved=previous.resolved, resumed=resumed))


def _find_resumed(run: RunState, selection: Literal["failed"] | OneJob | FromStep) -> dict[str, ResumePoint]:
    if not isinstance(selection, FromStep):
        return {}
    return {selection.key: ResumePoint(attempt=run.jobs[selection.key].attempt, step=selection.number)}


def _select(run: RunState, selection: Literal["failed"] | OneJob | FromStep) -> list[JobState]:
    """The jobs that are asked for, without those that follow from them."""
    if isinstance(selection, FromStep):
        job = run.jobs.get(selection.key)
        if job is None:
            raise RerunError(f"the run has no job '{selection.key}'")
        if job.outcome != "failure" or job.open_families is not None:
            raise RerunError(f"job '{selection.key}' did not fail in a step of its own: nothing to go on from")
        return [job]
    if isinstance(selection, OneJob):
        if selection.key in run.jobs:
            return [run.jobs[selection.key]]
        if selection.key in run.families:
            return [run.jobs[key] for key in run.families[selection.key].legs]
        raise RerunError(f"the run has no job '{selection.key}'")
    failed = [job for job in run.jobs.values() if job.outcome in ("failure", "cancelled")]
    reopened = {call.key for job in failed for call in _calls_around(run, job)}
    if not failed:
        raise RerunError("no job of this run failed: nothing to run again")
    return [job for job in failed if job.key not in reopened]


def _find_kept(run: RunState, selected: Iterable[JobState]) -> tuple[KeptJob, ...]:
    again: set[str] = set()  # keys of legs, calls and families of which nothing is kept
    reopened: set[str] = set()  # keys of calls of which a part is kept
    for job in selected:
        again.add(job.key)
        again.update(_dependants(run, run.family_of(job)))
        for call in _calls_around(run, job):
            reopened.add(call.key)
            again.update(_dependants(run, run.family_of(call)))
    return tuple(_keep(job) for job in run.jobs.values() if job.key not in reopened and not _is_within(run, job, again))


def _calls_around(run: RunState, job: JobState) -> list[JobState]:
    calls = []
    while job.scope:
        job = run.jobs[job.scope]
        calls.append(job)
    return calls


def _dependants(run: RunState, family: FamilyState) -> dict[str, None]:
    """The families of the same scope that need this one, directly or not."""
    found: dict[str, None] = {}
    pending = list(family.dependants)
    while pending:
        key = pending.pop()
        if key not in found:
            found[key] = None
            pending += run.families[key].dependants
    return found


def _is_within(run: RunState, job: JobState, keys: set[str]) -> bool:
    """Whether a job, its family, or a call around it is among the keys."""
    around = (job, *_calls_around(run, job))
    return any(one.key in keys or run.family_of(one).key in keys for one in around)


def _keep(job: JobState) -> KeptJob:
    assert job.conclusion is not None
    assert job.outcome is not None
    return KeptJob(
        key=job.key,
        scope=job.scope,
        id=job.id,
        leg=job.leg,
        conclusion=job.conclusion,
        outcome=job.outcome,
        outputs=job.outputs,
        attempt=job.attempt,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )

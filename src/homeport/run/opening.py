"""How a run begins, and how the jobs of a workflow, top-level or called, come into it: all waiting, but for those that are kept."""

from datetime import datetime

import msgspec

from homeport.plan.model import PlannedJob, PlannedWorkflow
from homeport.run.draft import Draft
from homeport.run.facts import KeptJob, RunQueued
from homeport.run.state import FamilyState, JobState, RunState, family_key

_replace = msgspec.structs.replace


def queued_fact(run: RunState, at: datetime, *, attempt: int | None = None) -> RunQueued:
    """The first fact of a run's journal, or of another attempt's."""
    plan = run.plan
    return RunQueued(
        at=at,
        run=run.id,
        workflow=plan.workflow.file,
        name=plan.workflow.name,
        event=plan.event.name,
        run_name=plan.run_name,
        number=run.number,
        attempt=attempt or run.attempt,
    )


def open_scope(draft: Draft, scope: str, workflow: PlannedWorkflow) -> None:
    """Put the jobs of a workflow into the run, those of the call leg `scope` or, where it is empty, the run's own."""
    for family in _build_families(scope, workflow):
        draft.put_family(family)
        draft.put_job(JobState(key=family.key, scope=scope, id=family.id))
    if scope:
        draft.put_job(_replace(draft.jobs[scope], open_families=len(workflow.jobs)))
    else:
        draft.open_families = len(workflow.jobs)


def restore_scope(draft: Draft, scope: str, workflow: PlannedWorkflow) -> None:
    """Complete those jobs of a scope that a re-run keeps whole, with all that is inside of them."""
    kept: dict[str, list[KeptJob]] = {}
    for job in draft.run.kept.values():
        if job.scope == scope:
            kept.setdefault(job.id, []).append(job)
    for planned in workflow.jobs:
        jobs = kept.get(planned.written.id, [])
        if jobs and (jobs[0].leg is None or jobs[0].leg.total == len(jobs)):
            _restore_family(draft, planned, family_key(scope, planned.written.id), jobs)


def restore_legs(draft: Draft, planned: PlannedJob, kept: list[KeptJob]) -> None:
    """Complete legs that stand in the run already, as they ended in an earlier attempt, in the order in which they did."""
    for job in kept:
        if planned.called is not None and any(other.scope == job.key for other in draft.run.kept.values()):
            open_scope(draft, job.key, planned.called)
            restore_scope(draft, job.key, planned.called)
        draft.complete(_restore_job(job, draft.jobs[job.key].open_families), fails_fast=False)


def replace_job(draft: Draft, key: str, legs: list[JobState]) -> None:
    """Put a job's legs in the place where the job stood."""
    if len(legs) == 1 and legs[0].key == key:
        draft.put_job(legs[0])
        return
    jobs: dict[str, JobState] = {}
    for other, state in draft.jobs.items():
        if other == key:
            jobs.update((leg.key, leg) for leg in legs)
        else:
            jobs[other] = state
    draft.jobs = jobs
    for leg in legs:
        draft.put_job(leg)


def _build_families(scope: str, workflow: PlannedWorkflow) -> list[FamilyState]:
    keys = {planned.written.id.lower(): family_key(scope, planned.written.id) for planned in workflow.jobs}
    needs = {
        keys[planned.written.id.lower()]: tuple(
            dict.fromkeys(keys[need.job_id.lower()] for need in planned.written.needs)
        )
        for planned in workflow.jobs
    }
    dependants: dict[str, list[str]] = {key: [] for key in keys.values()}
    for key, wanted in needs.items():
        for need in wanted:
            dependants[need].append(key)
    return [
        FamilyState(
            key=key,
            scope=scope,
            id=planned.written.id,
            planned=planned,
            needs=needs[key],
            dependants=tuple(dependants[key]),
            unmet=len(needs[key]),
        )
        for planned, key in zip(workflow.jobs, needs, strict=True)
    ]


def _restore_family(draft: Draft, planned: PlannedJob, key: str, kept: list[KeptJob]) -> None:
    in_matrix_order = sorted(kept, key=lambda job: job.leg.index if job.leg else 0)
    legs = [JobState(key=job.key, scope=job.scope, id=job.id, leg=job.leg) for job in in_matrix_order]
    family = draft.families[key]
    draft.put_family(_replace(family, status="expanded", legs=tuple(leg.key for leg in legs), open=len(legs)))
    replace_job(draft, key, legs)
    restore_legs(draft, planned, kept)


def _restore_job(kept: KeptJob, open_families: int | None) -> JobState:
    return JobState(
        key=kept.key,
        scope=kept.scope,
        id=kept.id,
        status="completed",
        leg=kept.leg,
        open_families=open_families,
        conclusion=kept.conclusion,
        outcome=kept.outcome,
        outputs=kept.outputs,
        attempt=kept.attempt,
        started_at=kept.started_at,
        finished_at=kept.finished_at,
    )

"""Carries out a part of a plan only: `--job` and `--matrix`."""

from collections.abc import Sequence

import msgspec

from homeport.cli.errors import UsageError
from homeport.cli.options import nearest
from homeport.plan.model import Plan, PlannedJob


def choose_jobs(plans: Sequence[Plan], wanted: Sequence[str]) -> list[Plan]:
    """The plans that have one of the wanted jobs, each with these jobs and all that they need; as they are where none is wanted.

    Raises `UsageError` for a job that no plan has.
    """
    if not wanted:
        return list(plans)
    known = [job.written.id for plan in plans for job in plan.workflow.jobs]
    folded = {job_id.lower() for job_id in known}
    for job_id in wanted:
        if job_id.lower() not in folded:
            meant = nearest(job_id, known)
            hint = f"did you mean {meant}?" if meant else f"there are: {', '.join(known) or 'none'}"
            raise UsageError(f"--job {job_id}: no workflow that starts has this job", hint)
    chosen = [_keep(plan, {job_id.lower() for job_id in wanted}) for plan in plans]
    return [plan for plan in chosen if plan.workflow.jobs]


def read_matrix(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`KEY:VALUE` texts by key; several values of one key are alternatives. Raises `UsageError`."""
    chosen: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, colon, value = text.partition(":")
        if not colon or not key:
            raise UsageError(f"--matrix is {text!r}, expected KEY:VALUE", "--matrix python-version:3.12")
        chosen[key] = (*chosen.get(key, ()), value)
    return chosen


def _keep(plan: Plan, wanted: set[str]) -> Plan:
    by_id = {job.written.id.lower(): job for job in plan.workflow.jobs}
    kept: set[str] = set()
    pending = [job_id for job_id in wanted if job_id in by_id]
    while pending:
        job_id = pending.pop()
        if job_id not in kept:
            kept.add(job_id)
            pending += [need.job_id.lower() for need in by_id[job_id].written.needs]
    jobs: tuple[PlannedJob, ...] = tuple(job for job in plan.workflow.jobs if job.written.id.lower() in kept)
    return msgspec.structs.replace(plan, workflow=msgspec.structs.replace(plan.workflow, jobs=jobs))

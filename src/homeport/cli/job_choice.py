"""Carries out a part of a plan only (`--job` and `--matrix`), and finds choices that no plan has."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from homeport.cli.errors import UsageError
from homeport.cli.options import nearest
from homeport.language.nodes import Job, Strategy
from homeport.language.parser.values import fields
from homeport.language.tokens import ExpressionToken, SequenceToken
from homeport.plan.model import Plan, PlannedJob, PlannedWorkflow


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


def check_keys(plans: Sequence[Plan], chosen: Mapping[str, tuple[str, ...]]) -> None:
    """Raise `UsageError` for a key that surely no matrix has: whoever misspells one does not want to run all legs."""
    keys: set[str] = set()
    for plan in plans:
        for strategy in _list_strategies(plan.workflow):
            found = _find_keys(strategy)
            if found is None:
                return  # this matrix is known when it runs
            keys |= found
    for key in chosen:
        if key.lower() not in {known.lower() for known in keys}:
            meant = nearest(key, sorted(keys))
            hint = f"did you mean {meant}?" if meant else f"there are: {', '.join(sorted(keys)) or 'none'}"
            raise UsageError(f"--matrix {key}: no matrix has this key", hint)


def check_containers(plans: Sequence[Plan]) -> None:
    """Raise `UsageError` where every job must be in a container, no label stands for an image, and surely no job names one."""
    if plans and not any(_may_name_container(plan.workflow) for plan in plans):
        raise UsageError(
            "--executor container: no job that starts names a `container:`, and no --runner gives an image",
            "--runner ubuntu-latest=container:IMAGE",
        )


def _may_name_container(workflow: PlannedWorkflow) -> bool:
    return any(
        job.written.container is not None
        if isinstance(job.written, Job)
        else job.called is None or _may_name_container(job.called)
        for job in workflow.jobs
    )


def _list_strategies(workflow: PlannedWorkflow) -> Iterator[Strategy]:
    for job in workflow.jobs:
        if job.written.strategy is not None:
            yield job.written.strategy
        if job.called is not None:
            yield from _list_strategies(job.called)


def _find_keys(strategy: Strategy) -> set[str] | None:
    """The keys of a matrix as it is written, those of `include` too; None where an expression gives them."""
    if strategy.whole is not None or isinstance(strategy.matrix, ExpressionToken):
        return None
    vectors = fields(strategy.matrix)
    include = vectors.get("include")
    if isinstance(include, ExpressionToken):
        return None
    added = include.items if isinstance(include, SequenceToken) else ()
    return {*vectors, *(key for combination in added for key in fields(combination))} - {"include", "exclude"}


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

"""Plans as the public JSON of `homeport plan --format json`. Names and shapes are a contract; fields may be added."""

from typing import Any

from homeport.language.expr.values import Value
from homeport.plan.compare import Difference
from homeport.plan.model import ConcurrencyClaim, NotStarted, Plan
from homeport.plan.outline import OutlinedJob
from homeport.plan.steps import OutlinedStep

Json = dict[str, Any]


def encode_plan(plan: Plan, jobs: tuple[OutlinedJob, ...]) -> Json:
    """A workflow that the event starts, with its jobs (`plan.outline.outline_plan`)."""
    return {
        "file": plan.workflow.file,
        "name": plan.workflow.name,
        "run_name": plan.run_name,
        "starts": True,
        "reason": None,
        "concurrency": None if plan.concurrency is None else _encode_claim(plan.concurrency),
        "jobs": [_encode_job(job) for job in jobs],
    }


def encode_not_started(outcome: NotStarted) -> Json:
    """A workflow that the event does not start, and why."""
    return {
        "file": outcome.workflow,
        "name": outcome.name,
        "run_name": None,
        "starts": False,
        "reason": outcome.reason,
        "concurrency": None,
        "jobs": [],
    }


def encode_difference(difference: Difference) -> Json:
    """One thing that an edit changes in the plan."""
    return {
        "workflow": difference.workflow,
        "job": difference.job,
        "kind": difference.kind,
        "message": difference.message,
    }


def _encode_claim(claim: ConcurrencyClaim) -> Json:
    return {"group": claim.group, "cancel_in_progress": claim.cancel_in_progress, "queue": claim.queue}


def _encode_job(job: OutlinedJob) -> Json:
    return {
        "id": job.id,
        "key": job.key,
        "name": job.name,
        "needs": job.needs,
        "matrix": None if job.matrix is None else to_plain(job.matrix),
        "expanded": job.expanded,
        "runs_on": job.runs_on,
        "runner_group": job.runner_group,
        "environment": job.environment,
        "if": job.condition,
        "skipped": job.skipped,
        "error": None if job.mistake is None else job.mistake.message,
        "uses": job.calls,
        "steps": [_encode_step(step) for step in job.steps],
    }


def _encode_step(step: OutlinedStep) -> Json:
    encoded: Json = {"id": step.id, "kind": step.kind, "name": step.name, "if": step.condition}
    if step.run is not None:
        encoded["run"] = step.run
    if step.uses is not None:
        encoded["uses"] = step.uses
    if step.background:
        encoded["background"] = True
    if step.targets:
        encoded["targets"] = step.targets
    if step.steps:
        encoded["steps"] = [_encode_step(inner) for inner in step.steps]
    return encoded


def to_plain(value: Value) -> Any:
    """A value as JSON writes it: whole numbers without a fraction."""
    match value:
        case float() if value.is_integer() and abs(value) < 1e15:
            return int(value)
        case list():
            return [to_plain(item) for item in value]
        case dict():
            return {key: to_plain(item) for key, item in value.items()}
        case _:
            return value

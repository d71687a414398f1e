"""Puts the workflows of other repositories into a stored plan anew: when all jobs run again, they are what their refs stand for now.

Source: GitHub docs, "Re-running workflows and jobs" (all jobs: called workflows at their refs; failed jobs: at the commits of the first
attempt).
"""

from collections.abc import Iterator

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import point
from homeport.language import nodes
from homeport.language.calls import Load, Loaded
from homeport.language.tokens import StringToken
from homeport.plan.calls import RemoteFiles, plan_calls
from homeport.plan.model import Plan, PlannedWorkflow
from homeport.plan.planner import Missing


def has_remote_calls(workflow: PlannedWorkflow) -> bool:
    """Whether it, or what it calls, calls a workflow of another repository."""
    return any(
        isinstance(job.written, nodes.CallJob)
        and (job.called is None or job.called.origin is not None or has_remote_calls(job.called))
        for job in workflow.jobs
    )


def refresh_calls(
    plan: Plan, load_remote: Load, remote: RemoteFiles, *, can_fetch: bool
) -> Plan | Missing | list[Diagnostic]:
    """The plan with other repositories' workflows as `load_remote` gives them; its own stay as they are. As `plan_workflow`, it is asked
    again with what was missing, and at last without (`can_fetch`).
    """
    own = dict(_list_own(plan.workflow))

    def load(reference: str) -> Loaded | None:
        return (own[reference], []) if reference in own else load_remote(reference)

    placed = plan_calls(_as_written(plan.workflow), load, plan.default_permissions, remote)
    if isinstance(placed, list):
        return placed
    if placed.missing and can_fetch:
        return Missing(placed.missing)
    return msgspec.structs.replace(plan, workflow=placed.workflow)


def _list_own(workflow: PlannedWorkflow) -> Iterator[tuple[str, nodes.Workflow]]:
    """The running repository's called workflows, by reference."""
    for job in workflow.jobs:
        if job.called is not None and job.called.origin is None:
            yield f"./{job.called.file}", _as_written(job.called)
            yield from _list_own(job.called)


def _as_written(workflow: PlannedWorkflow) -> nodes.Workflow:
    span = point(workflow.file)
    call = nodes.Trigger(
        event="workflow_call",
        span=span,
        inputs=workflow.inputs,
        secrets=workflow.secrets,
        outputs=workflow.outputs,
    )
    return nodes.Workflow(
        file=workflow.file,
        name=None if workflow.name == workflow.file else StringToken(workflow.name, span),
        triggers=(call,),
        env=workflow.env,
        defaults=workflow.defaults,
        permissions=workflow.permissions,
        concurrency=workflow.concurrency,
        jobs=tuple(job.written for job in workflow.jobs),
        span=span,
    )

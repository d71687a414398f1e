"""Shadow mode: workflows run beside a forge that runs them too, so nothing is deployed and nothing is published a second time.

What a job publishes with, it has from its environment, from secrets (the vault gives none in shadow mode) or from an identity token. A job
that names an environment, or asks for an identity token or for packages to write, is therefore skipped, and says so.
"""

import msgspec

from homeport.language import nodes
from homeport.language.tokens import ExpressionToken
from homeport.plan.model import Plan, PlannedJob, PlannedWorkflow

_SOURCE = "false && 'shadow mode neither deploys nor publishes'"
_PUBLISHING = frozenset({"id-token", "packages", "attestations"})


def shade(plan: Plan) -> Plan:
    """The plan without what deploys or publishes."""
    return msgspec.structs.replace(plan, workflow=_shade_workflow(plan.workflow, inherited=None))


def _shade_workflow(workflow: PlannedWorkflow, inherited: nodes.Permissions | None) -> PlannedWorkflow:
    own = workflow.permissions or inherited
    return msgspec.structs.replace(workflow, jobs=tuple(_shade_job(job, own) for job in workflow.jobs))


def _shade_job(job: PlannedJob, inherited: nodes.Permissions | None) -> PlannedJob:
    permissions = job.written.permissions or inherited
    if isinstance(job.written, nodes.CallJob):
        called = None if job.called is None else _shade_workflow(job.called, permissions)
        return msgspec.structs.replace(job, called=called)
    if job.written.environment is None and not _publishes(permissions):
        return job
    condition = nodes.Condition(ExpressionToken(_SOURCE, job.written.condition.expression.span), implicit_success=False)
    return msgspec.structs.replace(job, written=msgspec.structs.replace(job.written, condition=condition))


def _publishes(permissions: nodes.Permissions | None) -> bool:
    if permissions is None:
        return False
    return permissions.every == "write-all" or any(
        scope in _PUBLISHING and level == "write" for scope, level in permissions.scopes
    )

"""What is visible inside one workflow of a run: the top one, or one that a job calls."""

import msgspec

from homeport.language import nodes
from homeport.plan.evaluation import Contexts
from homeport.plan.model import Leg, Plan, PlannedJob, PlannedWorkflow, Values
from homeport.plan.permissions import Grants, call_limit, event_limit, grant, narrow


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow as it is carried out. `key`, `job_id` and `name` are those of the call leg around it, empty at the top.

    `github` and `variables` are the same everywhere in a run (a called workflow has its caller's `github`, `github.workflow`
    included); `inputs` are its own.
    """

    workflow: PlannedWorkflow
    key: str = ""
    job_id: str = ""
    name: str = ""
    github: Values
    inputs: Values
    variables: dict[str, str]
    permissions: Grants
    """what a job gets that names no `permissions`"""
    limit: Grants
    """the most that a job may ask for"""
    call_limit: Grants
    """the most that a workflow may ask for which a job without `permissions` calls"""
    groups: dict[str, str] = {}
    """the concurrency groups held around this scope (in lower case), and by what"""
    only_matrix: dict[str, tuple[str, ...]] = {}
    """as in `Plan`"""

    def inner_key(self, name: str) -> str:
        """The key of something in this scope."""
        return f"{self.key}/{name}" if self.key else name

    def inner_job_id(self, job_id: str) -> str:
        """The full id of a job in this scope."""
        return f"{self.job_id}/{job_id}" if self.job_id else job_id

    def inner_name(self, name: str) -> str:
        """The full name of a job in this scope."""
        return f"{self.name} / {name}" if self.name else name


def top_scope(plan: Plan, github: Values) -> Scope:
    """The scope of a plan's own jobs. `github` is the whole context of the run (`plan.contexts.github_context`)."""
    held = {plan.concurrency.group.lower(): "top level workflow"} if plan.concurrency else {}
    written = plan.workflow.permissions is not None
    return Scope(
        workflow=plan.workflow,
        github=github,
        inputs=plan.inputs,
        variables=plan.variables,
        permissions=plan.permissions,
        limit=event_limit(plan.event),
        call_limit=plan.permissions
        if written
        else narrow(call_limit(plan.default_permissions), event_limit(plan.event)),
        groups=held,
        only_matrix=plan.only_matrix,
    )


def called_scope(scope: Scope, leg: Leg, job: PlannedJob) -> Scope:
    """The scope inside a leg of a call. `leg` was expanded from `job` in `scope`."""
    assert job.called is not None
    assert leg.inputs is not None
    limit = leg.permissions if job.written.permissions is not None else scope.call_limit
    own = grant_within(job.called.permissions, limit)
    claims = (leg.concurrency, leg.called_concurrency)
    return Scope(
        workflow=job.called,
        key=leg.key,
        job_id=leg.job_id,
        name=leg.name,
        github=scope.github,
        inputs=leg.inputs,
        variables=scope.variables,
        permissions=leg.permissions if own is None else own,
        limit=limit,
        call_limit=limit if own is None else own,
        groups={**scope.groups, **{claim.group.lower(): leg.job_id for claim in claims if claim is not None}},
        only_matrix=scope.only_matrix,
    )


def grant_within(permissions: nodes.Permissions | None, limit: Grants) -> Grants | None:
    """What a written `permissions` grants below a limit; None where none is written."""
    return None if permissions is None else narrow(grant(permissions), limit)


def job_contexts(scope: Scope, needs: Values) -> Contexts:
    """The contexts of a job's `if` and `strategy`: `github`, `needs`, `vars` and `inputs`.

    `needs` has, by job id, an object with `result` and `outputs` for each job that is needed directly.
    """
    return {"github": scope.github, "needs": needs, "vars": scope.variables, "inputs": scope.inputs}

"""Puts the reusable workflows that a workflow calls in their places, however deep.

Source: docs "Reuse workflows"; what a call may not do is `language.calls`' business.
"""

from typing import Protocol

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.calls import DefaultPermissions, Load, Loaded, check_calls, qualify_call
from homeport.language.remote_reference import parse_remote_reference, qualify_own_use
from homeport.plan.model import PlannedJob, PlannedWorkflow, WorkflowOrigin
from homeport.plan.permissions import TokenPolicy


class MissingFile(msgspec.Struct, frozen=True):
    """A workflow of another repository that has to be fetched before the plan can be made: `owner/repo/path@ref`."""

    reference: str
    span: Span


class RemoteFiles(Protocol):
    """What is known of the workflows of other repositories, by `owner/repo/path@ref`."""

    def find_origin(self, reference: str) -> WorkflowOrigin | None:
        """Where one was fetched from."""
        ...

    def find_failure(self, reference: str) -> str | None:
        """Why one could not be fetched."""
        ...


class Placed(msgspec.Struct, frozen=True):
    """A workflow with all that it calls, but for what is missing: the jobs that call that have nothing in its place."""

    workflow: PlannedWorkflow
    missing: tuple[MissingFile, ...] = ()


def plan_calls(
    workflow: nodes.Workflow, load_called: Load, policy: TokenPolicy, remote: RemoteFiles | None
) -> Placed | list[Diagnostic]:
    """The workflow with all that it calls, or everything that GitHub would refuse about the calls.

    `load_called` is asked once for each reference: `./path` in the running repository, `owner/repo/path@ref` in another. `remote` tells of the
    latter what is to be remembered.
    """
    known: dict[str, Loaded | None] = {}

    def load_once(reference: str) -> Loaded | None:
        if reference not in known:
            known[reference] = load_called(reference)
        return known[reference]

    default: DefaultPermissions = "write" if policy == "permissive" else "read"
    found = check_calls(workflow, load_once, default_permissions=default)
    mistakes = [mistake for mistake in found if mistake.invalid]
    if mistakes:
        return mistakes
    placing = _Placing(known, remote)
    placed = placing.place(workflow, f"./{workflow.file}")
    return Placed(placed, tuple(placing.missing.values()))


class _Placing:
    """One building of the tree. A workflow that is called twice is one value in it."""

    def __init__(self, known: dict[str, Loaded | None], remote: RemoteFiles | None) -> None:
        self._known = known
        self._remote = remote
        self._placed: dict[str, PlannedWorkflow] = {}
        self.missing: dict[str, MissingFile] = {}

    def place(self, workflow: nodes.Workflow, reference: str, call: nodes.Trigger | None = None) -> PlannedWorkflow:
        file = reference.removeprefix("./")
        origin = None if self._remote is None else self._remote.find_origin(reference)
        return PlannedWorkflow(
            file=file,
            name=file if workflow.name is None else workflow.name.value,
            origin=origin,
            env=workflow.env,
            defaults=workflow.defaults,
            permissions=workflow.permissions,
            concurrency=workflow.concurrency,
            inputs=() if call is None else call.inputs,
            secrets=() if call is None else call.secrets,
            outputs=() if call is None else call.outputs,
            jobs=tuple(self._place_job(job, reference, origin) for job in workflow.jobs),
        )

    def _place_job(self, job: nodes.Job | nodes.CallJob, caller: str, origin: WorkflowOrigin | None) -> PlannedJob:
        if isinstance(job, nodes.Job):
            return PlannedJob(job if origin is None else _own_steps(job, origin))
        reference = qualify_call(job.uses.value, caller)
        if reference not in self._placed:
            loaded = self._known.get(reference)
            called = None if loaded is None else loaded[0]
            if called is None:
                self.missing[reference] = MissingFile(reference, job.uses.span)
                failure = None if self._remote is None else self._remote.find_failure(reference)
                return PlannedJob(job, missing=failure or "")
            self._placed[reference] = self.place(called, reference, called.find_trigger("workflow_call"))
        return PlannedJob(job, self._placed[reference])


def list_commits(workflow: PlannedWorkflow) -> dict[str, str]:
    """The commits of the workflows of other repositories in a plan, by `owner/repo@ref` in lower case (`RemoteReference.key`)."""
    commits: dict[str, str] = {}
    for job in workflow.jobs:
        if job.called is not None:
            reference = parse_remote_reference(job.called.file)
            if reference is not None and job.called.origin is not None:
                commits[reference.key] = job.called.origin.sha
            commits.update(list_commits(job.called))
    return commits


def _own_steps(job: nodes.Job, origin: WorkflowOrigin) -> nodes.Job:
    """`$/path` in a workflow of another repository means that repository, at the commit that was fetched."""
    steps = tuple(qualify_own_use(step, origin.repository, origin.sha) for step in job.steps)
    return msgspec.structs.replace(job, steps=steps)

"""Puts the reusable workflows that a workflow calls in their places, however deep, and checks what they ask for.

Source: docs "Reuse workflows" and "Reusing workflow configurations" (levels, number of files, permissions that may only narrow);
actions/runner `ReusableWorkflowsLoader`. The docs count ten levels with the caller; the runner's limit, and GitHub itself, allow ten
below it.
"""

from collections.abc import Callable, Sequence

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.plan.model import PlannedJob, PlannedWorkflow
from homeport.plan.permissions import Grants, TokenPolicy, call_limit, find_excess, grant

MAX_LEVELS = 10
MAX_FILES = 50
MAX_JOBS = 10_000
"""Far more than a run can hold; stops workflows that call one another many times over."""

LoadCalled = Callable[[str], "nodes.Workflow | Sequence[Diagnostic] | None"]
"""Gives a called workflow by its reference (see `resolve_reference`), its mistakes, or None where it is not to be had."""


class MissingFile(msgspec.Struct, frozen=True):
    """A workflow of another repository that has to be fetched before the plan can be made: `owner/repo/path@ref`."""

    reference: str
    span: Span


class Missing(msgspec.Struct, frozen=True):
    """What a plan lacks."""

    files: tuple[MissingFile, ...]


def resolve_reference(uses: str, caller: str) -> str:
    """The file that a `uses` means: a path below the repository, or `owner/repo/path@ref` for one of another repository.

    `caller` is the reference of the workflow in which it is written: `./` and `$/` stand for its repository, at its commit.
    """
    for prefix in ("./", "$/"):
        if uses.startswith(prefix):
            path = uses.removeprefix(prefix)
            if "@" not in caller:
                return path
            location, _, ref = caller.partition("@")
            owner, repository = location.split("/")[:2]
            return f"{owner}/{repository}/{path}@{ref}"
    return uses


def is_remote(reference: str) -> bool:
    """Whether a reference is to another repository."""
    return "@" in reference


def plan_calls(
    workflow: nodes.Workflow, load_called: LoadCalled, policy: TokenPolicy
) -> PlannedWorkflow | Missing | list[Diagnostic]:
    """The workflow with all that it calls. Every mistake that can be known before the run is found, not only the first."""
    planning = _Planning(load_called)
    planned = planning.place(workflow, None, ())
    if planning.mistakes:
        return list(dict.fromkeys(planning.mistakes))
    if planning.missing:
        return Missing(tuple(planning.missing.values()))
    if _count_jobs(planned) > MAX_JOBS:
        return [_mistake(f"The workflow and those it calls have more than {MAX_JOBS} jobs", workflow.span)]
    mistakes = _check_permissions(planned, call_limit(policy))
    return mistakes or planned


class _Planning:
    """One planning: what was loaded, and what was found wrong."""

    def __init__(self, load_called: LoadCalled) -> None:
        self._load = load_called
        self._loaded: dict[str, nodes.Workflow | None] = {}
        self._placed: dict[tuple[str, int], PlannedWorkflow] = {}
        self.mistakes: list[Diagnostic] = []
        self.missing: dict[str, MissingFile] = {}

    def place(self, workflow: nodes.Workflow, reference: str | None, callers: tuple[str, ...]) -> PlannedWorkflow:
        """`reference` is None for the top workflow; `callers` are the references around it, the outermost first."""
        file = workflow.file if reference is None else reference
        around = (*callers, file)
        jobs = tuple(
            PlannedJob(job, self._place_call(job, around)) if isinstance(job, nodes.CallJob) else PlannedJob(job)
            for job in workflow.jobs
        )
        call = None if reference is None else workflow.find_trigger("workflow_call")
        return PlannedWorkflow(
            file=file,
            name=file if workflow.name is None else workflow.name.value,
            env=workflow.env,
            defaults=workflow.defaults,
            permissions=workflow.permissions,
            concurrency=workflow.concurrency,
            inputs=() if call is None else call.inputs,
            secrets=() if call is None else call.secrets,
            outputs=() if call is None else call.outputs,
            jobs=jobs,
        )

    def _place_call(self, job: nodes.CallJob, around: tuple[str, ...]) -> PlannedWorkflow | None:
        reference = resolve_reference(job.uses.value, around[-1])
        if reference in around:
            chain = " → ".join((*around[around.index(reference) :], reference))
            self._refuse(f"The workflow calls itself: {chain}", job)
            return None
        if len(around) > MAX_LEVELS:
            self._refuse(f"Workflows are nested more than {MAX_LEVELS} levels deep", job)
            return None
        placed = self._placed.get((reference, len(around)))
        if placed is None:
            called = self._find(reference, job)
            if called is None:
                return None
            if called.find_trigger("workflow_call") is None:
                self._refuse(f"'{reference}' is called, but has no 'workflow_call' under 'on'", job)
                return None
            placed = self.place(called, reference, around)
            self._placed[reference, len(around)] = placed
        return placed

    def _find(self, reference: str, job: nodes.CallJob) -> nodes.Workflow | None:
        """Each file is loaded once; its mistakes are told once."""
        if reference in self._loaded:
            return self._loaded[reference]
        if len(self._loaded) >= MAX_FILES:
            self._refuse(f"More than {MAX_FILES} reusable workflows are called", job)
            return None
        found = self._load(reference)
        self._loaded[reference] = found if isinstance(found, nodes.Workflow) else None
        if isinstance(found, nodes.Workflow):
            return found
        if found is not None:
            self.mistakes += found
        elif is_remote(reference):
            self.missing[reference] = MissingFile(reference, job.uses.span)
        else:
            self._refuse(f"The called workflow '{reference}' was not found in the repository", job)
        return None

    def _refuse(self, message: str, job: nodes.CallJob) -> None:
        self.mistakes.append(_mistake(message, job.uses.span))


def _count_jobs(workflow: PlannedWorkflow) -> int:
    """How many jobs there are at all levels; called workflows are shared values, so each is counted only once."""
    counted: dict[int, int] = {}

    def count(planned: PlannedWorkflow) -> int:
        if id(planned) not in counted:
            counted[id(planned)] = sum(1 if job.called is None else 1 + count(job.called) for job in planned.jobs)
        return counted[id(planned)]

    return count(workflow)


def _check_permissions(workflow: PlannedWorkflow, default_limit: Grants) -> list[Diagnostic]:
    """A called workflow may not ask for more than its caller has. Nothing limits the top workflow's own jobs here."""
    mistakes: dict[Diagnostic, None] = {}
    own = None if workflow.permissions is None else grant(workflow.permissions)
    for job in workflow.jobs:
        if job.called is not None:
            explicit = own if job.written.permissions is None else grant(job.written.permissions)
            limit = default_limit if explicit is None else explicit
            mistakes.update(dict.fromkeys(_check_called(job, limit)))
            mistakes.update(dict.fromkeys(_check_permissions(job.called, limit)))
    return list(mistakes)


def _check_called(job: PlannedJob, limit: Grants) -> list[Diagnostic]:
    assert isinstance(job.written, nodes.CallJob)
    assert job.called is not None
    asked = [("The workflow is", job.called.permissions)]
    asked += [(f"The nested job '{inner.written.id}' is", inner.written.permissions) for inner in job.called.jobs]
    mistakes = []
    for who, permissions in asked:
        excess = [] if permissions is None else find_excess(grant(permissions), limit)
        if excess:
            wanted = ", ".join(f"{scope}: {level}" for scope, level, _ in excess)
            allowed = ", ".join(f"{scope}: {level}" for scope, _, level in excess)
            mistakes.append(
                _mistake(
                    f"Error calling workflow '{job.called.file}'. {who} requesting '{wanted}', "
                    f"but is only allowed '{allowed}'.",
                    job.written.id_span,
                )
            )
    return mistakes


def _mistake(message: str, span: Span) -> Diagnostic:
    return Diagnostic(code="workflow-call", message=message, span=span, invalid=True)

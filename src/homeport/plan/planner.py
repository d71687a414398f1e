"""Makes the plan of a workflow for an event: the front door of this package. Pure: files, changed paths and numbers are handed in."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.event import Event
from homeport.language import nodes
from homeport.language.calls import Load
from homeport.plan.calls import MissingFile, RemoteFiles, plan_calls
from homeport.plan.concurrency import evaluate_claim
from homeport.plan.contexts import RunIdentity, github_context
from homeport.plan.evaluation import Contexts, EvaluationError, evaluate_text
from homeport.plan.inputs import read_dispatch_inputs
from homeport.plan.model import NotStarted, Plan, Values
from homeport.plan.permissions import Grants, TokenPolicy, default_grants, event_limit, narrow
from homeport.plan.scope import grant_within
from homeport.plan.trigger import ChangedPaths, find_obstacles


class Missing(msgspec.Struct, frozen=True):
    """What a plan lacks. With these files at hand, planning again goes on (and may find that it needs more)."""

    files: tuple[MissingFile, ...]


Outcome = Plan | NotStarted | Missing | list[Diagnostic]
"""A plan; why there is none; the files of other repositories it lacks; or the mistakes for which GitHub would refuse it."""

_NO_TEXTS: Mapping[str, str] = {}


def plan_workflow(
    workflow: nodes.Workflow,
    event: Event,
    *,
    load_called: Load,
    changed_paths: ChangedPaths = lambda: None,
    inputs: Mapping[str, str] = _NO_TEXTS,
    variables: Mapping[str, str] = _NO_TEXTS,
    identify: Callable[[], RunIdentity] = RunIdentity,
    default_permissions: TokenPolicy = "permissive",
    can_fetch: bool = True,
    remote: RemoteFiles | None = None,
) -> Outcome:
    """What one event means for one workflow without mistakes of its own (`language.parser.parse_workflow`).

    `load_called` is asked once for each called workflow (see `plan_calls`). `inputs` are the texts given for a manual run; they
    come before those of the payload. `identify` gives the ids and numbers of the run that is to be; it is called once, and only where the workflow
    starts, so that it may count. Asking again after `Missing`, with the files at hand, is the way to go on; where they cannot be
    fetched (`can_fetch`), the plan is made without them, and the jobs that call them fail with that reason. `remote` tells what is
    known of those files.
    """
    obstacles = find_obstacles(workflow, event, changed_paths)
    if obstacles:
        return NotStarted(workflow.file, _name(workflow), "; ".join(obstacles))
    placed = plan_calls(workflow, load_called, default_permissions, remote)
    if isinstance(placed, list):
        return placed
    if placed.missing and can_fetch:
        return Missing(placed.missing)
    planned = placed.workflow
    event, typed, mistakes = _apply_inputs(workflow, event, inputs)
    if mistakes:
        return mistakes
    github = github_context(event, workflow_name=planned.name, workflow_file=planned.file, identity=identify())
    contexts = {"github": github, "inputs": typed, "vars": dict(variables)}
    try:
        return Plan(
            workflow=planned,
            event=event,
            inputs=typed,
            variables=dict(variables),
            run_name=_run_name(workflow, event, contexts),
            concurrency=evaluate_claim(workflow.concurrency, contexts, {}),
            permissions=_permissions(workflow, event, default_permissions),
            default_permissions=default_permissions,
        )
    except EvaluationError as error:
        return [Diagnostic(code="expression", message=error.message, span=error.span, invalid=True)]


def plan(
    workflows: Sequence[nodes.Workflow],
    event: Event,
    *,
    load_called: Load,
    changed_paths: ChangedPaths = lambda: None,
    inputs: Mapping[str, str] = _NO_TEXTS,
    variables: Mapping[str, str] = _NO_TEXTS,
    identify: Callable[[nodes.Workflow], RunIdentity] = lambda _: RunIdentity(),
    default_permissions: TokenPolicy = "permissive",
    can_fetch: bool = True,
    remote: RemoteFiles | None = None,
) -> list[Outcome]:
    """What one event means for each of a repository's workflows. The changed paths are asked for at most once."""
    paths_once = once(changed_paths)
    return [
        plan_workflow(
            workflow,
            event,
            load_called=load_called,
            changed_paths=paths_once,
            inputs=inputs,
            variables=variables,
            identify=partial(identify, workflow),
            default_permissions=default_permissions,
            can_fetch=can_fetch,
            remote=remote,
        )
        for workflow in workflows
    ]


def once(changed_paths: ChangedPaths) -> ChangedPaths:
    """The same answer as often as it is asked for, found out at most once."""
    known: list[Sequence[str] | None] = []

    def find() -> Sequence[str] | None:
        if not known:
            known.append(changed_paths())
        return known[0]

    return find


def _name(workflow: nodes.Workflow) -> str:
    return workflow.file if workflow.name is None else workflow.name.value


def _apply_inputs(
    workflow: nodes.Workflow, event: Event, given: Mapping[str, str]
) -> tuple[Event, Values, list[Diagnostic]]:
    """What the event's payload gets from the workflow: the inputs of a manual run, and the schedule where none was named."""
    trigger = workflow.find_trigger(event.name)
    if event.name == "workflow_dispatch" and trigger is not None:
        typed, texts, mistakes = read_dispatch_inputs(trigger, {**_payload_inputs(event), **given})
        payload = {**event.payload, "inputs": texts or None, "workflow": workflow.file}
        return msgspec.structs.replace(event, payload=payload), typed, mistakes
    if event.name == "schedule" and trigger is not None and trigger.schedules and "schedule" not in event.payload:
        payload = {**event.payload, "schedule": trigger.schedules[0].cron.value, "workflow": workflow.file}
        return msgspec.structs.replace(event, payload=payload), {}, []
    return event, {}, []


def _payload_inputs(event: Event) -> dict[str, str]:
    given = event.payload.get("inputs")
    if not isinstance(given, dict):
        return {}
    return {
        name: ("true" if value else "false") if isinstance(value, bool) else str(value)
        for name, value in given.items()
        if value is not None
    }


def _run_name(workflow: nodes.Workflow, event: Event, contexts: Contexts) -> str:
    """Docs, "Workflow syntax: run-name": where it is absent or blank, the name depends on the event."""
    written = "" if workflow.run_name is None else evaluate_text(workflow.run_name, contexts)
    return written.strip() or _event_title(event) or _name(workflow)


def _event_title(event: Event) -> str:
    match event.payload:
        case {"pull_request": {"title": str(title)}} | {"issue": {"title": str(title)}}:
            return title
        case {"discussion": {"title": str(title)}} | {"workflow_run": {"display_title": str(title)}}:
            return title
        case {"release": {"name": str(title)}} if title:
            return title
        case {"release": {"tag_name": str(title)}}:
            return title
        case {"head_commit": {"message": str(message)}} if event.name == "push":
            return message.partition("\n")[0]
        case _:
            return ""


def _permissions(workflow: nodes.Workflow, event: Event, policy: TokenPolicy) -> Grants:
    limit = event_limit(event)
    own = grant_within(workflow.permissions, limit)
    return narrow(default_grants(policy), limit) if own is None else own

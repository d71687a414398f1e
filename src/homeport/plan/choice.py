"""What an event means for each of a repository's workflow files: a plan, a reason why there is none, or a refusal."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.event import Event
from homeport.language import nodes
from homeport.plan.contexts import RunIdentity
from homeport.plan.files import ParsedFile, WorkflowFiles
from homeport.plan.model import NotStarted, Plan
from homeport.plan.planner import Missing, once, plan_workflow
from homeport.plan.trigger import ChangedPaths, find_obstacles

_NO_TEXTS: Mapping[str, str] = {}


class Refused(msgspec.Struct, frozen=True):
    """A workflow that GitHub would refuse, with all that it would refuse it for."""

    diagnostics: tuple[Diagnostic, ...]


class Choice(msgspec.Struct, frozen=True):
    """One workflow file, and what the event means for it."""

    parsed: ParsedFile
    outcome: Plan | NotStarted | Refused


def choose(
    chosen: Sequence[ParsedFile],
    files: WorkflowFiles,
    event: Event,
    *,
    changed_paths: ChangedPaths,
    inputs: Mapping[str, str] = _NO_TEXTS,
    variables: Mapping[str, str] = _NO_TEXTS,
    identify: Callable[[nodes.Workflow], RunIdentity] = lambda _: RunIdentity(),
    recall: Callable[[nodes.Workflow], Mapping[str, str]] = lambda _: _NO_TEXTS,
) -> tuple[Choice, ...]:
    """What the event means for each of the files; `files` is where those that they call are found, and fetched where they are of
    other repositories. `identify` is asked for each workflow that starts, `recall` for the commits that an earlier attempt found.
    """
    changed_once = once(changed_paths)

    def plan_one(workflow: nodes.Workflow) -> Plan | NotStarted | list[Diagnostic]:
        can_fetch = True
        while True:
            outcome = plan_workflow(
                workflow,
                event,
                load_called=files.load,
                changed_paths=changed_once,
                inputs=inputs,
                variables=variables,
                identify=lambda: identify(workflow),
                can_fetch=can_fetch,
                remote=files,
            )
            if not isinstance(outcome, Missing):
                return outcome
            # what is still missing when everything was asked for cannot be had: the plan is made without it
            can_fetch = files.fetch(outcome.files, recall(workflow))

    return tuple(_choose_one(parsed, event, plan_one) for parsed in chosen)


def _choose_one(
    parsed: ParsedFile, event: Event, plan_one: Callable[[nodes.Workflow], Plan | NotStarted | list[Diagnostic]]
) -> Choice:
    if parsed.workflow is None or parsed.mistakes:
        return Choice(parsed, _refuse(parsed, event))
    outcome = plan_one(parsed.workflow)
    return Choice(parsed, Refused(tuple(outcome)) if isinstance(outcome, list) else outcome)


def _refuse(parsed: ParsedFile, event: Event) -> NotStarted | Refused:
    """A broken workflow is in the way only of the events that would start it."""
    if parsed.workflow is not None and parsed.workflow.triggers:
        obstacles = find_obstacles(parsed.workflow, event, lambda: None)
        if obstacles:
            return NotStarted(parsed.file, parsed.name, "; ".join(obstacles))
    return Refused(parsed.mistakes)

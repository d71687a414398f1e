"""From the words of a command line to plans: what `homeport plan`, `why` and `run` share.

A command states `EVENT_OPTIONS` among its options, then calls `read_request`, then `prepare`:

    request = read_request(options, console, now=clock.now().isoformat())
    preparation = prepare(request, console)
    for choice in preparation.choices: …           # a Plan, a NotStarted, or Refused with its diagnostics

Nothing is written anywhere, and nothing of the repository is run.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from homeport.cli.action_sources import check_sources, make_remote_workflows
from homeport.cli.changes import find_changed_paths
from homeport.cli.console import Console
from homeport.cli.errors import CommandError, UsageError
from homeport.cli.local_event import EventRequest, make_event, make_login
from homeport.cli.options import Option, Options
from homeport.cli.workspace import Workspace, files_of_folder, find_workspace, select_files
from homeport.diagnostics.diagnostic import Diagnostic
from homeport.event import Event
from homeport.git.repository import GitError
from homeport.language import nodes
from homeport.language.grammar_events import EVENTS
from homeport.language.names import suggest
from homeport.plan.choice import Choice, Refused, choose
from homeport.plan.contexts import RunIdentity
from homeport.plan.files import FetchInterruptedError, WorkflowFiles

EVENT_OPTIONS = (
    Option(name="--event", value="NAME", help="the event that happens (default: push)"),
    Option(name="--payload", value="FILE", help="the event's payload as JSON; what it leaves out is made up"),
    Option(name="--input", value="K=V", help="an input of workflow_dispatch", repeat=True),
    Option(name="--var", value="K=V", help="a configuration variable (the vars context)", repeat=True),
    Option(name="--var-file", value="FILE", help="configuration variables, one K=V a line", repeat=True),
    Option(name="--ref", value="REF", help="the branch, tag or full ref that the event is about (default: HEAD)"),
    Option(name="--actor", value="NAME", help="who does it (default: you)"),
)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a command line asks for: which workflows, named as the user named them (none: all), and for which event."""

    workflows: tuple[str, ...]
    event: EventRequest
    inputs: Mapping[str, str]
    variables: Mapping[str, str]
    action_sources: tuple[str, ...] = ()


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """All that a command needs to know before it does anything."""

    workspace: Workspace
    files: WorkflowFiles
    event: Event
    choices: tuple[Choice, ...]

    @property
    def refusals(self) -> tuple[Diagnostic, ...]:
        """The mistakes of all workflows that GitHub would refuse."""
        found = (choice.outcome.diagnostics for choice in self.choices if isinstance(choice.outcome, Refused))
        return tuple(dict.fromkeys(diagnostic for some in found for diagnostic in some))


def read_request(options: Options, console: Console, *, now: str) -> Request:
    """What the options ask for; the arguments are names of workflows. `now` is ISO 8601. Raises `UsageError`."""
    event = options.get("--event", "push")
    if event not in EVENTS:
        raise UsageError(f"there is no event '{event}'", suggest(event, EVENTS))
    inputs = read_pairs(options, "--input")
    if inputs and event != "workflow_dispatch":
        raise UsageError("--input is for workflow_dispatch", "add --event workflow_dispatch")
    payload = options.find("--payload")
    user = console.environment.get("USER") or console.environment.get("LOGNAME") or ""
    return Request(
        workflows=options.arguments,
        event=EventRequest(
            name=event,
            payload={} if payload is None else _read_payload(payload, console),
            ref=options.find("--ref"),
            actor=options.find("--actor") or make_login(user),
            now=now,
        ),
        inputs=inputs,
        variables={**_read_files(options, "--var-file", console), **read_pairs(options, "--var")},
        action_sources=check_sources(options.all("--action-source"), console),
    )


def prepare(
    request: Request,
    console: Console,
    *,
    identify: Callable[[nodes.Workflow], RunIdentity] = lambda _: RunIdentity(),
    recall: Callable[[nodes.Workflow], Mapping[str, str]] = lambda _: {},
) -> Preparation:
    """Find the workspace, read the workflows, make the event, and plan. `identify` is asked for each workflow that starts, `recall`
    for the commits that an earlier attempt found, where a workflow calls those of other repositories. They are fetched.

    Raises `UsageError` for names that mean nothing, `CommandError` where git cannot say what it must.
    """
    try:
        workspace = find_workspace(console.folder, console.environment)
        files = files_of_folder(workspace, make_remote_workflows(request.action_sources, console))
        pending = None if workspace.git is None else workspace.git.start_status(workspace.prefix)
        try:  # git looks at the files while the workflows are parsed
            chosen = select_files(files, workspace.folder, request.workflows, console.folder)
        finally:
            changes = [] if pending is None else pending.finish()
        event = make_event(workspace, request.event, is_changed=bool(changes))
        choices = choose(
            chosen,
            files,
            event,
            changed_paths=lambda: find_changed_paths(workspace, event),
            inputs=request.inputs,
            variables=request.variables,
            identify=identify,
            recall=recall,
        )
        for remark in files.remarks():
            console.say(f"homeport: warning: {remark}")
        return Preparation(workspace=workspace, files=files, event=event, choices=choices)
    except FetchInterruptedError as error:
        raise CommandError("fetching workflows of other repositories was interrupted") from error
    except GitError as error:
        raise CommandError(str(error), "is git installed, and is the repository sound? `git status` tells") from error


# --- values of options -----------------------------------------------------------------------------------------------


def read_pairs(options: Options, name: str) -> dict[str, str]:
    """The pairs of a repeatable `K=V` option, the last of each name. Raises `UsageError`."""
    pairs: dict[str, str] = {}
    for text in options.all(name):
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"{name} is {text!r}, expected K=V")
        pairs[key] = value
    return pairs


def _read_files(options: Options, name: str, console: Console) -> dict[str, str]:
    from homeport.cli.dotenv import read_pairs as read_file  # noqa: PLC0415 - rarely needed

    pairs: dict[str, str] = {}
    for file in options.all(name):
        pairs.update(read_file(_locate(file, console)))
    return pairs


def _read_payload(name: str, console: Console) -> dict[str, Any]:
    try:
        with open(_locate(name, console), "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            data = file.read()
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from None
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UsageError(f"{name} is not a JSON object: {error}") from None


def _locate(name: str, console: Console) -> str:
    return name if name.startswith("/") else f"{console.folder}/{name}"

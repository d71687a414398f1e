"""What somebody starts by hand: `workflow_dispatch` with its inputs, and `repository_dispatch`; for pages, the API and the command line.

Source: docs "REST API endpoints for workflows: Create a workflow dispatch event" and "… for repositories: Create a repository dispatch
event" (limits); the words of refusals are GitHub's, as threads about them quote them, for clients look into them.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from homeport.git.process import GitError
from homeport.git.repository import GitRepository
from homeport.language import nodes
from homeport.language.expr.text import fold_case
from homeport.plan.inputs import read_dispatch_inputs
from homeport.ports.access import Caller
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.ports.events import KnownWorkflow
from homeport.server.fetching import Fetcher, FetchError
from homeport.server.own_events import OwnEvents
from homeport.server.planning import Planner

MOST_INPUTS = 25
_LONGEST_EVENT_TYPE = 100
_MOST_PAYLOAD_KEYS = 10
_LARGEST_PAYLOAD = 64 * 1024


class DispatchRefusedError(Exception):
    """It is not started; `status` is HTTP's, the message for whoever asked."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Dispatches:
    """Safe from any thread, but not for the event loop: git is asked. Whether the caller may is for who calls this to know."""

    def __init__(self, planner: Planner, fetcher: Fetcher, clock: Clock, url: str) -> None:
        self._planner = planner
        self._fetcher = fetcher
        self._clock = clock
        self._url = url

    def start_workflow(
        self,
        caller: Caller,
        repository: HostedRepository,
        workflow: KnownWorkflow,
        ref: str,
        inputs: Mapping[str, Any],
    ) -> str:
        """A `workflow_dispatch` on a branch or tag (short or full name). Durable when it returns; gives the delivery, by which
        `Planner.wait_for` finds what came of it. Raises `DispatchRefusedError`.
        """
        if workflow.state.startswith("disabled"):
            raise DispatchRefusedError("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        git = self._find_git(repository, ref)
        full_ref = _find_ref(git, ref)
        if full_ref is None:
            raise DispatchRefusedError(f"No ref found for: {ref}")
        with git.reading():
            trigger = self._find_trigger(repository, git, full_ref, workflow.path)
            texts = _check_inputs(trigger, inputs)
            payload = {"inputs": texts or None, "ref": full_ref, "workflow": workflow.path}
            event = self._make(git, repository, caller).on_ref("workflow_dispatch", full_ref, payload)
        return self._accept(repository, "workflow_dispatch", event)

    def start_repository(
        self, caller: Caller, repository: HostedRepository, event_type: str, payload: Mapping[str, Any]
    ) -> str:
        """A `repository_dispatch`, on the default branch. Otherwise as `start_workflow`."""
        if not 0 < len(event_type) <= _LONGEST_EVENT_TYPE:
            raise DispatchRefusedError(f"event_type must have 1 to {_LONGEST_EVENT_TYPE} characters")
        if len(payload) > _MOST_PAYLOAD_KEYS:
            raise DispatchRefusedError(f"No more than {_MOST_PAYLOAD_KEYS} properties are allowed in client_payload")
        if len(msgspec.json.encode(payload)) > _LARGEST_PAYLOAD:
            raise DispatchRefusedError(f"client_payload is larger than {_LARGEST_PAYLOAD} bytes")
        git = self._find_git(repository, repository.default_branch)
        told = {"action": event_type, "branch": repository.default_branch, "client_payload": dict(payload)}
        event = self._make(git, repository, caller).on_default_branch("repository_dispatch", told, action=event_type)
        return self._accept(repository, "repository_dispatch", event)

    def _accept(self, repository: HostedRepository, name: str, event: Any) -> str:
        delivery = f"{name}/{uuid.uuid4()}"
        self._planner.accept(repository, event, delivery=delivery)
        return delivery

    def _make(self, git: GitRepository, repository: HostedRepository, caller: Caller) -> OwnEvents:
        actor = caller.login or "github-actions[bot]"
        return OwnEvents(git, repository, self._url, actor=actor, now=self._clock.now().isoformat())

    def _find_git(self, repository: HostedRepository, ref: str) -> GitRepository:
        if repository.origin != "own":
            short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
            wanted = [f"refs/heads/{repository.default_branch}", f"refs/heads/{short}", f"refs/tags/{short}"]
            try:
                self._fetcher.fetch(repository, [], optional=wanted)
            except FetchError as error:
                raise DispatchRefusedError(f"the forge cannot be asked: {error}", 503) from error
        git = self._planner.find_git(repository)
        if git is None:
            raise DispatchRefusedError(f"No ref found for: {ref}")
        return git

    def _find_trigger(self, repository: HostedRepository, git: GitRepository, ref: str, path: str) -> nodes.Trigger:
        try:
            sha = git.resolve(ref) or ref
            parsed = self._planner.read_files(repository, git, sha).read(path)
        except GitError as error:
            raise DispatchRefusedError(f"the workflow cannot be read: {error}", 503) from error
        if parsed is not None and parsed.mistakes:
            first = parsed.mistakes[0]
            place = f"(Line: {first.span.line}, Col: {first.span.column})"
            raise DispatchRefusedError(f"failed to parse workflow: {place}: {first.message}")
        workflow = None if parsed is None else parsed.workflow
        trigger = None if workflow is None else workflow.find_trigger("workflow_dispatch")
        if trigger is None:
            raise DispatchRefusedError("Workflow does not have 'workflow_dispatch' trigger")
        return trigger


def _find_ref(git: GitRepository, ref: str) -> str | None:
    """A branch, else a tag."""
    candidates = (ref,) if ref.startswith("refs/") else (f"refs/heads/{ref}", f"refs/tags/{ref}")
    found = (each for each in candidates if each.startswith(("refs/heads/", "refs/tags/")))
    return next((each for each in found if git.find_ref(each) is not None), None)


def _check_inputs(trigger: nodes.Trigger, given: Mapping[str, Any]) -> dict[str, str]:
    """The inputs as texts. Raises `DispatchRefusedError`."""
    if len(given) > MOST_INPUTS:
        raise DispatchRefusedError(f"At most {MOST_INPUTS} inputs can be provided")
    declared = {fold_case(one.name): one for one in trigger.inputs}
    unknown = [name for name in given if fold_case(name) not in declared]
    if unknown:
        raise DispatchRefusedError(f"Unexpected inputs provided: {msgspec.json.encode(unknown).decode()}")
    texts: dict[str, str] = {}
    for name, value in given.items():
        if not isinstance(value, str | bool | int | float):
            raise DispatchRefusedError(f"Provided value for input '{name}' is not a text, a number, true or false")
        texts[name] = str(value).lower() if isinstance(value, bool) else str(value)
        declaration = declared[fold_case(name)]
        if declaration.kind == "choice" and texts[name] not in declaration.options:
            raise DispatchRefusedError(
                f"Provided value '{texts[name]}' for input '{name}' not in the list of allowed values"
            )
    _, all_texts, mistakes = read_dispatch_inputs(trigger, texts)
    if mistakes:
        raise DispatchRefusedError(mistakes[0].message)
    return all_texts

"""Starting workflows by hand: `…/dispatches` (docs: "Create a workflow dispatch event", "Create a repository dispatch event")."""

from typing import Any

import msgspec

from homeport.server.api.answers import Answer, ApiRefusalError
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, endpoint
from homeport.server.api.workflows import find_workflow
from homeport.server.dispatches import DispatchRefusedError

_SECONDS = 30.0
"""how long planning is waited for"""
WRITE = Permission("writer", "actions", "write")


class DispatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to be started with. GitHub takes at most 25 inputs; each may be text, a number or a truth value."""

    ref: str
    inputs: dict[str, Any] | None = None
    return_run_details: bool = False


class RepositoryDispatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """A `repository_dispatch`."""

    event_type: str
    client_payload: dict[str, Any] | None = None


class StartedRun(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `workflow-dispatch-response`."""

    workflow_run_id: int
    run_url: str
    html_url: str


def dispatch(call: Call, body: DispatchBody) -> Answer:
    """Start it by hand; the run is waited for only where the caller wants to know it."""
    workflow = find_workflow(call)
    try:
        delivery = call.parts.dispatches.start_workflow(
            call.caller, call.repository, workflow, body.ref, body.inputs or {}
        )
    except DispatchRefusedError as error:
        raise ApiRefusalError(error.status, error.message) from error
    call.note("workflow.dispatch", workflow.path)
    return _tell_run(call, delivery, workflow.path) if body.return_run_details else Answer(status=204)


def dispatch_repository(call: Call, body: RepositoryDispatchBody) -> Answer:
    """Start what waits for a `repository_dispatch` of this kind."""
    try:
        call.parts.dispatches.start_repository(call.caller, call.repository, body.event_type, body.client_payload or {})
    except DispatchRefusedError as error:
        raise ApiRefusalError(error.status, error.message) from error
    call.note("repository.dispatch", body.event_type)
    return Answer(status=204)


def _tell_run(call: Call, delivery: str, workflow: str) -> Answer:
    planned = call.parts.planner.wait_for(call.repository.id, delivery, _SECONDS)
    starts = () if planned is None else call.parts.events.starts(planned.id)
    started = next((each for each in starts if each.workflow == workflow and each.run), None)
    if started is None:
        reasons = "; ".join(each.reason for each in starts if each.reason)
        raise ApiRefusalError(422, f"The workflow was not started: {reasons or 'it has not been planned yet'}")
    end = f"actions/runs/{started.run}"
    details = StartedRun(
        workflow_run_id=int(started.run),
        run_url=f"{call.links.repository(call.repository.full_name)}/{end}",
        html_url=f"{call.links.page(call.repository.full_name)}/{end}",
    )
    return Answer(body=details)


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "POST",
        "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
        "actions/create-workflow-dispatch",
        "Start a workflow by hand",
        dispatch,
        DispatchBody,
        permission=WRITE,
        status=204,
    ),
    endpoint(
        "POST",
        "/repos/{owner}/{repo}/dispatches",
        "repos/create-dispatch-event",
        "Send a repository_dispatch",
        dispatch_repository,
        RepositoryDispatchBody,
        permission=Permission("writer", "contents", "write"),
        status=204,
    ),
)

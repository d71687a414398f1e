"""Workflows: `/repos/{owner}/{repo}/actions/workflows…` (docs: "REST API endpoints for workflows")."""

from homeport.ports.events import KnownWorkflow, WorkflowState
from homeport.rest.links import format_time
from homeport.rest.runs import Workflow, WorkflowRuns, Workflows, show_workflow
from homeport.server.api.answers import Answer, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.runs import RunsQuery, list_runs
from homeport.server.api.usage import WorkflowUsage, workflow_usage

READ = Permission("reader", "actions")
WRITE = Permission("writer", "actions", "write")
_WORKFLOWS = "/repos/{owner}/{repo}/actions/workflows"
_ONE = f"{_WORKFLOWS}/{{workflow_id}}"


def list_all(call: Call, query: Page) -> Answer:
    """Those on the default branch, and others that have run."""
    known = [each for each in call.parts.workflows.list(call.repository.id) if each.state != "deleted"]
    shown = tuple(_show(call, each) for each in query.cut(known))
    return call.page(Workflows(len(known), shown), query, len(known))


def get(call: Call, _: Nothing) -> Answer:
    """By number, or by the name of its file."""
    return Answer(body=_show(call, find_workflow(call)))


def list_its_runs(call: Call, query: RunsQuery) -> Answer:
    """Runs of one workflow."""
    return list_runs(call, query, find_workflow(call))


def get_usage(call: Call, _: Nothing) -> Answer:
    """What its runs of this month have cost."""
    find_workflow(call)
    return Answer(body=workflow_usage())


def enable(call: Call, _: Nothing) -> Answer:
    """Let events start it again."""
    return _switch(call, "active")


def disable(call: Call, _: Nothing) -> Answer:
    """Let no event start it."""
    return _switch(call, "disabled_manually")


def find_workflow(call: Call) -> KnownWorkflow:
    """The workflow of the address. Refused with 404 where there is none."""
    found = call.parts.workflows.find(call.repository.id, call.text("workflow_id"))
    return call.refuse_unknown() if found is None else found


def _switch(call: Call, state: WorkflowState) -> Answer:
    workflow = find_workflow(call)
    call.parts.workflows.switch(call.repository.id, workflow.id, state)
    call.note("workflow.enable" if state == "active" else "workflow.disable", workflow.path)
    return Answer(status=204)


def _show(call: Call, workflow: KnownWorkflow) -> Workflow:
    return show_workflow(
        call.entry,
        call.links,
        number=workflow.id,
        path=workflow.path,
        name=workflow.name,
        state=workflow.state,
        created_at=format_time(workflow.created_at),
        updated_at=format_time(workflow.updated_at),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "GET",
        _WORKFLOWS,
        "actions/list-repo-workflows",
        "List the workflows of a repository",
        list_all,
        Page,
        permission=READ,
        answer=Workflows,
    ),
    endpoint(
        "GET",
        _ONE,
        "actions/get-workflow",
        "Get a workflow by its number or file",
        get,
        Nothing,
        permission=READ,
        answer=Workflow,
    ),
    endpoint(
        "GET",
        f"{_ONE}/runs",
        "actions/list-workflow-runs",
        "List the runs of a workflow",
        list_its_runs,
        RunsQuery,
        permission=READ,
        answer=WorkflowRuns,
    ),
    endpoint(
        "GET",
        f"{_ONE}/timing",
        "actions/get-workflow-usage",
        "Get what a workflow has used of paid minutes",
        get_usage,
        Nothing,
        permission=READ,
        answer=WorkflowUsage,
    ),
    endpoint(
        "PUT",
        f"{_ONE}/enable",
        "actions/enable-workflow",
        "Enable a workflow",
        enable,
        Nothing,
        permission=WRITE,
        status=204,
    ),
    endpoint(
        "PUT",
        f"{_ONE}/disable",
        "actions/disable-workflow",
        "Disable a workflow",
        disable,
        Nothing,
        permission=WRITE,
        status=204,
    ),
)

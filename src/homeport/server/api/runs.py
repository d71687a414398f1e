"""Runs, their attempts and jobs: `/repos/{owner}/{repo}/actions/runs…` (docs: "REST API endpoints for workflow runs")."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from homeport.ports.events import KnownWorkflow
from homeport.ports.history import RunFilter
from homeport.rest.entries import RunEntry
from homeport.rest.jobs import Job, Jobs, show_job
from homeport.rest.journal import ReadRun
from homeport.rest.runs import WorkflowRun, WorkflowRuns, show_run
from homeport.server.api.answers import Answer, FieldError, Page
from homeport.server.api.call import Call, Permission
from homeport.server.api.created import read_range
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint

READ = Permission("reader", "actions")
_MOMENT = timedelta(microseconds=1)
"""what filters of history include, a range here does not"""
_RUNS = "/repos/{owner}/{repo}/actions/runs"


class RunsQuery(Page, frozen=True, kw_only=True):
    """What narrows the list of runs."""

    actor: str | None = None
    branch: str | None = None
    event: str | None = None
    status: str | None = None
    created: str | None = None
    head_sha: str | None = None
    check_suite_id: int | None = None
    exclude_pull_requests: str = "false"


class OneRunQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is to be shown."""

    exclude_pull_requests: str = "false"


class JobsQuery(Page, frozen=True, kw_only=True):
    """Which jobs of a run are wanted; anything but `all` is the latest attempt's, as GitHub does it."""

    filter: str = "latest"


def list_all(call: Call, query: RunsQuery) -> Answer:
    """Every run of the repository."""
    return list_runs(call, query, None)


def list_runs(call: Call, query: RunsQuery, workflow: KnownWorkflow | None) -> Answer:
    """Runs, of one workflow or of all."""
    if query.check_suite_id is not None:
        return _list_suite(call, query, query.check_suite_id)
    total, found = call.parts.reading.list(call.repository, _filter(call, query, workflow), query.offset, query.size)
    return _page_runs(call, query, found, total)


def get_run(call: Call, query: OneRunQuery) -> Answer:
    """The latest attempt."""
    run = find_run(call).run
    with_pulls = query.exclude_pull_requests != "true"
    return Answer(body=show_run(run, call.entry, call.links, with_pull_requests=with_pulls))


def get_attempt(call: Call, query: OneRunQuery) -> Answer:
    """One attempt."""
    run = find_attempt(call).run
    with_pulls = query.exclude_pull_requests != "true"
    return Answer(body=show_run(run, call.entry, call.links, with_pull_requests=with_pulls))


def list_jobs(call: Call, query: JobsQuery) -> Answer:
    """Of the latest attempt, or of all, the latest first."""
    latest = find_run(call)
    if query.filter != "all":
        return _page_jobs(call, query, _show(call, latest))
    shown = [*_show(call, latest)]
    for number in range(latest.run.attempt - 1, 0, -1):
        attempt = call.parts.reading.find(call.repository, latest.run.id, number)
        if attempt is not None:
            shown += _show(call, attempt)
    return _page_jobs(call, query, shown)


def list_attempt_jobs(call: Call, query: Page) -> Answer:
    """Of one attempt."""
    return _page_jobs(call, query, _show(call, find_attempt(call)))


def get_job(call: Call, _: Nothing) -> Answer:
    """One job."""
    found = call.parts.reading.find_job(call.repository, call.number("job_id"))
    if found is None:
        call.refuse_unknown()
    run, job = found
    return Answer(body=show_job(job, run, call.entry, call.links))


def find_run(call: Call) -> ReadRun:
    """The run of the address. Refused with 404 where there is none."""
    found = call.parts.reading.find(call.repository, call.number("run_id"))
    return call.refuse_unknown() if found is None else found


def find_attempt(call: Call) -> ReadRun:
    """The attempt of the address."""
    found = call.parts.reading.find(call.repository, call.number("run_id"), call.number("attempt_number"))
    return call.refuse_unknown() if found is None else found


def _show(call: Call, found: ReadRun) -> list[Job]:
    return [show_job(job, found.run, call.entry, call.links) for job in found.jobs]


def _page_jobs(call: Call, query: Page, shown: list[Job]) -> Answer:
    return call.page(Jobs(len(shown), tuple(query.cut(shown))), query, len(shown))


def _list_suite(call: Call, query: RunsQuery, suite: int) -> Answer:
    """A check suite is one run."""
    found = call.parts.reading.find(call.repository, suite)
    runs = [] if found is None else [found.run]
    return _page_runs(call, query, query.cut(runs), len(runs))


def _page_runs(call: Call, query: RunsQuery, found: Sequence[RunEntry], total: int) -> Answer:
    with_pulls = query.exclude_pull_requests != "true"
    shown = tuple(show_run(run, call.entry, call.links, with_pull_requests=with_pulls) for run in found)
    return call.page(WorkflowRuns(total, shown), query, total)


def _filter(call: Call, query: RunsQuery, workflow: KnownWorkflow | None) -> RunFilter:
    try:
        since, until = (None, None) if query.created is None else read_range(query.created)
    except ValueError as error:
        wrong = FieldError(resource="WorkflowRun", field="created", code="invalid", message=str(error))
        call.refuse(f"Invalid request. {error}", [wrong])
    return RunFilter(
        workflow="" if workflow is None else workflow.path,
        branch=query.branch or "",
        actor=query.actor or "",
        event=query.event or "",
        states=(query.status,) if query.status else (),
        sha=query.head_sha or "",
        since=since,
        until=None if until is None else until - _MOMENT,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "GET",
        _RUNS,
        "actions/list-workflow-runs-for-repo",
        "List the runs of a repository",
        list_all,
        RunsQuery,
        permission=READ,
        answer=WorkflowRuns,
    ),
    endpoint(
        "GET",
        f"{_RUNS}/{{run_id}}",
        "actions/get-workflow-run",
        "Get a run",
        get_run,
        OneRunQuery,
        permission=READ,
        answer=WorkflowRun,
    ),
    endpoint(
        "GET",
        f"{_RUNS}/{{run_id}}/attempts/{{attempt_number}}",
        "actions/get-workflow-run-attempt",
        "Get an attempt at a run",
        get_attempt,
        OneRunQuery,
        permission=READ,
        answer=WorkflowRun,
    ),
    endpoint(
        "GET",
        f"{_RUNS}/{{run_id}}/jobs",
        "actions/list-jobs-for-workflow-run",
        "List the jobs of a run",
        list_jobs,
        JobsQuery,
        permission=READ,
        answer=Jobs,
    ),
    endpoint(
        "GET",
        f"{_RUNS}/{{run_id}}/attempts/{{attempt_number}}/jobs",
        "actions/list-jobs-for-workflow-run-attempt",
        "List the jobs of an attempt",
        list_attempt_jobs,
        Page,
        permission=READ,
        answer=Jobs,
    ),
    endpoint(
        "GET",
        "/repos/{owner}/{repo}/actions/jobs/{job_id}",
        "actions/get-job-for-workflow-run",
        "Get a job",
        get_job,
        Nothing,
        permission=READ,
        answer=Job,
    ),
)

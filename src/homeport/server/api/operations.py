"""What is done to runs: `…/rerun`, `…/cancel`, `…/approve`, deleting, logs (docs: "… for workflow runs", "… for workflow jobs")."""

import msgspec

from homeport.server.api.answers import Answer, ApiRefusalError
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.runs import find_attempt, find_run
from homeport.server.api.usage import RunUsage, run_usage

READ = Permission("reader", "actions")
WRITE = Permission("writer", "actions", "write")
_RUN = "/repos/{owner}/{repo}/actions/runs/{run_id}"
_JOB = "/repos/{owner}/{repo}/actions/jobs/{job_id}"


class Empty(msgspec.Struct, frozen=True):
    """GitHub's `empty-object`."""


class RerunBody(msgspec.Struct, frozen=True, kw_only=True):
    """How to run again."""

    enable_debug_logging: bool = False


def rerun(call: Call, body: RerunBody) -> Answer:
    """All jobs."""
    run = find_run(call).run.id
    call.parts.operations.rerun(call.caller, run, debug=body.enable_debug_logging)
    call.note("run.rerun", str(run))
    return Answer(body=Empty(), status=201)


def rerun_failed(call: Call, body: RerunBody) -> Answer:
    """Those that failed, and what needs them."""
    run = find_run(call).run.id
    call.parts.operations.rerun_failed(call.caller, run, debug=body.enable_debug_logging)
    call.note("run.rerun-failed", str(run))
    return Answer(body=Empty(), status=201)


def rerun_job(call: Call, body: RerunBody) -> Answer:
    """One job, and what needs it."""
    found = call.parts.reading.find_job(call.repository, call.number("job_id"))
    if found is None:
        call.refuse_unknown()
    call.parts.operations.rerun_job(call.caller, found[0].id, found[1], debug=body.enable_debug_logging)
    call.note("run.rerun-job", f"{found[0].id} {found[1].key}")
    return Answer(body=Empty(), status=201)


def cancel(call: Call, _: Nothing) -> Answer:
    """Cleanup steps still run."""
    return _cancel(call, force=False)


def force_cancel(call: Call, _: Nothing) -> Answer:
    """Without `always()` steps."""
    return _cancel(call, force=True)


def approve(call: Call, _: Nothing) -> Answer:
    """Let a run of a fork's pull request start."""
    run = find_run(call).run.id
    call.parts.operations.approve(call.caller, run)
    call.note("run.approve", str(run))
    return Answer(body=Empty(), status=201)


def delete(call: Call, _: Nothing) -> Answer:
    """With its logs and artifacts; only when it is completed."""
    run = find_run(call).run
    if run.status != "completed":
        raise ApiRefusalError(403, "Could not delete the workflow run")
    call.parts.operations.delete(call.caller, run.id)
    call.note("run.delete", str(run.id))
    return Answer(status=204)


def delete_logs(call: Call, _: Nothing) -> Answer:
    """Of all attempts; only when it is completed."""
    run = find_run(call).run
    if run.status != "completed":
        raise ApiRefusalError(403, "Could not delete the logs: the run is not completed")
    call.parts.operations.delete_logs(call.caller, run.id)
    call.note("run.delete-logs", str(run.id))
    return Answer(status=204)


def get_usage(call: Call, _: Nothing) -> Answer:
    """How long it has taken."""
    return Answer(body=run_usage(find_run(call)))


def download_logs(call: Call, _: Nothing) -> Answer:
    """Leads to where the logs of the latest attempt can be read, as a zip."""
    run = find_run(call).run
    return _lead(call.parts.downloads.sign_logs(call.links.site, run.id, run.attempt))


def download_attempt_logs(call: Call, _: Nothing) -> Answer:
    """Leads to where those of an attempt can be read."""
    run = find_attempt(call).run
    return _lead(call.parts.downloads.sign_logs(call.links.site, run.id, run.attempt))


def download_job_logs(call: Call, _: Nothing) -> Answer:
    """Leads to where a job's log can be read, as text."""
    found = call.parts.reading.find_job(call.repository, call.number("job_id"))
    if found is None:
        call.refuse_unknown()
    return _lead(call.parts.downloads.sign_job_log(call.links.site, found[1].id))


def _cancel(call: Call, *, force: bool) -> Answer:
    run = find_run(call).run
    if run.status == "completed":
        raise ApiRefusalError(409, "Cannot cancel a workflow run that is completed.")
    call.parts.operations.cancel(call.caller, run.id, force=force)
    call.note("run.force-cancel" if force else "run.cancel", str(run.id))
    return Answer(body=Empty(), status=202)


def _lead(address: str) -> Answer:
    return Answer(status=302, headers={"location": address})


ENDPOINTS: tuple[Endpoint, ...] = (
    endpoint(
        "POST",
        f"{_RUN}/rerun",
        "actions/re-run-workflow",
        "Run all jobs again",
        rerun,
        RerunBody,
        permission=WRITE,
        answer=Empty,
        status=201,
    ),
    endpoint(
        "POST",
        f"{_RUN}/rerun-failed-jobs",
        "actions/re-run-workflow-failed-jobs",
        "Run the jobs that failed again",
        rerun_failed,
        RerunBody,
        permission=WRITE,
        answer=Empty,
        status=201,
    ),
    endpoint(
        "POST",
        f"{_JOB}/rerun",
        "actions/re-run-job-for-workflow-run",
        "Run a job again",
        rerun_job,
        RerunBody,
        permission=WRITE,
        answer=Empty,
        status=201,
    ),
    endpoint(
        "POST",
        f"{_RUN}/cancel",
        "actions/cancel-workflow-run",
        "Cancel a run",
        cancel,
        Nothing,
        permission=WRITE,
        answer=Empty,
        status=202,
    ),
    endpoint(
        "POST",
        f"{_RUN}/force-cancel",
        "actions/force-cancel-workflow-run",
        "Cancel a run without its cleanup",
        force_cancel,
        Nothing,
        permission=WRITE,
        answer=Empty,
        status=202,
    ),
    endpoint(
        "POST",
        f"{_RUN}/approve",
        "actions/approve-workflow-run",
        "Approve a run of a fork's pull request",
        approve,
        Nothing,
        permission=Permission("maintainer", "actions", "write"),
        answer=Empty,
        status=201,
    ),
    endpoint(
        "DELETE",
        _RUN,
        "actions/delete-workflow-run",
        "Delete a run",
        delete,
        Nothing,
        permission=WRITE,
        status=204,
    ),
    endpoint(
        "GET",
        f"{_RUN}/timing",
        "actions/get-workflow-run-usage",
        "Get how long a run has taken",
        get_usage,
        Nothing,
        permission=READ,
        answer=RunUsage,
    ),
    endpoint(
        "GET",
        f"{_RUN}/logs",
        "actions/download-workflow-run-logs",
        "Download the logs of a run: leads to a signed address",
        download_logs,
        Nothing,
        permission=READ,
        status=302,
    ),
    endpoint(
        "DELETE",
        f"{_RUN}/logs",
        "actions/delete-workflow-run-logs",
        "Delete the logs of a run",
        delete_logs,
        Nothing,
        permission=WRITE,
        status=204,
    ),
    endpoint(
        "GET",
        f"{_RUN}/attempts/{{attempt_number}}/logs",
        "actions/download-workflow-run-attempt-logs",
        "Download the logs of an attempt: leads to a signed address",
        download_attempt_logs,
        Nothing,
        permission=READ,
        status=302,
    ),
    endpoint(
        "GET",
        f"{_JOB}/logs",
        "actions/download-job-logs-for-workflow-run",
        "Download the log of a job: leads to a signed address",
        download_job_logs,
        Nothing,
        permission=READ,
        status=302,
    ),
)

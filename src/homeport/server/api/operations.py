"""What is done to runs: `…/rerun`, `…/cancel`, `…/approve`, deleting, logs (docs: "… for workflow runs", "… for workflow jobs")."""

import msgspec

from homeport.ports.run_api import RerunWish
from homeport.ports.run_entries import JobEntry, RunEntry
from homeport.server.api.answers import Answer, ApiRefusalError, Empty
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.runs import find_run

WRITE = Permission("writer", "actions", "write")
APPROVE = Permission("maintainer", "administration", "write")
"""no job has it: a person looks at what a fork brings"""
_REPOSITORY = "/repos/{owner}/{repo}"
_RUN = f"{_REPOSITORY}/actions/runs/{{run_id}}"
_JOB = f"{_REPOSITORY}/actions/jobs/{{job_id}}"


class RerunBody(msgspec.Struct, frozen=True, kw_only=True):
    """How to run again."""

    enable_debug_logging: bool = False


class RerunJobBody(RerunBody, frozen=True, kw_only=True):
    """How to run a job again. `from_step` is Homeport's own: the number of the step to go on from, in the folders that the job left."""

    from_step: int | None = None


def rerun(call: Call, body: RerunBody) -> Answer:
    """All jobs."""
    run = find_run(call).run.id
    call.parts.operations.rerun(call.caller, run, RerunWish(debug=body.enable_debug_logging))
    call.note("run.rerun", str(run))
    return Answer(body=Empty(), status=201)


def rerun_failed(call: Call, body: RerunBody) -> Answer:
    """Those that failed, and what needs them."""
    run = find_run(call).run.id
    call.parts.operations.rerun(call.caller, run, RerunWish(what="failed", debug=body.enable_debug_logging))
    call.note("run.rerun-failed", str(run))
    return Answer(body=Empty(), status=201)


def rerun_job(call: Call, body: RerunJobBody) -> Answer:
    """One job, and what needs it. With `from_step`, which GitHub does not have, only from that step on: it takes a job that failed and
    whose folders are kept.
    """
    run, job = _find_job(call, "job_id")
    wish = RerunWish(what="job", job=job.key, debug=body.enable_debug_logging)
    if body.from_step is not None:
        wish = msgspec.structs.replace(wish, what="step", step=body.from_step)
    call.parts.operations.rerun(call.caller, run.id, wish)
    call.note("run.rerun-job", f"{run.id} {job.key}")
    return Answer(body=Empty(), status=201)


def cancel(call: Call, _: Nothing) -> Answer:
    """Cleanup steps still run."""
    return _cancel(call, force=False)


def force_cancel(call: Call, _: Nothing) -> Answer:
    """Without `always()` steps."""
    return _cancel(call, force=True)


def approve(call: Call, _: Nothing) -> Answer:
    """Let a run of a fork's pull request start. It has a number, but is in no list before."""
    held = call.parts.forks.find(str(call.number("run_id")))
    if held is None or held.repository != call.repository.id:
        call.refuse_unknown()
    call.parts.operations.approve(call.caller, int(held.run))
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


def _cancel(call: Call, *, force: bool) -> Answer:
    run = find_run(call).run
    if run.status == "completed":
        raise ApiRefusalError(409, "Cannot cancel a workflow run that is completed.")
    call.parts.operations.cancel(call.caller, run.id, force=force)
    call.note("run.force-cancel" if force else "run.cancel", str(run.id))
    return Answer(body=Empty(), status=202)


def rerequest_check(call: Call, _: Nothing) -> Answer:
    """A check run is a job: run it again."""
    run, job = _find_job(call, "check_run_id")
    call.parts.operations.rerun(call.caller, run.id, RerunWish(what="job", job=job.key))
    call.note("run.rerun-job", f"{run.id} {job.key}")
    return Answer(body=Empty(), status=201)


def rerequest_suite(call: Call, _: Nothing) -> Answer:
    """A check suite is a run: run all its jobs again."""
    found = call.parts.reading.find(call.repository, call.number("check_suite_id"))
    if found is None:
        call.refuse_unknown()
    call.parts.operations.rerun(call.caller, found.run.id, RerunWish())
    call.note("run.rerun", str(found.run.id))
    return Answer(body=Empty(), status=201)


def _find_job(call: Call, name: str) -> tuple[RunEntry, JobEntry]:
    found = call.parts.reading.find_job(call.repository, call.number(name))
    return call.refuse_unknown() if found is None else found


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
        RerunJobBody,
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
        permission=APPROVE,
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
        "POST",
        f"{_REPOSITORY}/check-runs/{{check_run_id}}/rerequest",
        "checks/rerequest-run",
        "Run a check again",
        rerequest_check,
        Nothing,
        permission=Permission("writer", "checks", "write"),
        answer=Empty,
        status=201,
    ),
    endpoint(
        "POST",
        f"{_REPOSITORY}/check-suites/{{check_suite_id}}/rerequest",
        "checks/rerequest-suite",
        "Run all checks of a suite again",
        rerequest_suite,
        Nothing,
        permission=Permission("writer", "checks", "write"),
        answer=Empty,
        status=201,
    ),
)

"""The logs of runs and jobs, and how long runs have taken (docs: "Download workflow run logs", "Get workflow run usage")."""

from homeport.server.api.answers import Answer
from homeport.server.api.call import Call, Permission
from homeport.server.api.endpoint import Endpoint, Nothing, endpoint
from homeport.server.api.runs import find_attempt, find_run
from homeport.server.api.usage import RunUsage, run_usage

READ = Permission("reader", "actions")
_RUN = "/repos/{owner}/{repo}/actions/runs/{run_id}"
_JOB = "/repos/{owner}/{repo}/actions/jobs/{job_id}"


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


def _lead(address: str) -> Answer:
    return Answer(status=302, headers={"location": address})


ENDPOINTS: tuple[Endpoint, ...] = (
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

"""Runs and jobs as the forge's REST interface shows them, from what a local run has remembered of itself.

Source: GitHub docs, "REST API endpoints for workflow runs" and "… for workflow jobs".
"""

import zlib
from datetime import datetime
from typing import Any

from homeport.plan.model import Plan
from homeport.ports.repositories import RunRecord, RunRepository
from homeport.run.facts import JobFinished, JobStarted, RunFinished, RunStarted, StepFinished, StepStarted

Answer = dict[str, Any]


def find_run(runs: RunRepository, run: str, attempt: int | None = None) -> tuple[RunRecord, Plan] | None:
    """A run by its number in an address; None where there is none."""
    is_id = run.isascii() and run.isdigit() and len(run) < 20
    return runs.find(run, attempt) if is_id else None


def describe_run(runs: RunRepository, record: RunRecord, plan: Plan, api: str) -> Answer:
    """The `workflow run` object."""
    event, server = plan.event, plan.event.repository.server_url
    started, finished = record.created_at, None
    for fact in runs.facts(record.id, record.attempt):
        match fact:
            case RunStarted():
                started = fact.at
            case RunFinished():
                finished = fact
            case _:
                pass
    page = f"{server}/{record.repository}/actions/runs/{record.id}"
    address = f"{api}/repos/{record.repository}/actions/runs/{record.id}"
    return {
        "id": int(record.id),
        "name": plan.workflow.name,
        "display_title": plan.run_name,
        "run_number": record.number,
        "run_attempt": record.attempt,
        "event": event.name,
        "status": "in_progress" if finished is None else "completed",
        "conclusion": None if finished is None else finished.conclusion,
        "head_branch": event.head_ref or event.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        "head_sha": event.sha,
        "path": record.workflow,
        "workflow_id": _number(record.workflow),
        "actor": {"login": event.actor, "id": int(event.actor_id)},
        "triggering_actor": {"login": event.actor, "id": int(event.actor_id)},
        "repository": {"id": int(event.repository.id), "full_name": record.repository},
        "html_url": page,
        "url": address,
        "jobs_url": f"{address}/jobs",
        "artifacts_url": f"{address}/artifacts",
        "created_at": _time(record.created_at),
        "run_started_at": _time(started),
        "updated_at": _time(started if finished is None else finished.at),
    }


def list_jobs(runs: RunRepository, record: RunRecord, plan: Plan, api: str) -> list[Answer]:
    """The `job` objects of those that have begun, in that order."""
    jobs: dict[str, Answer] = {}
    for fact in runs.facts(record.id, record.attempt):
        match fact:
            case JobStarted() if fact.runner:
                jobs[fact.job] = _begin_job(fact, record, plan, api)
            case JobFinished() if fact.job in jobs:
                jobs[fact.job].update(status="completed", conclusion=fact.conclusion, completed_at=_time(fact.at))
            case StepStarted() if fact.job in jobs:
                jobs[fact.job]["steps"].append(_begin_step(fact))
            case StepFinished() if fact.job in jobs:
                _end_step(jobs[fact.job]["steps"], fact)
            case _:
                pass
    return list(jobs.values())


def number_job(lease: str) -> int:
    """A job's id: `job.check_run_id`, as the coordinator makes it of the lease (`<run>.<attempt>.<count>`)."""
    if lease.count(".") != 2:
        return 0  # a journal of an older version
    run, attempt, count = lease.split(".")
    return int(f"{run}{attempt:0>2}{count:0>4}")


def _begin_job(fact: JobStarted, record: RunRecord, plan: Plan, api: str) -> Answer:
    number = number_job(fact.lease)
    return {
        "id": number,
        "run_id": int(record.id),
        "run_attempt": record.attempt,
        "workflow_name": plan.workflow.name,
        "name": fact.name,
        "head_sha": plan.event.sha,
        "status": "in_progress",
        "conclusion": None,
        "started_at": _time(fact.at),
        "completed_at": None,
        "runner_name": fact.runner,
        "url": f"{api}/repos/{record.repository}/actions/jobs/{number}",
        "html_url": f"{plan.event.repository.server_url}/{record.repository}/actions/runs/{record.id}/job/{number}",
        "steps": [],
    }


def _begin_step(fact: StepStarted) -> Answer:
    return {
        "number": fact.number,
        "name": fact.name,
        "status": "in_progress",
        "conclusion": None,
        "started_at": _time(fact.at),
        "completed_at": None,
    }


def _end_step(steps: list[Answer], fact: StepFinished) -> None:
    """A step that was skipped has never begun."""
    end = {"status": "completed", "conclusion": fact.conclusion, "completed_at": _time(fact.at)}
    for step in steps:
        if step["number"] == fact.number:
            step.update(end)
            return
    steps.append({"number": fact.number, "name": fact.name, "started_at": _time(fact.at), **end})


def _number(text: str) -> int:
    return zlib.crc32(text.encode())


def _time(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")

"""Jobs and steps in answers (docs: "REST API endpoints for workflow jobs")."""

from typing import Literal

import msgspec

from homeport.ports.run_entries import JobEntry, JobStatus, RepositoryEntry, RunConclusion, RunEntry, StepEntry
from homeport.rest.links import Links, format_time, node_id
from homeport.run.facts import Conclusion


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a `job`."""

    name: str
    status: Literal["queued", "in_progress", "completed"]
    conclusion: Conclusion | None
    number: int
    started_at: str | None
    completed_at: str | None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `job`."""

    id: int
    run_id: int
    workflow_name: str | None
    head_branch: str | None
    run_url: str
    run_attempt: int
    node_id: str
    head_sha: str
    url: str
    html_url: str
    status: JobStatus
    conclusion: RunConclusion | None
    created_at: str
    started_at: str
    completed_at: str | None
    name: str
    steps: tuple[Step, ...]
    check_run_url: str
    labels: tuple[str, ...]
    runner_id: int | None
    runner_name: str | None
    runner_group_id: int | None
    runner_group_name: str | None


class Jobs(msgspec.Struct, frozen=True):
    """A page of jobs."""

    total_count: int
    jobs: tuple[Job, ...]


def show_job(job: JobEntry, run: RunEntry, repository: RepositoryEntry, links: Links) -> Job:
    """A job of a run's attempt. Runners have no numbers here, and one group."""
    above = links.repository(repository.full_name)
    has_runner = bool(job.runner)
    return Job(
        id=job.id,
        run_id=run.id,
        workflow_name=run.workflow_name,
        head_branch=run.head_branch,
        run_url=f"{above}/actions/runs/{run.id}",
        run_attempt=job.attempt,
        node_id=node_id("CR", job.id),
        head_sha=run.head_sha,
        url=f"{above}/actions/jobs/{job.id}",
        html_url=f"{links.page(repository.full_name)}/actions/runs/{run.id}/job/{job.id}",
        status=job.status,
        conclusion=job.conclusion,
        created_at=format_time(job.created_at),
        started_at=format_time(job.started_at or job.completed_at or job.created_at),
        completed_at=None if job.completed_at is None else format_time(job.completed_at),
        name=job.name,
        steps=tuple(_show_step(step) for step in job.steps),
        check_run_url=f"{above}/check-runs/{job.id}",
        labels=job.labels,
        runner_id=1 if has_runner else None,
        runner_name=job.runner or None,
        runner_group_id=1 if has_runner else None,
        runner_group_name="Default" if has_runner else None,
    )


def _show_step(step: StepEntry) -> Step:
    return Step(
        name=step.name,
        status=step.status,
        conclusion=step.conclusion,
        number=step.number,
        started_at=None if step.started_at is None else format_time(step.started_at),
        completed_at=None if step.completed_at is None else format_time(step.completed_at),
    )

"""Runs and jobs of this machine, as the forge's REST interface shows them (`homeport.rest`)."""

from homeport.plan.model import Plan
from homeport.ports.artifacts import Artifact
from homeport.ports.repositories import RunRecord, RunRepository
from homeport.rest import artifacts, jobs, runs
from homeport.rest.journal import head_branch_of, head_sha_of, number, read_run, repository_of
from homeport.rest.links import Links
from homeport.toolkit.jobs import OpenJob


def find_run(known: RunRepository, run: str, attempt: int | None = None) -> tuple[RunRecord, Plan] | None:
    """A run by its number in an address; None where there is none."""
    is_id = run.isascii() and run.isdigit() and len(run) < 20
    return known.find(run, attempt) if is_id else None


def describe_run(known: RunRepository, record: RunRecord, plan: Plan, api: str) -> runs.WorkflowRun:
    """The `workflow run` object."""
    entry = read_run(record, plan, known.facts(record.id, record.attempt)).run
    return runs.show_run(entry, repository_of(plan.event), _links(plan, api))


def list_jobs(known: RunRepository, record: RunRecord, plan: Plan, api: str) -> list[jobs.Job]:
    """The `job` objects of those that have come up, in that order."""
    found = read_run(record, plan, known.facts(record.id, record.attempt))
    return [jobs.show_job(job, found.run, repository_of(plan.event), _links(plan, api)) for job in found.jobs]


def describe_artifact(known: RunRepository, artifact: Artifact, job: OpenJob, api: str) -> artifacts.Artifact:
    """The `artifact` object, of the job's own run or of another that is kept."""
    found = known.find(artifact.run)
    github = job.order.github
    repository = number(github.get("repository_id"))
    run = artifacts.ArtifactRun(
        id=int(artifact.run),
        repository_id=repository,
        head_repository_id=repository,
        head_branch=str(github.get("ref_name", "")) if found is None else head_branch_of(found[1].event),
        head_sha=str(github.get("sha", "")) if found is None else head_sha_of(found[1].event),
    )
    return artifacts.show_artifact(artifact, run, job.repository, Links(api, str(github.get("server_url", ""))))


def _links(plan: Plan, api: str) -> Links:
    return Links(api, plan.event.repository.server_url)

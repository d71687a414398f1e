"""Workflows, runs and their attempts in answers (docs: "REST API endpoints for workflow runs", "… for workflows")."""

import msgspec

from homeport.ports.run_entries import (
    CommitEntry,
    PullRequestEntry,
    RepositoryEntry,
    RunConclusion,
    RunEntry,
    RunStatus,
)
from homeport.rest.links import Links, format_time, node_id
from homeport.rest.repositories import MinimalRepository, show_repository
from homeport.rest.users import SimpleUser, show_user


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `workflow`."""

    id: int
    node_id: str
    name: str
    path: str
    state: str
    created_at: str
    updated_at: str
    url: str
    html_url: str
    badge_url: str


class Signed(msgspec.Struct, frozen=True):
    """Who wrote a commit."""

    name: str
    email: str


class SimpleCommit(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `simple-commit`."""

    id: str
    tree_id: str
    message: str
    timestamp: str
    author: Signed
    committer: Signed


class PullRepository(msgspec.Struct, frozen=True):
    """The repository of a pull request's side."""

    id: int
    url: str
    name: str


class PullSide(msgspec.Struct, frozen=True):
    """A side of a pull request."""

    ref: str
    sha: str
    repo: PullRepository


class MinimalPullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `pull-request-minimal`."""

    id: int
    number: int
    url: str
    head: PullSide
    base: PullSide


class WorkflowRun(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `workflow-run`."""

    id: int
    name: str
    node_id: str
    head_branch: str | None
    head_sha: str
    path: str
    display_title: str
    run_number: int
    run_attempt: int
    event: str
    status: RunStatus
    conclusion: RunConclusion | None
    workflow_id: int
    check_suite_id: int
    check_suite_node_id: str
    url: str
    html_url: str
    pull_requests: tuple[MinimalPullRequest, ...]
    created_at: str
    updated_at: str
    run_started_at: str
    actor: SimpleUser
    triggering_actor: SimpleUser
    referenced_workflows: tuple[str, ...] = ()
    jobs_url: str
    logs_url: str
    check_suite_url: str
    artifacts_url: str
    cancel_url: str
    rerun_url: str
    previous_attempt_url: str | None
    workflow_url: str
    head_commit: SimpleCommit | None
    repository: MinimalRepository
    head_repository: MinimalRepository


class WorkflowRuns(msgspec.Struct, frozen=True):
    """A page of runs."""

    total_count: int
    workflow_runs: tuple[WorkflowRun, ...]


class Workflows(msgspec.Struct, frozen=True):
    """A page of workflows."""

    total_count: int
    workflows: tuple[Workflow, ...]


def show_workflow(
    repository: RepositoryEntry,
    links: Links,
    *,
    number: int,
    path: str,
    name: str,
    state: str,
    created_at: str,
    updated_at: str,
) -> Workflow:
    """A workflow of a repository."""
    file = path.rpartition("/")[2]
    page = links.page(repository.full_name)
    return Workflow(
        id=number,
        node_id=node_id("W", number),
        name=name,
        path=path,
        state=state,
        created_at=created_at,
        updated_at=updated_at,
        url=f"{links.repository(repository.full_name)}/actions/workflows/{number}",
        html_url=f"{page}/actions/workflows/{file}",
        badge_url=f"{links.site}/badge/{repository.full_name}/{file}.svg",
    )


def show_run(
    run: RunEntry, repository: RepositoryEntry, links: Links, *, with_pull_requests: bool = True
) -> WorkflowRun:
    """A run, or an attempt at it. The check suite of a run has the run's own number."""
    above = links.repository(repository.full_name)
    address = f"{above}/actions/runs/{run.id}"
    shown = show_repository(repository, links)
    return WorkflowRun(
        id=run.id,
        name=run.workflow_name,
        node_id=node_id("WFR", run.id),
        head_branch=run.head_branch,
        head_sha=run.head_sha,
        path=run.workflow,
        display_title=run.title,
        run_number=run.number,
        run_attempt=run.attempt,
        event=run.event,
        status=run.status,
        conclusion=run.conclusion,
        workflow_id=run.workflow_id,
        check_suite_id=run.id,
        check_suite_node_id=node_id("CS", run.id),
        url=address,
        html_url=f"{links.page(repository.full_name)}/actions/runs/{run.id}",
        pull_requests=_show_pulls(run, shown) if with_pull_requests else (),
        created_at=format_time(run.created_at),
        updated_at=format_time(run.updated_at),
        run_started_at=format_time(run.started_at),
        actor=show_user(run.actor, links),
        triggering_actor=show_user(run.triggering_actor, links),
        jobs_url=f"{address}/jobs",
        logs_url=f"{address}/logs",
        check_suite_url=f"{above}/check-suites/{run.id}",
        artifacts_url=f"{address}/artifacts",
        cancel_url=f"{address}/cancel",
        rerun_url=f"{address}/rerun",
        previous_attempt_url=f"{address}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
        workflow_url=f"{above}/actions/workflows/{run.workflow_id}",
        head_commit=None if run.head_commit is None else show_commit(run.head_commit),
        repository=shown,
        head_repository=shown,
    )


def show_commit(commit: CommitEntry) -> SimpleCommit:
    """A commit, in short."""
    return SimpleCommit(
        id=commit.sha,
        tree_id=commit.tree,
        message=commit.message,
        timestamp=commit.timestamp,
        author=Signed(commit.author_name, commit.author_email),
        committer=Signed(commit.committer_name, commit.committer_email),
    )


def _show_pulls(run: RunEntry, repository: MinimalRepository) -> tuple[MinimalPullRequest, ...]:
    return tuple(_show_pull(pull, repository) for pull in run.pull_requests)


def _show_pull(pull: PullRequestEntry, repository: MinimalRepository) -> MinimalPullRequest:
    place = PullRepository(repository.id, repository.url, repository.name)
    return MinimalPullRequest(
        id=pull.id,
        number=pull.number,
        url=f"{repository.url}/pulls/{pull.number}",
        head=PullSide(pull.head_ref, pull.head_sha, place),
        base=PullSide(pull.base_ref, pull.base_sha, place),
    )

"""Check runs, suites and annotations in answers (docs: "REST API endpoints for check runs", "… check suites").

Every job is a check run, by the job's number; every run is a check suite, by its own.
"""

from typing import Literal

import msgspec

from homeport.ports.run_entries import (
    JobEntry,
    JobStatus,
    PersonEntry,
    RepositoryEntry,
    RunConclusion,
    RunEntry,
    RunStatus,
)
from homeport.rest.links import Links, format_time, node_id
from homeport.rest.repositories import MinimalRepository, show_repository
from homeport.rest.runs import Signed, SimpleCommit, show_commit
from homeport.rest.users import SimpleUser, show_user
from homeport.run.facts import AnnotationRaised, Level

_LEVELS: dict[Level, str] = {"notice": "notice", "warning": "warning", "error": "failure"}
_EPOCH = "1970-01-01T00:00:00Z"


class AppPermissions(msgspec.Struct, frozen=True):
    """What it may do to repositories."""

    checks: str = "write"
    metadata: str = "read"


class App(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `integration`: who made a check. All of this server's are Homeport's."""

    id: int = 1
    slug: str = "homeport"
    node_id: str = "A_homeport"
    owner: SimpleUser
    name: str = "Homeport"
    description: str = "Runs GitHub Actions workflows on machines of one's own."
    external_url: str
    html_url: str
    created_at: str = _EPOCH
    updated_at: str = _EPOCH
    permissions: AppPermissions = AppPermissions()
    events: tuple[str, ...] = ()


class CheckOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a check says for people."""

    title: str | None
    summary: str | None
    text: str | None
    annotations_count: int
    annotations_url: str


class SuiteReference(msgspec.Struct, frozen=True):
    """The suite of a check."""

    id: int


class CheckRun(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `check-run`."""

    id: int
    name: str
    node_id: str
    head_sha: str
    external_id: str
    url: str
    html_url: str
    details_url: str
    status: JobStatus | Literal["requested"]
    conclusion: RunConclusion | None
    started_at: str | None
    completed_at: str | None
    output: CheckOutput
    check_suite: SuiteReference
    app: App
    pull_requests: tuple[str, ...] = ()


class CheckRuns(msgspec.Struct, frozen=True):
    """A page of check runs."""

    total_count: int
    check_runs: tuple[CheckRun, ...]


class CheckSuite(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `check-suite`."""

    id: int
    node_id: str
    head_branch: str | None
    head_sha: str
    status: RunStatus
    conclusion: RunConclusion | None
    url: str
    before: str | None
    after: str | None
    pull_requests: tuple[str, ...] = ()
    app: App
    repository: MinimalRepository
    created_at: str
    updated_at: str
    head_commit: SimpleCommit
    latest_check_runs_count: int
    check_runs_url: str
    rerequestable: bool = True
    runs_rerequestable: bool = True


class CheckSuites(msgspec.Struct, frozen=True):
    """A page of check suites."""

    total_count: int
    check_suites: tuple[CheckSuite, ...]


class CheckAnnotation(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub's `check-annotation`."""

    path: str
    start_line: int
    end_line: int
    start_column: int | None
    end_column: int | None
    annotation_level: str
    title: str | None
    message: str
    raw_details: str | None
    blob_href: str


def show_check_run(
    job: JobEntry, run: RunEntry, repository: RepositoryEntry, links: Links, *, annotations: int, summary: str
) -> CheckRun:
    """A job as a check."""
    address = f"{links.repository(repository.full_name)}/check-runs/{job.id}"
    page = f"{links.page(repository.full_name)}/actions/runs/{run.id}/job/{job.id}"
    return CheckRun(
        id=job.id,
        name=job.name,
        node_id=node_id("CR", job.id),
        head_sha=run.head_sha,
        external_id=f"{run.id}/{job.attempt}/{job.key}",
        url=address,
        html_url=page,
        details_url=page,
        status=job.status,
        conclusion=job.conclusion,
        started_at=None if job.started_at is None else format_time(job.started_at),
        completed_at=None if job.completed_at is None else format_time(job.completed_at),
        output=CheckOutput(
            title=job.reason or None,
            summary=summary or None,
            text=None,
            annotations_count=annotations,
            annotations_url=f"{address}/annotations",
        ),
        check_suite=SuiteReference(run.id),
        app=show_app(links),
    )


def show_check_suite(run: RunEntry, jobs: int, repository: RepositoryEntry, links: Links) -> CheckSuite:
    """A run as a suite of checks."""
    address = f"{links.repository(repository.full_name)}/check-suites/{run.id}"
    commit = _bare_commit(run) if run.head_commit is None else show_commit(run.head_commit)
    return CheckSuite(
        id=run.id,
        node_id=node_id("CS", run.id),
        head_branch=run.head_branch,
        head_sha=run.head_sha,
        status=run.status,
        conclusion=run.conclusion,
        url=address,
        before=None,
        after=run.head_sha,
        app=show_app(links),
        repository=show_repository(repository, links),
        created_at=format_time(run.created_at),
        updated_at=format_time(run.updated_at),
        head_commit=commit,
        latest_check_runs_count=jobs,
        check_runs_url=f"{address}/check-runs",
    )


def show_annotation(annotation: AnnotationRaised, sha: str, repository: str, links: Links) -> CheckAnnotation:
    """What a step had to say. Without a file it is about the workflow's run as a whole, which GitHub puts at `.github`."""
    path = annotation.file or ".github"
    line = annotation.line or 1
    end_line = annotation.end_line or line
    return CheckAnnotation(
        path=path,
        start_line=line,
        end_line=end_line,
        start_column=annotation.column if line == end_line else None,
        end_column=(annotation.end_column or annotation.column) if line == end_line else None,
        annotation_level=_LEVELS[annotation.severity],
        title=annotation.title,
        message=annotation.message,
        raw_details=None,
        blob_href=f"{links.page(repository)}/blob/{sha}/{path}",
    )


def show_app(links: Links) -> App:
    """Homeport itself."""
    return App(
        owner=show_user(PersonEntry("homeport", 1, "Organization"), links), external_url=links.site, html_url=links.site
    )


def _bare_commit(run: RunEntry) -> SimpleCommit:
    """An event that brought no commit along says only which one it is."""
    nobody = Signed("", "")
    return SimpleCommit(
        id=run.head_sha,
        tree_id="",
        message=run.title,
        timestamp=format_time(run.created_at),
        author=nobody,
        committer=nobody,
    )

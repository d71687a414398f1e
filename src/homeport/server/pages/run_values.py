"""What the page of a run shows, taken out of its fold: heading, jobs, annotations, summaries, artifacts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from markupsafe import Markup

from homeport.ports.directory import HostedRepository
from homeport.present.html_words import state_of
from homeport.present.run_view import JobView
from homeport.present.words import is_exit_notice, show_duration
from homeport.rest.journal import head_sha_of, pull_requests_of, title_of
from homeport.run.facts import AnnotationRaised
from homeport.server.pages.markdown import render_markdown
from homeport.server.pages.rendering import repository_path
from homeport.server.pages.run_paths import run_link
from homeport.server.pages.run_reader import FoldedRun

MOST_ANNOTATIONS = 50


class RunHeading(msgspec.Struct, frozen=True, kw_only=True):
    """The top of every page of a run."""

    id: str
    title: str
    state: str
    workflow_name: str
    workflow_link: str
    number: int
    attempt: int
    latest_attempt: int
    link: str
    """of the run's latest attempt"""
    own_link: str
    """of this attempt"""
    event: str
    actor: str
    ref: str
    sha: str
    pull_request: int
    created_at: datetime
    finished_at: datetime | None
    duration: str
    since: str
    """when it began, while it goes on"""
    is_completed: bool
    note: str
    """why it was cancelled, or what it waits for"""


class AnnotationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One annotation; `link` leads to the job that raised it, at its step."""

    severity: str
    title: str
    message: str
    where: str
    job: str
    link: str


class SummaryRow(msgspec.Struct, frozen=True):
    """What the steps of one job wrote."""

    job: str
    html: Markup


def job_links(repository: HostedRepository, folded: FoldedRun) -> dict[str, str]:
    """The pages of its jobs, by key."""
    base = run_link(repository, folded.record.id)
    return {key: f"{base}/job/{number}" for key, number in folded.numbers.items()}


def describe_heading(repository: HostedRepository, folded: FoldedRun, now: datetime) -> RunHeading:
    """Everything above the jobs."""
    view, plan, record = folded.view, folded.plan, folded.record
    event = plan.event
    is_completed = view.status == "completed"
    end = view.finished_at or now
    pulls = pull_requests_of(event)
    is_latest = record.attempt == folded.latest_attempt
    link = run_link(repository, record.id)
    return RunHeading(
        id=record.id,
        title=plan.run_name or title_of(event) or plan.workflow.name,
        state=state_of(view.status, view.conclusion),
        workflow_name=plan.workflow.name,
        workflow_link=f"{repository_path(repository)}/actions/workflows/{plan.workflow.file.rsplit('/', 1)[-1]}",
        number=record.number,
        attempt=record.attempt,
        latest_attempt=folded.latest_attempt,
        link=link,
        own_link=link if is_latest else run_link(repository, record.id, record.attempt),
        event=event.name,
        actor=record.options.get("triggering_actor") or event.actor,
        ref=f"refs/heads/{event.head_ref}" if event.head_ref else event.ref,
        sha=head_sha_of(event),
        pull_request=pulls[0].number if pulls else 0,
        created_at=record.created_at,
        finished_at=view.finished_at,
        duration=show_duration((end - record.created_at).total_seconds()),
        since="" if is_completed else record.created_at.isoformat(),
        is_completed=is_completed,
        note=view.cancel_reason or view.waits_for or "",
    )


def gather_annotations(folded: FoldedRun, links: Mapping[str, str]) -> tuple[list[AnnotationRow], int]:
    """The worst first, and how many there are beyond the ones shown. An exit code is left out where something better was said."""
    found: list[tuple[AnnotationRaised, JobView | None]] = [(fact, None) for fact in folded.view.annotations]
    for job in folded.view.jobs.values():
        telling = [fact for fact in job.annotations if not is_exit_notice(fact.message)]
        has_error = any(fact.severity == "error" for fact in telling)
        found += [(fact, job) for fact in (telling if has_error else job.annotations)]
    order = ("error", "warning", "notice")
    found.sort(key=lambda pair: order.index(pair[0].severity))
    rows = [describe_annotation(fact, job, links) for fact, job in found[:MOST_ANNOTATIONS]]
    return rows, len(found) - len(rows)


def describe_annotation(fact: AnnotationRaised, job: JobView | None, links: Mapping[str, str]) -> AnnotationRow:
    """As a page shows it."""
    place = f"{fact.file}{f':{fact.line}' if fact.line else ''}" if fact.file else ""
    return AnnotationRow(
        severity=fact.severity,
        title=fact.title or "",
        message=fact.message,
        where=place,
        job=job.name if job else "",
        link=links.get(job.key, "") if job else "",
    )


def gather_summaries(folded: FoldedRun, jobs: Sequence[str] | None = None) -> list[SummaryRow]:
    """By job, in the order in which they were written; of some jobs (by key) only, where they are named."""
    written: dict[str, list[str]] = {}
    for fact in folded.view.summaries:
        if (jobs is None or fact.job in jobs) and fact.markdown.strip():
            written.setdefault(fact.job, []).append(render_markdown(fact.markdown))
    names = {key: job.name for key, job in folded.view.jobs.items()}
    return [
        SummaryRow(names.get(key, key), Markup("\n").join(Markup(part) for part in parts))  # noqa: S704 - nh3 cleaned it
        for key, parts in written.items()
    ]

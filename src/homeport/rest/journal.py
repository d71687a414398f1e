"""Reads runs and jobs out of what a run has remembered of itself."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from homeport.event import Event
from homeport.plan.model import Leg, Plan
from homeport.ports.repositories import RunRecord
from homeport.ports.run_entries import (
    CommitEntry,
    JobEntry,
    PersonEntry,
    PullRequestEntry,
    RepositoryEntry,
    RunEntry,
    RunStatus,
    StepEntry,
)
from homeport.rest.links import number_workflow
from homeport.run.facts import (
    Conclusion,
    ConcurrencyGranted,
    ConcurrencyWaiting,
    JobExpanded,
    JobFinished,
    JobQueued,
    JobsKept,
    JobStarted,
    KeptJob,
    RunFact,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from homeport.run.job_numbers import number_leased, number_unleased


class ReadRun(msgspec.Struct, frozen=True):
    """An attempt, and those of its jobs that have come up."""

    run: RunEntry
    jobs: tuple[JobEntry, ...]


def read_run(record: RunRecord, plan: Plan, facts: Iterable[RunFact], *, created_at: datetime | None = None) -> ReadRun:
    """Fold an attempt's journal. `created_at` is when the run's first attempt began, where that is another."""
    reading = Reading(record)
    for fact in facts:
        reading.take(fact)
    run = msgspec.structs.replace(
        describe_run(record, plan, created_at=created_at),
        status=reading.status,
        conclusion=reading.conclusion,
        updated_at=reading.updated_at,
    )
    return ReadRun(run, tuple(reading.jobs[key] for key in reading.jobs))


def describe_run(record: RunRecord, plan: Plan, *, created_at: datetime | None = None) -> RunEntry:
    """An attempt of which nothing is known yet but what it is about."""
    event = plan.event
    triggered_by = record.options.get("triggering_actor") or event.actor
    actor = PersonEntry(event.actor, number(event.actor_id))
    return RunEntry(
        id=int(record.id),
        attempt=record.attempt,
        number=record.number,
        workflow=plan.workflow.file,
        workflow_id=number_workflow(record.repository, plan.workflow.file),
        workflow_name=plan.workflow.name,
        title=plan.run_name or title_of(event) or plan.workflow.name,
        event=event.name,
        status="queued",
        conclusion=None,
        head_branch=head_branch_of(event),
        head_sha=head_sha_of(event),
        actor=actor,
        triggering_actor=actor if triggered_by == event.actor else PersonEntry(triggered_by),
        created_at=created_at or record.created_at,
        started_at=record.created_at,
        updated_at=record.created_at,
        head_commit=head_commit_of(event),
        pull_requests=pull_requests_of(event),
    )


def repository_of(event: Event) -> RepositoryEntry:
    """The repository of an event, for those who know no more about it."""
    known = event.repository
    return RepositoryEntry(
        id=number(known.id),
        owner=PersonEntry(known.owner, number(known.owner_id)),
        name=known.name,
        is_private=known.private,
        default_branch=known.default_branch,
    )


def head_branch_of(event: Event) -> str | None:
    """The branch or tag whose commit was run; for a pull request that of its head."""
    return event.head_ref or event.ref.removeprefix("refs/heads/").removeprefix("refs/tags/") or None


def head_sha_of(event: Event) -> str:
    """The commit that statuses belong to: a pull request's head, not its test merge."""
    head = _at(event.payload, "pull_request", "head", "sha")
    return head if isinstance(head, str) and event.head_ref else event.sha


def head_commit_of(event: Event) -> CommitEntry | None:
    """As the payload has it; None where the event is not about one."""
    commit = event.payload.get("head_commit")
    if not isinstance(commit, Mapping):
        return None
    return CommitEntry(
        sha=_text(commit, "id") or event.sha,
        tree=_text(commit, "tree_id"),
        message=_text(commit, "message"),
        timestamp=_text(commit, "timestamp"),
        author_name=_text(commit, "author", "name"),
        author_email=_text(commit, "author", "email"),
        committer_name=_text(commit, "committer", "name"),
        committer_email=_text(commit, "committer", "email"),
    )


def pull_requests_of(event: Event) -> tuple[PullRequestEntry, ...]:
    """The one that the event is about."""
    pull = event.payload.get("pull_request")
    if not isinstance(pull, Mapping) or not event.base_ref:
        return ()
    return (
        PullRequestEntry(
            id=number(pull.get("id")),
            number=number(pull.get("number")),
            head_ref=event.head_ref,
            head_sha=_text(pull, "head", "sha"),
            base_ref=event.base_ref,
            base_sha=_text(pull, "base", "sha"),
        ),
    )


def title_of(event: Event) -> str:
    """What GitHub calls a run without a `run-name`: the commit's first line, or the title of the pull request or issue."""
    for path in (("pull_request", "title"), ("issue", "title"), ("head_commit", "message")):
        found = _at(event.payload, *path)
        if isinstance(found, str) and found:
            return found.partition("\n")[0]
    return (event.head_message or "").partition("\n")[0]


def number(value: Any) -> int:
    """A number of a payload, where ids are text or, since JSON has only one kind, fractions; 0 where it is none."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


class Reading:
    """What the facts of one attempt tell so far: the run's status and its jobs, by key."""

    def __init__(self, record: RunRecord) -> None:
        self.jobs: dict[str, JobEntry] = {}
        self.status: RunStatus = "queued"
        self.conclusion: Conclusion | None = None
        self.updated_at = record.created_at
        self._attempt = record.attempt
        self._run = record.id
        self._legs: dict[str, Leg] = {}
        self._steps: dict[str, dict[int, StepEntry]] = {}

    def take(self, fact: RunFact) -> None:
        """One more fact, in order."""
        match fact:
            case RunStarted():
                self.status = "in_progress"
            case ConcurrencyWaiting(job=None):
                self.status = "pending"
            case ConcurrencyGranted(job=None):
                self.status = "queued"
            case RunFinished():
                self.status, self.conclusion = "completed", fact.conclusion
            case JobsKept():
                for kept in fact.jobs:
                    self._keep(kept, fact.at)
            case JobExpanded():
                self._legs.update({leg.key: leg for leg in fact.legs})
            case JobQueued() | JobStarted() | JobFinished():
                self._take_job(fact)
            case StepStarted() | StepFinished():
                self._take_step(fact)
            case _:
                return
        self.updated_at = fact.at

    def _take_job(self, fact: JobQueued | JobStarted | JobFinished) -> None:
        job = self.jobs.get(fact.job)
        match fact:
            case JobQueued():
                leg = self._legs.get(fact.job)
                self.jobs[fact.job] = JobEntry(
                    id=number_leased(fact.lease),
                    key=fact.job,
                    name=fact.job if leg is None else leg.name,
                    status="queued",
                    created_at=fact.at,
                    labels=() if leg is None else leg.runs_on,
                    attempt=self._attempt,
                )
            case JobStarted() if job is not None:
                self.jobs[fact.job] = msgspec.structs.replace(
                    job, name=fact.name, status="in_progress", started_at=fact.at, runner=fact.runner
                )
            case JobFinished():
                self._finish(fact, job)
            case _:
                pass  # a call: what it calls has jobs of its own

    def _finish(self, fact: JobFinished, job: JobEntry | None) -> None:
        if job is None:
            leg = self._legs.get(fact.job)
            if leg is not None and leg.inputs is not None and fact.outcome != "skipped":
                return  # a call
            job = JobEntry(
                id=number_unleased(int(self._run), self._attempt, len(self.jobs)),
                key=fact.job,
                name=fact.name,
                status="queued",
                created_at=fact.at,
                labels=() if leg is None else leg.runs_on,
                attempt=self._attempt,
            )
        self.jobs[fact.job] = msgspec.structs.replace(
            job,
            name=fact.name,
            status="completed",
            conclusion=fact.outcome,
            completed_at=fact.at,
            reason=fact.reason or "",
        )

    def _take_step(self, fact: StepStarted | StepFinished) -> None:
        job = self.jobs.get(fact.job)
        if job is None:
            return
        steps = self._steps.setdefault(fact.job, {})
        known = steps.get(fact.number)
        if isinstance(fact, StepStarted) or known is None:  # one that was skipped has never begun
            known = StepEntry(
                number=fact.number, name=fact.name, status="in_progress", started_at=fact.at, id=fact.step
            )
        if isinstance(fact, StepFinished):
            known = msgspec.structs.replace(
                known, name=fact.name, status="completed", conclusion=fact.conclusion, completed_at=fact.at
            )
        steps[fact.number] = known
        self.jobs[fact.job] = msgspec.structs.replace(job, steps=tuple(steps[key] for key in sorted(steps)))

    def _keep(self, kept: KeptJob, at: datetime) -> None:
        leg = kept.leg
        if leg is not None and leg.inputs is not None:
            return
        if leg is not None:
            self._legs[kept.key] = leg
        self.jobs[kept.key] = JobEntry(
            id=number_unleased(int(self._run), self._attempt, len(self.jobs)),
            key=kept.key,
            name=kept.key if leg is None else leg.name,
            status="completed",
            conclusion=kept.outcome,
            created_at=kept.started_at or at,
            started_at=kept.started_at,
            completed_at=kept.finished_at or at,
            labels=() if leg is None else leg.runs_on,
            attempt=kept.attempt,
        )


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Any, *path: str) -> str:
    found = _at(value, *path)
    return found if isinstance(found, str) else ""

"""Folds what a run has remembered of itself into the checks of its commit: one a job, named as GitHub names it.

Source: GitHub docs, "About status checks" and "Using pre-written building blocks: reusable workflows" (`caller / callee`); a job that
calls a workflow has no check of its own, its inner jobs do, unless it never came to that.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from homeport.plan.model import Plan
from homeport.ports.directory import HostedRepository
from homeport.ports.forge import OPEN, CheckAnnotation, CheckDetails, Status, Verdict
from homeport.ports.repositories import RunRecord
from homeport.rest.journal import head_sha_of
from homeport.run.facts import (
    AnnotationRaised,
    JobExpanded,
    JobFinished,
    JobQueued,
    JobsKept,
    JobStarted,
    RunFact,
    RunFinished,
    SummaryWritten,
)
from homeport.run.job_numbers import number_leased

OPEN_WORDS = "In progress"
"""The description while a job is not finished. One for all of it: statuses cost requests, of which forges allow so many an hour."""
_SHADOW_PREFIX = "Homeport / "
_LONGEST_CONTEXT = 255
_NOWHERE = ".github"
"""Where GitHub puts annotations that name no file."""
_MOST_ANNOTATIONS = 500


class _Check(msgspec.Struct):
    """One job so far."""

    name: str
    verdict: Verdict = "queued"
    lease: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    words: str = OPEN_WORDS


class JobReference(msgspec.Struct, frozen=True):
    """Which job a status is about."""

    run: str
    attempt: int
    job: str

    def write(self) -> str:
        """As text."""
        return f"job/{self.run}/{self.attempt}/{self.job}"

    @classmethod
    def read(cls, text: str) -> "JobReference | None":
        """None for what is about something else."""
        kind, _, rest = text.partition("/")
        run, _, rest = rest.partition("/")
        attempt, _, job = rest.partition("/")
        return cls(run, int(attempt), job) if kind == "job" and attempt.isdigit() and job else None


class AttemptChecks:
    """The checks of one attempt. `previous` is the attempt before: what it reported of jobs that run again is open once more."""

    def __init__(
        self,
        repository: HostedRepository,
        record: RunRecord,
        plan: Plan,
        url: str,
        previous: "AttemptChecks | None" = None,
    ) -> None:
        self.is_finished = False
        self._record = record
        self._prefix = make_prefix(repository, plan.workflow.name, plan.event.name)
        self._sha = head_sha_of(plan.event)
        self._page = f"{url}/{quote(repository.full_name)}/actions/runs/{record.id}"
        self._checks: dict[str, _Check] = {}
        self._kept: set[str] = set()
        self._calls: set[str] = set()
        self._begun_calls: set[str] = set()
        self._untouched: set[str] = set()
        if previous is not None:
            self._checks = {key: _Check(check.name) for key, check in previous._checks.items()}
            self._untouched = set(self._checks)
        self._changed: dict[str, None] = dict.fromkeys(self._checks)

    def feed(self, fact: RunFact) -> None:
        """One more fact, in order."""
        match fact:
            case JobsKept():
                for kept in fact.jobs:
                    self._kept.add(kept.key)
                    self._checks.pop(kept.key, None)
                    self._changed.pop(kept.key, None)
            case JobExpanded():
                self._expand(fact)
            case JobQueued() if fact.job in self._checks:
                self._checks[fact.job].lease = fact.lease
                self._touch(fact.job)
            case JobStarted() if fact.job in self._calls:
                self._begun_calls.add(fact.job)
            case JobStarted() if fact.job in self._checks:
                check = self._checks[fact.job]
                check.name, check.verdict, check.started_at = fact.name, "running", fact.at
                self._touch(fact.job)
            case JobFinished() if fact.job not in self._begun_calls:
                self._finish(fact)
            case RunFinished():
                self._conclude(fact)
            case _:
                pass

    def take_changes(self) -> Sequence[tuple[str, Status]]:
        """The checks that are not as they were when this was last called, each with its job's key."""
        changed = [(key, self._status(key, self._checks[key])) for key in self._changed if key in self._checks]
        self._changed.clear()
        return changed

    def _expand(self, fact: JobExpanded) -> None:
        for leg in fact.legs:
            if leg.inputs is not None:
                self._calls.add(leg.key)
            elif leg.key not in self._kept:
                self._checks[leg.key] = _Check(leg.name)
                self._touch(leg.key)

    def _finish(self, fact: JobFinished) -> None:
        check = self._checks.setdefault(fact.job, _Check(fact.name))
        check.name, check.verdict, check.completed_at = fact.name, fact.outcome, fact.at
        check.words = _describe(fact, check.started_at)
        self._touch(fact.job)

    def _conclude(self, fact: RunFinished) -> None:
        """What was reported by the attempt before and did not come up in this one is not left open."""
        self.is_finished = True
        for key in sorted(self._untouched):
            check = self._checks.get(key)
            if check is not None and check.verdict in OPEN:
                check.verdict, check.completed_at = "skipped", fact.at
                check.words = f"Not part of attempt {self._record.attempt}"
                self._changed[key] = None

    def _touch(self, key: str) -> None:
        self._untouched.discard(key)
        self._changed[key] = None

    def _status(self, key: str, check: _Check) -> Status:
        number = number_leased(check.lease) if check.lease else 0
        return Status(
            sha=self._sha,
            context=make_context(self._prefix, check.name),
            verdict=check.verdict,
            description=check.words,
            target_url=f"{self._page}/job/{number}" if number else self._page,
            started_at=check.started_at,
            completed_at=check.completed_at,
            reference=JobReference(self._record.id, self._record.attempt, key).write(),
        )


def make_prefix(repository: HostedRepository, workflow: str, event: str) -> str:
    """What stands before the names of a repository's checks. `{workflow}` and `{event}` in the setting are filled in. In shadow mode, where
    the forge runs the same workflows and reports them by the same names, there is always one.
    """
    settings = repository.settings
    prefix = settings.status_prefix or (_SHADOW_PREFIX if settings.is_shadow else "")
    return prefix.replace("{workflow}", workflow).replace("{event}", event)


def make_context(prefix: str, name: str) -> str:
    """The name of a check: printable, on one line, no longer than forges take."""
    text = "".join(character if character.isprintable() else " " for character in prefix + name)
    return text.strip()[:_LONGEST_CONTEXT] or "job"


def gather_details(job: str, facts: Iterable[RunFact], description: str) -> CheckDetails:
    """What a job's check says beside its conclusion: its annotations, and the summaries of its steps."""
    annotations: list[CheckAnnotation] = []
    summaries: list[str] = []
    for fact in facts:
        if isinstance(fact, AnnotationRaised) and fact.job == job and len(annotations) < _MOST_ANNOTATIONS:
            annotations.append(_annotation(fact))
        elif isinstance(fact, SummaryWritten) and fact.job == job:
            summaries.append(fact.markdown)
    return CheckDetails(description, "\n\n".join(summaries), tuple(annotations))


def _annotation(fact: AnnotationRaised) -> CheckAnnotation:
    line = max(fact.line or 1, 1)
    return CheckAnnotation(
        path=fact.file or _NOWHERE,
        line=line,
        end_line=max(fact.end_line or line, line),
        column=fact.column,
        end_column=fact.end_column,
        level=fact.severity,
        message=fact.message,
        title=fact.title or "",
    )


def _describe(fact: JobFinished, started_at: datetime | None) -> str:
    """How it ended, in the words of GitHub's own checks."""
    took = "" if started_at is None else write_duration(fact.at - started_at)
    match fact.outcome:
        case "success":
            return f"Successful in {took}" if took else "Successful"
        case "failure":
            words = f"Failing after {took}" if took else "Failed"
            forgiven = " (continue-on-error)" if fact.conclusion != "failure" else ""
            return f"{words}{forgiven}: {_one_line(fact.reason)}" if fact.reason else f"{words}{forgiven}"
        case "cancelled":
            words = f"Cancelled after {took}" if took else "Cancelled"
            return f"{words}: {_one_line(fact.reason)}" if fact.reason else words
        case "skipped":
            return f"Skipped: {_one_line(fact.reason)}" if fact.reason else "Skipped"


def write_duration(span: timedelta) -> str:
    """As GitHub shows it: `5s`, `3m 2s`, `1h 0m 7s`."""
    minutes, seconds = divmod(max(int(span.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m {seconds}s"
    return f"{minutes}m {seconds}s" if minutes else f"{seconds}s"


def _one_line(text: str) -> str:
    return " ".join(text.split())

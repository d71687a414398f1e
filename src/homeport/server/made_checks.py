"""What forges are told of the checks that jobs have made themselves: as of jobs' own, under the name that the job gave.

A name that jobs of the commit have too is shared with them: the gravest counts, so a check that was made makes nothing green that is not.
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from homeport.ports.directory import HostedRepository
from homeport.ports.forge import CheckAnnotation, CheckDetails, Status, Verdict
from homeport.run.facts import Level
from homeport.server.job_checks import make_context, make_prefix
from homeport.store.tables.made_checks import MadeAnnotation, MadeCheck, MadeLevel
from homeport.store.tables.reports import JobReport

_KIND = "made"
_LEVELS: dict[MadeLevel, Level] = {"notice": "notice", "warning": "warning", "failure": "error"}
_VERDICTS: dict[str, Verdict] = {
    "queued": "queued",
    "requested": "queued",
    "waiting": "queued",
    "pending": "queued",
    "in_progress": "running",
    "success": "success",
    "neutral": "skipped",
    "skipped": "skipped",
    "failure": "failure",
    "timed_out": "failure",
    "action_required": "failure",
    "cancelled": "cancelled",
    "stale": "cancelled",
}
"""Neutral is what nobody has to look at, as a check that was skipped: forges have few words."""


def report_made_checks(
    repository: HostedRepository, checks: Iterable[MadeCheck], *, workflow: str, event: str, source: str, page: str
) -> list[JobReport]:
    """The newest of each name; `checks` come newest first. `source` is of the run that made them, `page` its page."""
    prefix = make_prefix(repository, workflow, event)
    newest: dict[tuple[str, str], MadeCheck] = {}
    for check in checks:
        newest.setdefault((check.sha, check.name.lower()), check)
    return [
        JobReport(
            source=f"{source}:{_KIND}/{name}",
            run=check.run,
            attempt=1,
            status=_make_status(check, make_context(prefix, check.name), page),
        )
        for (_, name), check in newest.items()
    ]


def read_reference(text: str) -> int | None:
    """The number of the check that a status is about; None for what is about something else."""
    kind, _, rest = text.partition("/")
    number = rest.partition("/")[0]
    return int(number) if kind == _KIND and number.isdigit() else None


def describe_made_check(check: MadeCheck, description: str) -> CheckDetails:
    """What it says beside its conclusion."""
    written = "\n\n".join(part for part in (check.summary, check.text) if part)
    return CheckDetails(check.title or description, written, tuple(_annotations(check.annotations)))


def _make_status(check: MadeCheck, context: str, page: str) -> Status:
    """What it says is a part of its reference: a check that says something else is told again."""
    digest = hashlib.sha256(msgspec.msgpack.encode(check)).hexdigest()[:16]
    words = check.title or (check.conclusion or check.status).replace("_", " ").capitalize()
    return Status(
        sha=check.sha,
        context=context,
        verdict=_VERDICTS[check.conclusion or check.status],
        description=" ".join(words.split()),
        target_url=check.details_url or f"{page}#check-{check.id}",
        started_at=check.started_at,
        completed_at=check.completed_at,
        reference=f"{_KIND}/{check.id}/{digest}",
    )


def _annotations(raised: Sequence[MadeAnnotation]) -> Iterable[CheckAnnotation]:
    for each in raised:
        yield CheckAnnotation(
            path=each.path,
            line=each.start_line,
            end_line=each.end_line,
            column=each.start_column,
            end_column=each.end_column,
            level=_LEVELS[each.annotation_level],
            message=each.message,
            title=each.title or "",
        )

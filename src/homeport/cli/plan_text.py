"""Shows plans to people: which workflows start, and their jobs as a graph."""

from collections.abc import Sequence

from homeport.event import Event
from homeport.language.expr.coercion import to_string
from homeport.plan.compare import Difference
from homeport.plan.model import NotStarted, Plan
from homeport.plan.outline import OutlinedJob

_MAX_LEGS = 4
"""More legs of one job than these are counted, not listed."""


def render_event(event: Event) -> str:
    """What happens: `push of refs/heads/main at 1a2b3c4d5e6f (with uncommitted changes)`."""
    commit = event.sha[:12] if event.sha.strip("0") else "no commit"
    dirty = ", with uncommitted changes" if event.dirty else ""
    made_up = f"\nmade up: {', '.join(event.made_up)}" if event.made_up else ""
    return f"{event.name} on {event.ref} at {commit}{dirty}, by {event.actor}{made_up}\n"


def render_plan(plan: Plan, jobs: Sequence[OutlinedJob]) -> str:
    """A workflow that starts: its name, its run's name, its claim, and its jobs with what they need."""
    lines = [f"{plan.workflow.name}  ({plan.workflow.file})"]
    if plan.run_name != plan.workflow.name:
        lines.append(f"  run: {plan.run_name}")
    if plan.concurrency is not None:
        cancels = ", cancels what is in progress" if plan.concurrency.cancel_in_progress else ""
        lines.append(f"  concurrency: {plan.concurrency.group}{cancels}")
    rows = [row for family in _group(jobs) for row in _render_family(family)]
    width = max((len(name) for name, _ in rows), default=0)
    lines += [f"  {name:{width}}  {text}".rstrip() for name, text in rows]
    return "\n".join(lines) + "\n"


def render_not_started(outcome: NotStarted) -> str:
    """A workflow that does not start, and why."""
    return f"{outcome.name}  ({outcome.workflow})\n  does not start: {outcome.reason}\n"


def render_differences(reference: str, differences: Sequence[Difference]) -> str:
    """What an edit changes, by workflow."""
    if not differences:
        return f"against {reference}: nothing changes in the plan\n"
    lines = [f"against {reference}:"]
    lines += [f"  {difference.workflow}: {difference.message}" for difference in differences]
    return "\n".join(lines) + "\n"


def _group(jobs: Sequence[OutlinedJob]) -> list[list[OutlinedJob]]:
    """The legs of one job together; those of calls stand between the legs' own inner jobs, so they stay apart."""
    groups: list[list[OutlinedJob]] = []
    for job in jobs:
        if groups and groups[-1][0].id == job.id and job.calls is None:
            groups[-1].append(job)
        else:
            groups.append([job])
    return groups


def _render_family(family: Sequence[OutlinedJob]) -> list[tuple[str, str]]:
    first = family[0]
    indent = "  " * first.id.count("/")
    if len(family) <= _MAX_LEGS:
        return [(f"{indent}{_branch(job)} {job.name}", _describe(job)) for job in family]
    legs = ", ".join(f"({_values(job)})" for job in family[: _MAX_LEGS - 1])
    name = f"{indent}{_branch(first)} {first.id.rpartition('/')[2]}: {len(family)} legs"
    return [(name, f"{_describe(first)} · {legs}, …")]


def _branch(job: OutlinedJob) -> str:
    return "├" if job.skipped is None else "┊"


def _values(job: OutlinedJob) -> str:
    return ", ".join(to_string(value) for value in (job.matrix or {}).values() if not isinstance(value, list | dict))


def _describe(job: OutlinedJob) -> str:
    parts = []
    if job.needs:
        parts.append(f"← {', '.join(need.rpartition('/')[2] for need in job.needs)}")
    if job.calls is not None:
        parts.append(f"calls {job.calls}")
    if job.runs_on or job.runner_group:
        parts.append(", ".join(job.runs_on) or f"group {job.runner_group}")
    if job.steps:
        parts.append(f"{len(job.steps)} step{'' if len(job.steps) == 1 else 's'}")
    if job.environment is not None:
        parts.append(f"environment {job.environment}")
    if not job.expanded and job.mistake is None:
        parts.append("legs are known when its needs are done")
    if job.mistake is not None:
        span = job.mistake.span
        parts.append(f"cannot run: {job.mistake.message} ({span.file}:{span.line}:{span.column})")
    if job.skipped is not None:
        parts.append(f"skipped: {job.skipped}")
    elif job.condition is not None:
        parts.append(f"if {job.condition}")
    return " · ".join(parts)

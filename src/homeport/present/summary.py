"""The last thing a run says: its jobs with their times, what failed and where, the critical path, and what to do next."""

from collections.abc import Mapping, Sequence

from homeport.present.run_view import JobView, RunsView, RunView
from homeport.present.words import (
    COLOURS,
    MARKS,
    SEVERITY_COLOURS,
    is_exit_notice,
    paint,
    seconds_between,
    show_duration,
    show_place,
)
from homeport.run.facts import AnnotationRaised, Conclusion

Needs = Mapping[str, Sequence[str]]
"""job id → the ids it needs (ids of nested calls joined by `/`)"""

_MOST_ANNOTATIONS = 10
_MOST_LEGS = 60
_TALK: dict[Conclusion, str] = {
    "success": "succeeded",
    "failure": "failed",
    "cancelled": "was cancelled",
    "skipped": "was skipped",
}


def render_summary(
    view: RunsView, needs: Mapping[str, Needs], *, colour: bool = False, failed_command: str = ""
) -> str:
    """All runs of an invocation. `needs` is by run id; `failed_command` re-runs what failed (shown only where something did).

    The last line says what was not carried out, where that was so: nobody should take a skipped job for a green one.
    """
    blocks = [_render_run(run, needs.get(run.id, {}), colour=colour) for run in view.runs.values()]
    blocks += [f"{paint('–', '2', colour)} {fact.workflow} did not start: {fact.reason}" for fact in view.not_started]
    failed = any(run.conclusion in ("failure", "cancelled") for run in view.runs.values())
    if failed and failed_command:
        blocks.append(f"Re-run just the failed part: {paint(failed_command, '1', colour)}")
    left_out = _left_out(view)
    if left_out:
        blocks.append(left_out)
    return "\n\n".join(blocks) + "\n"


def critical_path(run: RunView, needs: Needs) -> list[JobView]:
    """The chain of jobs that decided how long the run took: from the job that ended last, back over the need that ended last."""
    done = [
        (job.finished_at, job)
        for job in run.jobs.values()
        if job.started_at and job.finished_at and not job.is_call and job.kept_from is None
    ]
    path: list[JobView] = []
    candidates = done
    while candidates:
        path.append(max(candidates, key=lambda pair: pair[0])[1])
        wanted = needs.get(path[-1].job_id, ())
        candidates = [(end, job) for end, job in done if job not in path and _belongs(job.job_id, wanted)]
    return path[::-1]


def _belongs(job_id: str, wanted: Sequence[str]) -> bool:
    """Whether a job is one of these, or stands inside one of these calls."""
    return any(job_id == need or job_id.startswith(f"{need}/") for need in wanted)


def _render_run(run: RunView, needs: Needs, *, colour: bool) -> str:
    conclusion = run.conclusion or "cancelled"
    seconds = seconds_between(run.queued_at, run.finished_at)
    title = f"{MARKS[conclusion]} {run.name} #{run.number}"
    attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
    after = f" in {show_duration(seconds)}" if seconds is not None else ""
    head = f"{paint(title, f'1;{COLOURS[conclusion]}', colour)} ({run.event}{attempt}) {_TALK[conclusion]}{after}"
    if run.cancel_reason:
        head += f": {run.cancel_reason}"
    rows = [head, *_render_jobs(run, colour=colour)]
    path = critical_path(run, needs)
    if len(path) > 1:
        links = (f"{job.name} {show_duration(seconds_between(job.started_at, job.finished_at) or 0)}" for job in path)
        rows.append(f"  critical path: {' → '.join(links)}")
    rows += _render_annotations(run, colour=colour)
    return "\n".join(rows)


def _render_jobs(run: RunView, *, colour: bool) -> list[str]:
    jobs = [job for job in run.jobs.values() if not job.is_call]
    shown = jobs if len(jobs) <= _MOST_LEGS else [job for job in jobs if job.conclusion != "success"]
    width = min(max((len(job.name) for job in shown), default=0), 60)
    rows = [_render_job(job, width, colour=colour) for job in shown]
    if len(shown) < len(jobs):
        rows.append(f"  {paint('✓', '32', colour)} and {len(jobs) - len(shown)} more that succeeded")
    return rows


def _render_job(job: JobView, width: int, *, colour: bool) -> str:
    conclusion = job.conclusion or "cancelled"
    seconds = seconds_between(job.started_at, job.finished_at)
    duration = show_duration(seconds) if seconds is not None else ""
    row = f"  {paint(MARKS[conclusion], COLOURS[conclusion], colour)} {job.name:<{width}}  {duration:>8}"
    if job.kept_from is not None:
        return f"{row}  kept from attempt {job.kept_from}"
    if job.outcome == "failure" and conclusion == "success":
        return f"{row}  failed, as allowed (continue-on-error){_why(job)}"
    return f"{row}{_why(job)}".rstrip()


def _why(job: JobView) -> str:
    step = job.failed_step
    if job.reason:
        return f"  {job.reason}"
    if step is None or job.outcome == "success":
        return ""
    code = (
        f" with exit code {step.exit_code}" if step.exit_code else ""
    )  # 0: something else failed it, which is annotated
    return f"  step {step.number} '{step.name}' failed{code}"


def _render_annotations(run: RunView, *, colour: bool) -> list[str]:
    of_jobs = (annotation for job in run.jobs.values() for annotation in job.annotations)
    raised = [annotation for annotation in (*run.annotations, *of_jobs) if not is_exit_notice(annotation.message)]
    raised.sort(key=lambda annotation: ("error", "warning", "notice").index(annotation.severity))
    counts: dict[str, int] = {}
    for annotation in raised:
        row = _render_annotation(annotation, colour=colour)
        counts[row] = counts.get(row, 0) + 1
    rows = [row if count == 1 else f"{row} (×{count})" for row, count in counts.items()]
    if len(rows) > _MOST_ANNOTATIONS:
        rows[_MOST_ANNOTATIONS:] = [f"  and {len(rows) - _MOST_ANNOTATIONS} more annotations"]
    return rows


def _render_annotation(annotation: AnnotationRaised, *, colour: bool) -> str:
    severity = paint(annotation.severity, SEVERITY_COLOURS[annotation.severity], colour)
    place = show_place(annotation)
    title = f"{annotation.title}: " if annotation.title else ""
    message = annotation.message.splitlines()[0] if annotation.message else ""
    return f"  {severity}: {f'{place}: ' if place else ''}{title}{message}"


def _left_out(view: RunsView) -> str:
    """What did not run although nothing in the workflow kept it from running: said last, so that it is read."""
    jobs = [job for run in view.runs.values() for job in run.jobs.values()]
    missing = [job.name for job in jobs if job.conclusion == "skipped" and (job.reason or "").startswith("no runner")]
    if not missing:
        return ""
    return f"Not run, for want of a runner: {', '.join(missing)}"

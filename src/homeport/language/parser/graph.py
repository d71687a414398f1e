"""The graph of `needs`: every need must be a job, and every job must be reachable.

Source: actions/runner `WorkflowTemplateConverter.ConvertToJobs`, which starts jobs in rounds and complains of what never starts.
"""

from collections.abc import Sequence

from homeport.diagnostics.span import Span
from homeport.language.names import quote
from homeport.language.nodes import CallJob, Job, Need
from homeport.language.parser.findings import Findings

_CODE = "job-needs"
_MOST_TRACED = 50
"""Among more jobs than this that never start, the circle itself is not looked for: the search takes the square of their number."""


def check_needs(jobs: Sequence[Job | CallJob], span: Span, findings: Findings) -> None:
    """Report unknown and repeated needs, and jobs that never start. `span` is the place of `jobs`."""
    for job in jobs:
        _check_repeated(job, findings)
    if not any(not job.needs for job in jobs):
        message = (
            "no job can start: at least one job must have no 'needs'"
            if jobs
            else "there is no job; expected at least one"
        )
        findings.refuse(_CODE, span, message)
    ids = {job.id.lower(): job.id for job in jobs}
    waiting = _find_waiting(jobs)
    circles = _find_circles(waiting)
    for job in jobs:
        for need in job.needs:
            _report_need(job, need, ids, circles, findings)


def _check_repeated(job: Job | CallJob, findings: Findings) -> None:
    seen: set[str] = set()
    for need in job.needs:
        if need.job_id.lower() in seen:
            message = f"the job {quote(need.job_id)} is needed twice; ids are compared ignoring case"
            findings.report(_CODE, need.span, message, hint="remove one of them")
        seen.add(need.job_id.lower())


def _find_waiting(jobs: Sequence[Job | CallJob]) -> dict[str, list[str]]:
    """The jobs that never start, each with the needs that are never done; ids in lower case."""
    remaining = {job.id.lower(): dict.fromkeys(need.job_id.lower() for need in job.needs) for job in jobs}
    dependants: dict[str, list[str]] = {}
    for job_id, needed in remaining.items():
        for need in needed:
            dependants.setdefault(need, []).append(job_id)
    done = [job_id for job_id, needed in remaining.items() if not needed]
    while done:
        finished = done.pop()
        for job_id in dependants.get(finished, ()):
            del remaining[job_id][finished]
            if not remaining[job_id]:
                done.append(job_id)
    return {job_id: list(needed) for job_id, needed in remaining.items() if needed}


def _find_circles(waiting: dict[str, list[str]]) -> dict[str, list[str]]:
    """Of the jobs that never start, those that others of them wait for, again and again: what is left is in circles or between two."""
    needed_by = dict.fromkeys(waiting, 0)
    for needs in waiting.values():
        for need in needs:
            if need in needed_by:
                needed_by[need] += 1
    leaves = [job_id for job_id, count in needed_by.items() if count == 0]
    while leaves:
        for need in waiting[leaves.pop()]:
            if need in needed_by:
                needed_by[need] -= 1
                if needed_by[need] == 0:
                    leaves.append(need)
    return {job_id: needs for job_id, needs in waiting.items() if needed_by[job_id] > 0}


def _report_need(
    job: Job | CallJob, need: Need, ids: dict[str, str], circles: dict[str, list[str]], findings: Findings
) -> None:
    needed = need.job_id.lower()
    if needed not in ids:
        message = f"the job {quote(job.id)} needs {quote(need.job_id)}, which is not a job of this workflow"
        findings.refuse(_CODE, need.span, message, hint=findings.suggester.suggest(need.job_id, list(ids.values())))
    elif job.id.lower() in circles and needed in circles:
        if len(circles) > _MOST_TRACED:
            findings.refuse(
                _CODE,
                need.span,
                f"the job {quote(job.id)} needs {quote(need.job_id)}, and both are in a circle of needs",
            )
        elif path := _find_path(needed, job.id.lower(), circles):
            circle = " → ".join(ids[job_id] for job_id in (job.id.lower(), *path))
            findings.refuse(_CODE, need.span, f"the jobs need one another in a circle: {circle}")


def _find_path(start: str, goal: str, circles: dict[str, list[str]]) -> list[str] | None:
    """The shortest way from one job to another along their needs."""
    ways: dict[str, str | None] = {start: None}
    queue = [start]
    for job_id in queue:
        if job_id == goal:
            way: list[str] = []
            step: str | None = job_id
            while step is not None:
                way.append(step)
                step = ways[step]
            return way[::-1]
        for need in circles.get(job_id, ()):
            if need not in ways:
                ways[need] = job_id
                queue.append(need)
    return None

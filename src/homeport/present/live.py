"""The live picture of runs in progress: one row a job that matters now, times running, what each is doing."""

from collections.abc import Mapping
from datetime import datetime

from homeport.present.run_view import JobView, RunsView, RunView
from homeport.present.summary import Needs
from homeport.present.words import COLOURS, MARKS, fit, paint, seconds_between, show_duration, strip_ansi

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_A_SECOND = 8
_WIDEST_NAME = 40


def render_live(
    view: RunsView, needs: Mapping[str, Needs], now: datetime, *, width: int, height: int, colour: bool = True
) -> list[str]:
    """The rows of the picture, at most `height` of them, none wider than `width` columns (colours not counted).

    Where not all jobs fit, those that run stay, then those that failed, then the next to come; the rest is counted. `needs` (by
    run id) tells of the jobs that have not come up yet.
    """
    rows: list[str] = []
    for run in view.runs.values():
        room = max(3, height // len(view.runs))
        rows += _render_run(run, needs.get(run.id, {}), now, width=width, height=room, colour=colour)
    return rows[:height]


def _render_run(run: RunView, needs: Needs, now: datetime, *, width: int, height: int, colour: bool) -> list[str]:
    known = [job for job in run.jobs.values() if not job.is_call]
    jobs = [*known, *_coming(run, needs)]
    done = sum(job.status == "completed" for job in jobs)
    seconds = seconds_between(run.queued_at, run.finished_at or now) or 0
    progress = f"waits for {run.waits_for}" if run.waits_for else f"{done}/{len(jobs)} jobs"
    head = fit(f"{run.name} #{run.number} · {run.event} · {progress} · {show_duration(seconds)}", width)
    chosen = _choose(jobs, height - 2)
    names = min(max((len(job.name) for job in chosen), default=0), _WIDEST_NAME)
    rows = [paint(head, "1", colour)]
    rows += [_render_job(job, now, names, width=width, colour=colour) for job in chosen]
    if len(chosen) < len(jobs):
        rows.append(paint(fit(f"  … {len(jobs) - len(chosen)} more: {_count_rest(jobs, chosen)}", width), "2", colour))
    return rows


def _coming(run: RunView, needs: Needs) -> list[JobView]:
    """The top-level jobs that have not come up yet, with what they wait for."""
    if run.status == "completed":
        return []
    met = {job.job_id.partition("/")[0] for job in run.jobs.values()}
    return [
        JobView(key=job_id, job_id=job_id, name=job_id, waits_for=", ".join(needed))
        for job_id, needed in needs.items()
        if "/" not in job_id and job_id not in met
    ]


def _choose(jobs: list[JobView], room: int) -> list[JobView]:
    """The jobs to show, in their own order."""
    if len(jobs) <= room:
        return jobs
    order = {"running": 0, "paused": 0, "queued": 2, "waiting": 3}
    ranked = sorted(jobs, key=lambda job: order.get(job.status, 1 if job.conclusion == "failure" else 4))
    chosen = {job.key for job in ranked[: max(room, 1)]}
    return [job for job in jobs if job.key in chosen]


def _count_rest(jobs: list[JobView], chosen: list[JobView]) -> str:
    shown = {job.key for job in chosen}
    counts: dict[str, int] = {}
    for job in jobs:
        if job.key not in shown:
            word = job.conclusion or job.status
            counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _render_job(job: JobView, now: datetime, names: int, *, width: int, colour: bool) -> str:
    mark, code = _mark(job, now)
    seconds = seconds_between(job.started_at, job.finished_at or now)
    duration = show_duration(seconds) if seconds is not None else ""
    text = fit(f"{job.name:<{names}}  {duration:>7}  {_doing(job)}".rstrip(), width - 4)
    return f"  {paint(mark, code, colour)} {text if job.status != 'waiting' else paint(text, '2', colour)}"


def _mark(job: JobView, now: datetime) -> tuple[str, str]:
    if job.conclusion is not None:
        return MARKS[job.conclusion], COLOURS[job.conclusion]
    if job.status == "paused":
        return "‖", "33"
    if job.status == "running":
        frame = int(now.timestamp() * _FRAMES_A_SECOND) % len(_SPINNER)
        return _SPINNER[frame], "36"
    return "○", "2"


def _doing(job: JobView) -> str:
    """What a job is about: its step and the last thing that it printed, or what holds it back."""
    if job.status == "paused":
        return "paused: homeport retry goes on"
    if job.waits_for:
        return f"waits for {job.waits_for}"
    step = job.current_step
    if job.status != "running" or step is None:
        return job.reason or ""
    last = next((line for line in reversed(step.tail) if line.strip() and not line.startswith("##[")), "")
    return f"{step.name}  {strip_ansi(last).strip()}" if last else step.name

"""The jobs of a run as its page shows them: the written ones with their legs, in the order of the workflow, calls with what is inside."""

from collections.abc import Mapping, Sequence

from homeport.language import nodes
from homeport.language.tokens import StringToken, Text
from homeport.plan.model import Plan, PlannedJob, PlannedWorkflow
from homeport.present.html_graph import Cell, GraphJob
from homeport.present.html_words import state_of
from homeport.present.run_view import JobView, RunView
from homeport.present.words import seconds_between, show_duration

_WORST = ("failure", "forgiven", "cancelled", "running", "paused", "queued", "waiting", "success", "skipped")


def gather_jobs(plan: Plan, run: RunView, links: Mapping[str, str]) -> tuple[GraphJob, ...]:
    """What `lay_out` draws. `links` are the addresses of legs, by key."""
    by_id: dict[str, list[JobView]] = {}
    for job in run.jobs.values():
        by_id.setdefault(job.job_id, []).append(job)
    return _gather(plan.workflow, "", "", by_id, links)


def state_of_job(job: JobView) -> str:
    """Its one word: see `state_of`."""
    return state_of(job.status, job.conclusion, outcome=job.outcome)


def sum_up(states: Sequence[str]) -> str:
    """The state of many by that which matters most: what failed, then what goes on, then what succeeded."""
    return min(states, key=lambda state: _WORST.index(state) if state in _WORST else len(_WORST), default="waiting")


def _gather(
    workflow: PlannedWorkflow,
    scope_key: str,
    scope_id: str,
    by_id: Mapping[str, Sequence[JobView]],
    links: Mapping[str, str],
) -> tuple[GraphJob, ...]:
    jobs: list[GraphJob] = []
    for planned in workflow.jobs:
        written = planned.written
        key = f"{scope_key}/{written.id}" if scope_key else written.id
        job_id = f"{scope_id}/{written.id}" if scope_id else written.id
        legs = [job for job in by_id.get(job_id, ()) if job.key == key or job.key.startswith(f"{key} (")]
        if planned.called is not None and any(leg.is_call for leg in legs):
            jobs += [_show_call(planned, planned.called, leg, job_id, by_id, links) for leg in legs]
        else:
            jobs.append(_show_job(planned, legs, links))
    return tuple(jobs)


def _show_call(
    planned: PlannedJob,
    called: PlannedWorkflow,
    leg: JobView,
    job_id: str,
    by_id: Mapping[str, Sequence[JobView]],
    links: Mapping[str, str],
) -> GraphJob:
    """Each leg of a call is a box of its own; those that need the call are drawn from the first of them."""
    is_only = leg.key.endswith(planned.written.id)
    return GraphJob(
        id=planned.written.id if is_only else leg.key,
        name=leg.name.rsplit(" / ", 1)[-1],
        state=state_of_job(leg),
        needs=_needs(planned),
        inner=_gather(called, leg.key, job_id, by_id, links),
    )


def _show_job(planned: PlannedJob, legs: Sequence[JobView], links: Mapping[str, str]) -> GraphJob:
    cells = tuple(_show_leg(leg, links) for leg in legs)
    name = cells[0].name if len(cells) == 1 else _written_name(planned)
    return GraphJob(
        id=planned.written.id,
        name=name,
        state=sum_up([cell.state for cell in cells]),
        needs=_needs(planned),
        cells=cells or (Cell(name=name, state="waiting"),),
    )


def _show_leg(leg: JobView, links: Mapping[str, str]) -> Cell:
    seconds = seconds_between(leg.started_at, leg.finished_at)
    detail = show_duration(seconds) if seconds is not None else leg.waits_for
    return Cell(name=leg.name.rsplit(" / ", 1)[-1], state=state_of_job(leg), link=links.get(leg.key, ""), detail=detail)


def _written_name(planned: PlannedJob) -> str:
    """A matrix's own name is that of its legs before their values; an expression says nothing, so the id does."""
    name: Text | None = planned.written.name
    return name.value if isinstance(name, StringToken) else planned.written.id


def _needs(planned: PlannedJob) -> tuple[str, ...]:
    written: nodes.Job | nodes.CallJob = planned.written
    return tuple(need.job_id for need in written.needs)

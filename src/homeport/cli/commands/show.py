"""`homeport show`: one run with its jobs, steps and annotations."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from homeport.cli.chosen_stores import SERVER_OPTIONS, find_chosen_source, open_chosen
from homeport.cli.console import Console
from homeport.cli.errors import OK
from homeport.cli.needs import list_needs
from homeport.cli.options import FORMAT, Command, Options
from homeport.cli.references import ATTEMPT, REFERENCE_HELP, find_record
from homeport.ports.logs import LogStore
from homeport.ports.repositories import RunRecord
from homeport.present.failure import render_failed_step
from homeport.present.run_view import TAIL_LINES, JobView, RunsView, RunView, StepView, fold
from homeport.present.summary import render_summary
from homeport.run.facts import RunFact

COMMAND = Command(
    name="show",
    summary="one run: its jobs, steps and annotations",
    arguments="[RUN]",
    most=1,
    options=(ATTEMPT, *SERVER_OPTIONS, FORMAT),
    details=REFERENCE_HELP,
)


def main(options: Options, console: Console) -> int:
    """Show it, finished or not."""
    stores = open_chosen(options, console)
    reference = options.arguments[0] if options.arguments else None
    attempt = options.number("--attempt", 0) or None
    record = find_record(
        stores.runs, reference, console, attempt=attempt, find=lambda: find_chosen_source(options, console)
    )
    facts = list(stores.runs.facts(record.id, record.attempt))
    view = fold_run(record, facts)
    is_open = view.conclusion is None and stores.runs.is_open(record.id)
    if options.get("--format", "text") == "json":
        status = view.status if is_open or view.conclusion is not None else "lost"
        console.write(msgspec.json.encode(describe_run(record, view, status)) + b"\n")
        return OK
    colour = console.is_terminal and not console.environment.get("NO_COLOR")
    found = stores.runs.find(record.id, record.attempt)
    needs = {record.id: list_needs(found[1].workflow)} if found is not None else {}
    for job in view.jobs.values():
        if job.failed_step is not None:
            _recall_lines(stores.logs, record, job, job.failed_step)
            console.print(render_failed_step(job, job.failed_step, colour=colour) + "\n")
    console.write(render_summary(RunsView(runs={record.id: view}), needs, colour=colour).encode())
    used = list_actions(view)
    if used:
        console.print("\n".join(["\nactions:", *used]))
    return OK


def list_actions(view: RunView) -> list[str]:
    """What each action turned out to be: Homeport's own, or a commit of the published one."""
    versions = dict.fromkeys(
        (fact.name, fact.version) for job in view.jobs.values() for fact in job.versions if fact.kind == "action"
    )
    width = max((len(name) for name, _ in versions), default=0)
    return [f"  {name:{width}}  {version}" for name, version in versions if version]


def _recall_lines(logs: LogStore, record: RunRecord, job: JobView, step: StepView) -> None:
    """The journal has no lines: fetch the last ones of a step from its log."""
    lines = logs.read(record.id, record.attempt, job.key, step=step.id)
    step.tail = list(deque(_skip_header(line.text for line in lines), maxlen=TAIL_LINES))


def _skip_header(lines: Iterator[str]) -> Iterator[str]:
    """What follows the runner's own first group, which shows the script (`##[group]Run …` to `##[endgroup]`)."""
    first = next(lines, None)
    if first is None:
        return
    if first.startswith("##[group]"):
        for line in lines:
            if line == "##[endgroup]":
                break
    else:
        yield first
    yield from lines


def fold_run(record: RunRecord, facts: list[RunFact]) -> RunView:
    """What the facts of one attempt amount to."""
    view = RunView(id=record.id, workflow=record.workflow, number=record.number, attempt=record.attempt)
    for fact in facts:
        fold(view, fact)
    return view


def describe_run(record: RunRecord, view: RunView, status: str) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "id": record.id,
        "number": record.number,
        "attempt": record.attempt,
        "repository": record.repository,
        "workflow": record.workflow,
        "name": view.name,
        "run_name": view.run_name,
        "event": view.event,
        "status": status,
        "conclusion": view.conclusion,
        "cancel_reason": view.cancel_reason,
        "created_at": record.created_at,
        "started_at": view.started_at,
        "finished_at": view.finished_at,
        "jobs": [_describe_job(job) for job in view.jobs.values()],
        "annotations": view.annotations,
        "summaries": view.summaries,
    }


def _describe_job(job: JobView) -> dict[str, Any]:
    return {
        "job": job.key,
        "job_id": job.job_id,
        "name": job.name,
        "status": job.status,
        "conclusion": job.conclusion,
        "outcome": job.outcome,
        "reason": job.reason,
        "runner": job.runner,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "steps": [_describe_step(step) for step in job.steps],
        "annotations": job.annotations,
        "versions": job.versions,
    }


def _describe_step(step: StepView) -> dict[str, Any]:
    return {
        "step": step.id,
        "number": step.number,
        "name": step.name,
        "outcome": step.outcome,
        "conclusion": step.conclusion,
        "exit_code": step.exit_code,
        "reason": step.reason,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
    }

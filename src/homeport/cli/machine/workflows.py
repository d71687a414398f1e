"""Goes through the jobs of workflows, whatever would start them, and asks for each whether this machine can run it."""

from collections.abc import Iterator, Sequence

import msgspec

from homeport.cli.clock import SystemClock
from homeport.cli.local_event import EventRequest, make_event
from homeport.cli.machine.demands import Demands
from homeport.cli.machine.machine import Machine
from homeport.cli.machine.model import JobVerdict, Lack, WorkflowVerdict
from homeport.cli.machine.remedies import Remedy
from homeport.cli.workspace import Workspace
from homeport.event import Event
from homeport.language import nodes
from homeport.plan.files import ParsedFile, WorkflowFiles
from homeport.plan.model import Leg, Plan, PlannedWorkflow
from homeport.plan.outline import OutlinedJob, outline_plan
from homeport.plan.planner import plan_workflow


def judge(
    chosen: Sequence[ParsedFile], files: WorkflowFiles, workspace: Workspace, machine: Machine
) -> list[WorkflowVerdict]:
    """A verdict for each file but those that only others call: their jobs show where they are called. Raises `GitError`."""
    request = EventRequest(name="push", payload={}, ref=None, actor="doctor", now=SystemClock().now().isoformat())
    event = make_event(workspace, request)
    verdicts = [_judge_file(parsed, files, workspace, machine, event) for parsed in chosen]
    return [verdict for verdict in verdicts if verdict is not None]


def _judge_file(
    parsed: ParsedFile, files: WorkflowFiles, workspace: Workspace, machine: Machine, event: Event
) -> WorkflowVerdict | None:
    workflow = parsed.workflow
    if workflow is None or parsed.mistakes:
        return WorkflowVerdict(
            file=parsed.file, name=parsed.name, refused="GitHub would refuse it: see `homeport check`"
        )
    if [trigger.event for trigger in workflow.triggers] == ["workflow_call"]:
        return None
    # as if a push without any filter started it: what its jobs need does not hang on the event
    started = msgspec.structs.replace(workflow, triggers=(nodes.Trigger(event="push", span=workflow.span),))
    outcome = plan_workflow(started, event, load_called=files.load, can_fetch=False)
    if not isinstance(outcome, Plan):
        return WorkflowVerdict(file=parsed.file, name=parsed.name, refused="it cannot be planned: see `homeport plan`")
    return WorkflowVerdict(
        file=parsed.file, name=parsed.name, jobs=tuple(_judge_jobs(outcome, workspace.folder, machine))
    )


def _judge_jobs(plan: Plan, folder: str, machine: Machine) -> Iterator[JobVerdict]:
    written = dict(_list_written(plan.workflow, ""))
    families: dict[str, list[OutlinedJob]] = {}
    for outlined in outline_plan(plan):
        families.setdefault(outlined.id, []).append(outlined)
    for job_id, legs in families.items():
        job, workflow = written[job_id]
        if isinstance(job, nodes.CallJob):
            if legs[0].calls is not None and not job.uses.value.startswith("./"):
                yield _judge_remote_call(job_id, job, legs)
            continue
        demands = Demands(machine, folder, job, workflow.defaults)
        lacks = [lack for leg in legs for lack in (*_check_labels(leg, job, machine), *demands.list_lacks(leg))]
        notes = [note for leg in legs for note in demands.list_notes(leg)]
        name = job_id if len(legs) > 1 else legs[0].name
        yield JobVerdict(id=job_id, name=name, legs=len(legs), lacks=_once(lacks), notes=_once(notes))


def _list_written(
    workflow: PlannedWorkflow, prefix: str
) -> Iterator[tuple[str, tuple[nodes.Job | nodes.CallJob, PlannedWorkflow]]]:
    """Every job by its full id, those of called workflows too."""
    for job in workflow.jobs:
        job_id = f"{prefix}{job.written.id}"
        yield job_id, (job.written, workflow)
        if job.called is not None:
            yield from _list_written(job.called, f"{job_id}/")


def _judge_remote_call(job_id: str, job: nodes.CallJob, legs: list[OutlinedJob]) -> JobVerdict:
    span = job.uses.span
    note = Lack(
        message=f"it calls {job.uses.value}, whose needs are known when it is fetched", file=span.file, line=span.line
    )
    return JobVerdict(id=job_id, name=legs[0].name, legs=len(legs), notes=(note,))


def _check_labels(outlined: OutlinedJob, job: nodes.Job, machine: Machine) -> Iterator[Lack]:
    span = job.runs_on.span
    if outlined.mistake is not None:
        yield Lack(message=outlined.mistake.message, file=span.file, line=outlined.mistake.span.line)
        return
    if not outlined.expanded or any("${{" in label for label in outlined.runs_on):
        return
    leg = Leg(
        key=outlined.key,
        job_id=outlined.id,
        name=outlined.name,
        runs_on=outlined.runs_on,
        runner_group=outlined.runner_group,
    )
    why = machine.labels.find_refusal(leg)
    if why is not None:
        label = outlined.runs_on[0] if outlined.runs_on else f"group:{outlined.runner_group}"
        hint = f"homeport run --runner {label}=process (or --missing-runner skip)"
        yield Lack(message=why, file=span.file, line=span.line, remedy=Remedy("words", hint))


def _once(lacks: list[Lack]) -> tuple[Lack, ...]:
    return tuple(dict.fromkeys(lacks))

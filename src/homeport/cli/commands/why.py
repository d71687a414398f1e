"""`homeport why`: why a workflow or a job does or does not run, from the plan and from the last run."""

import msgspec

from homeport.cli.action_sources import ACTION_SOURCE
from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import OK, UsageError
from homeport.cli.loading import EVENT_OPTIONS, Preparation, prepare, read_request
from homeport.cli.options import FORMAT, Command, Options
from homeport.cli.stores import open_stores
from homeport.language.names import suggest
from homeport.plan.choice import Choice, Refused
from homeport.plan.model import NotStarted, Plan
from homeport.plan.outline import OutlinedJob, outline_plan
from homeport.ports.repositories import RunRepository
from homeport.run.facts import CancelRequested, JobFinished, RunFinished

COMMAND = Command(
    name="why",
    summary="why a workflow or a job does or does not run",
    arguments="[WORKFLOW|JOB]",
    most=1,
    options=(*EVENT_OPTIONS, ACTION_SOURCE, FORMAT),
    details=(
        "WORKFLOW is a file or a workflow's name, JOB a job's id, key or name; every workflow without it.\n\n"
        "  homeport why deploy --event push --ref develop"
    ),
)


class Last(msgspec.Struct, frozen=True):
    """How it was in the last run of the workflow."""

    run: str
    number: int
    conclusion: str | None
    """None while it runs, and where it was never concluded"""
    reason: str | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why one workflow (`job` None), or one job of it, would run or would not."""

    workflow: str
    job: str | None = None
    verdict: str
    """starts, does not start, refused · runs, skipped, cannot run, depends"""
    reason: str | None = None
    condition: str | None = None
    values: dict[str, str] = {}
    last: Last | None = None


def main(options: Options, console: Console) -> int:
    """Print the explanations. Raises `UsageError` where nothing is called by the name that was given."""
    request = read_request(options, console, now=SystemClock().now().isoformat())
    preparation = prepare(msgspec.structs.replace(request, workflows=()), console)
    runs = open_stores(console.environment).runs
    source = preparation.workspace.folder
    explanations = [
        msgspec.structs.replace(one, last=_find_last(runs, source, one))
        for one in _explain(preparation, next(iter(options.arguments), None))
    ]
    if options.get("--format", "text") == "json":
        console.write(msgspec.json.encode({"explanations": explanations}) + b"\n")
    else:
        event = preparation.event
        console.print(f"{event.name} on {event.ref}\n")
        heading = ""
        for explanation in explanations:
            if explanation.job is not None and explanation.workflow != heading:
                console.print(explanation.workflow)
            heading = explanation.workflow
            console.print(_render(explanation))
    return OK


# --- from the plan ---------------------------------------------------------------------------------------------------


def _explain(preparation: Preparation, wanted: str | None) -> list[Explanation]:
    """All workflows; or the one that is called so; or the jobs that are."""
    named = [choice for choice in preparation.choices if wanted is None or _is_called(choice, wanted)]
    if named:
        return [one for choice in named for one in _explain_workflow(choice, with_jobs=wanted is not None)]
    found = [one for choice in preparation.choices for one in _explain_jobs(choice) if _is_job(one, wanted or "")]
    if not found:
        workflows = [choice.parsed.name for choice in preparation.choices]
        jobs = [one.job for choice in preparation.choices for one in _explain_jobs(choice) if one.job is not None]
        known = list(dict.fromkeys((*workflows, *jobs)))
        raise UsageError(
            f"nothing is called '{wanted}'", suggest(wanted or "", known) or f"there are: {', '.join(known)}"
        )
    return found


def _is_called(choice: Choice, wanted: str) -> bool:
    file = choice.parsed.file
    return wanted.removeprefix("./") in {choice.parsed.name, file, file.rpartition("/")[2]}


def _is_job(explanation: Explanation, wanted: str) -> bool:
    """By key, by name, or by id, where a matrix has several legs."""
    key = (explanation.job or "").lower()
    return wanted.lower() in {key, key.partition(" (")[0]} or explanation.job == wanted


def _explain_workflow(choice: Choice, *, with_jobs: bool) -> list[Explanation]:
    file = choice.parsed.file
    match choice.outcome:
        case NotStarted(reason=reason):
            return [Explanation(workflow=file, verdict="does not start", reason=reason)]
        case Refused(diagnostics=diagnostics):
            first = diagnostics[0]
            place = f"{first.span.file}:{first.span.line}:{first.span.column}"
            return [Explanation(workflow=file, verdict="refused", reason=f"{place}: {first.message}")]
        case Plan():
            return [Explanation(workflow=file, verdict="starts"), *(_explain_jobs(choice) if with_jobs else [])]


def _explain_jobs(choice: Choice) -> list[Explanation]:
    file = choice.parsed.file
    match choice.outcome:
        case Plan() as plan:
            return [_explain_job(file, job) for job in outline_plan(plan)]
        case NotStarted() | Refused():
            whole = _explain_workflow(choice, with_jobs=False)[0]
            jobs = () if choice.parsed.workflow is None else choice.parsed.workflow.jobs
            reason = f"its workflow {'is refused' if whole.verdict == 'refused' else 'does not start'}: {whole.reason}"
            return [Explanation(workflow=file, job=job.id, verdict="skipped", reason=reason) for job in jobs]


def _explain_job(file: str, job: OutlinedJob) -> Explanation:
    verdict, reason = _judge(job)
    return Explanation(
        workflow=file, job=job.key, verdict=verdict, reason=reason, condition=job.condition, values=job.values
    )


def _judge(job: OutlinedJob) -> tuple[str, str | None]:
    if job.skipped is not None:
        return "skipped", job.skipped
    if job.mistake is not None:
        return "cannot run", job.mistake.message
    if job.condition is not None and "needs." in job.condition:
        return "depends", "its condition asks for the results of the jobs that it needs"
    return "runs", f"after {', '.join(job.needs)}" if job.needs else None


# --- from the last run -----------------------------------------------------------------------------------------------


def _find_last(runs: RunRepository, source: str, explanation: Explanation) -> Last | None:
    records = runs.list(source=source, workflow=explanation.workflow, limit=1)
    if not records:
        return None
    record = records[0]
    conclusion: str | None = None
    reason: str | None = None
    for fact in runs.facts(record.id, record.attempt):
        match fact:
            case RunFinished() if explanation.job is None:
                conclusion = fact.conclusion
            case CancelRequested() if explanation.job is None:
                reason = fact.reason
            case JobFinished(job=key) if key == explanation.job:
                conclusion, reason = fact.conclusion, fact.reason
            case _:
                pass
    return Last(record.id, record.number, conclusion, reason)


# --- for people ------------------------------------------------------------------------------------------------------


def _render(explanation: Explanation) -> str:
    subject = explanation.workflow if explanation.job is None else f"  {explanation.job}"
    reason = "" if explanation.reason is None else f": {explanation.reason}"
    lines = [f"{subject} {explanation.verdict}{reason}"]
    if explanation.condition is not None:
        lines.append(f"    if: {explanation.condition}")
    lines += [f"    {name} is {value}" for name, value in explanation.values.items()]
    if explanation.last is not None and explanation.last.conclusion is not None:
        because = "" if explanation.last.reason is None else f": {explanation.last.reason}"
        lines.append(f"    in the last run (#{explanation.last.number}): {explanation.last.conclusion}{because}")
    return "\n".join(lines)

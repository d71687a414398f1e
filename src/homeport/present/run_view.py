"""What people see of runs: facts folded into jobs, steps, annotations and times. Terminal, web page and JSON all fold the same way."""

from datetime import datetime
from typing import Literal

import msgspec

from homeport.run.facts import (
    AnnotationRaised,
    CancelRequested,
    Conclusion,
    ConcurrencyGranted,
    ConcurrencyWaiting,
    EnvironmentUrlSet,
    Fact,
    JobExpanded,
    JobFinished,
    JobPaused,
    JobQueued,
    JobResumed,
    JobsKept,
    JobStarted,
    JobStopRequested,
    LinesLogged,
    RunFact,
    RunFinished,
    RunQueued,
    RunStarted,
    StepFinished,
    StepStarted,
    SummaryWritten,
    VersionResolved,
    WorkflowNotStarted,
)

TAIL_LINES = 40
"""How many of a step's last lines a view keeps, to show them where the step failed."""

JobStatus = Literal["waiting", "queued", "running", "paused", "completed"]


class StepView(msgspec.Struct, kw_only=True):
    """One step so far."""

    id: str
    number: int
    name: str
    started_at: datetime
    finished_at: datetime | None = None
    outcome: Conclusion | None = None
    conclusion: Conclusion | None = None
    exit_code: int | None = None
    reason: str | None = None
    tail: list[str] = []
    """its last lines, without the header that shows the script"""
    in_header: bool = True


class JobView(msgspec.Struct, kw_only=True):
    """One leg, call or unexpanded job so far. `waits_for` says, in words, what holds it back."""

    key: str
    job_id: str
    name: str
    status: JobStatus = "waiting"
    waits_for: str = ""
    runner: str = ""
    lease: str = ""
    """of the runner that has it or had it, in this attempt"""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    conclusion: Conclusion | None = None
    outcome: Conclusion | None = None
    reason: str | None = None
    environment_url: str = ""
    steps: list[StepView] = []
    annotations: list[AnnotationRaised] = []
    versions: list[VersionResolved] = []
    is_call: bool = False
    kept_from: int | None = None
    """the attempt in which it ran, where a re-run did not run it again"""

    def find_step(self, step: str) -> StepView | None:
        """The latest step with this id (a retried one is there twice)."""
        return next((view for view in reversed(self.steps) if view.id == step), None)

    @property
    def current_step(self) -> StepView | None:
        """The newest step that has not finished."""
        return next((view for view in reversed(self.steps) if view.finished_at is None), None)

    @property
    def failed_step(self) -> StepView | None:
        """The first step that counts as failed."""
        return next((view for view in self.steps if view.conclusion == "failure"), None)


class RunView(msgspec.Struct, kw_only=True):
    """One run so far; jobs in the order in which they came up."""

    id: str
    workflow: str = ""
    name: str = ""
    run_name: str = ""
    event: str = ""
    number: int = 1
    attempt: int = 1
    status: Literal["queued", "waiting", "running", "completed"] = "queued"
    waits_for: str = ""
    conclusion: Conclusion | None = None
    cancel_reason: str | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    jobs: dict[str, JobView] = {}
    annotations: list[AnnotationRaised] = []
    summaries: list[SummaryWritten] = []


class RunsView(msgspec.Struct, kw_only=True):
    """Everything that one invocation, or one page, shows."""

    runs: dict[str, RunView] = {}
    not_started: list[WorkflowNotStarted] = []

    def fold(self, fact: Fact) -> None:
        """Take one more fact in. Facts of one run come in order; runs may interleave."""
        if isinstance(fact, WorkflowNotStarted):
            self.not_started.append(fact)
            return
        run = self.runs.get(fact.run)
        if run is None:
            run = self.runs[fact.run] = RunView(id=fact.run)
        fold(run, fact)


def fold(run: RunView, fact: RunFact) -> None:
    """Take one more fact of this run in."""
    match fact:
        case LinesLogged():
            _keep_tail(run, fact)
        case RunQueued() | RunStarted() | RunFinished() | CancelRequested():
            _fold_run(run, fact)
        case ConcurrencyWaiting() | ConcurrencyGranted():
            _fold_claim(run, fact)
        case StepStarted() | StepFinished():
            _fold_step(run, fact)
        case AnnotationRaised():
            (run.annotations if fact.job is None else _job(run, fact.job).annotations).append(fact)
        case SummaryWritten():
            run.summaries.append(fact)
        case JobsKept():
            _fold_kept(run, fact)
        case VersionResolved():
            _job(run, fact.job).versions.append(fact)
        case EnvironmentUrlSet():
            _job(run, fact.job).environment_url = fact.url
        case (
            JobExpanded() | JobQueued() | JobStarted() | JobFinished() | JobPaused() | JobResumed() | JobStopRequested()
        ):
            _fold_job(run, fact)
        case _:
            pass  # facts that change nothing people see while a run goes on


def _fold_run(run: RunView, fact: RunQueued | RunStarted | RunFinished | CancelRequested) -> None:
    match fact:
        case RunQueued():
            run.workflow, run.name, run.run_name, run.event = fact.workflow, fact.name, fact.run_name, fact.event
            run.number, run.attempt, run.queued_at = fact.number, fact.attempt, fact.at
        case RunStarted():
            run.status, run.started_at, run.waits_for = "running", fact.at, ""
        case RunFinished():
            run.status, run.conclusion, run.finished_at = "completed", fact.conclusion, fact.at
        case CancelRequested():
            run.cancel_reason = fact.reason


def _fold_claim(run: RunView, fact: ConcurrencyWaiting | ConcurrencyGranted) -> None:
    waits_for = f"group {fact.group}, held by {fact.holder}" if isinstance(fact, ConcurrencyWaiting) else ""
    if fact.job is not None:
        _job(run, fact.job).waits_for = waits_for
        return
    run.waits_for = waits_for
    if run.status in ("queued", "waiting"):
        run.status = "waiting" if waits_for else "queued"


def _fold_job(
    run: RunView, fact: JobExpanded | JobQueued | JobStarted | JobFinished | JobPaused | JobResumed | JobStopRequested
) -> None:
    match fact:
        case JobExpanded():
            for leg in fact.legs:
                view = run.jobs.pop(leg.key, None)  # put back where it stands among the others
                if view is None or view.kept_from is None:  # one leg may be kept while another runs again
                    view = JobView(key=leg.key, job_id=leg.job_id, name=leg.name)
                run.jobs[leg.key] = view
        case JobQueued():
            job = _job(run, fact.job)
            job.status, job.waits_for = "queued", "a free runner"
            job.lease, job.queued_at = fact.lease, fact.at
        case JobStarted():
            job = _job(run, fact.job)
            job.job_id, job.name, job.runner = fact.job_id, fact.name, fact.runner
            job.status, job.waits_for, job.started_at, job.is_call = "running", "", fact.at, not fact.runner
        case JobPaused():
            _job(run, fact.job).status = "paused"
        case JobResumed():
            _job(run, fact.job).status = "running"
        case JobStopRequested():
            _job(run, fact.job).waits_for = "its cleanup steps"
        case JobFinished():
            job = _job(run, fact.job)
            job.job_id, job.name, job.status, job.waits_for = fact.job_id, fact.name, "completed", ""
            job.conclusion, job.outcome, job.reason, job.finished_at = (
                fact.conclusion,
                fact.outcome,
                fact.reason,
                fact.at,
            )


def _fold_kept(run: RunView, fact: JobsKept) -> None:
    """What an earlier attempt concluded stays in sight, with the times of then."""
    for kept in fact.jobs:
        if kept.leg is not None:
            run.jobs[kept.leg.key] = JobView(
                key=kept.leg.key,
                job_id=kept.leg.job_id,
                name=kept.leg.name,
                status="completed",
                conclusion=kept.conclusion,
                outcome=kept.outcome,
                started_at=kept.started_at,
                finished_at=kept.finished_at,
                kept_from=kept.attempt,
                is_call=kept.leg.inputs is not None,
            )


def _fold_step(run: RunView, fact: StepStarted | StepFinished) -> None:
    job = _job(run, fact.job)
    step = job.find_step(fact.step)
    if isinstance(fact, StepStarted) or step is None:
        step = StepView(id=fact.step, number=fact.number, name=fact.name, started_at=fact.at)
        job.steps.append(step)
    if isinstance(fact, StepFinished):
        step.finished_at, step.outcome, step.conclusion = fact.at, fact.outcome, fact.conclusion
        step.exit_code, step.reason, step.name = fact.exit_code, fact.reason, fact.name


def _keep_tail(run: RunView, fact: LinesLogged) -> None:
    step = _job(run, fact.job).find_step(fact.step)
    if step is None:
        return
    text = _without_header(step, fact.text) if step.in_header else fact.text
    if text is not None:
        step.tail = [*step.tail, *text.rsplit("\n", TAIL_LINES)[-TAIL_LINES:]][-TAIL_LINES:]


def _without_header(step: StepView, text: str) -> str | None:
    """What follows the runner's own first group (`##[group]Run …` to `##[endgroup]`); None while it has not ended."""
    if not text.startswith("##[group]"):
        step.in_header = False
        return text
    _, ended, rest = text.partition("\n##[endgroup]")
    step.in_header = not ended
    return rest.removeprefix("\n") if rest else None


def _job(run: RunView, key: str) -> JobView:
    """The job's view; one that was never expanded (a skipped one) begins with its key as its name."""
    job = run.jobs.get(key)
    if job is None:
        job = run.jobs[key] = JobView(key=key, job_id=key, name=key)
    return job

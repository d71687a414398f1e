"""What it means for a run that a process is gone: the one that carried it out, or the runner of one of its jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime

from homeport.run.conclusion import conclude_job
from homeport.run.facts import (
    AnnotationRaised,
    CancelRequested,
    Conclusion,
    JobFinished,
    RunFact,
    StepFinished,
    StepStarted,
)
from homeport.run.state import JobState, RunState

LOSS = "the process that carried it out ended without concluding it"
RUNNER_LOSS = "the runner was not heard of any more: its machine or process ended, or cannot reach the server"


def facts_of_loss(run: RunState, facts: Sequence[RunFact], at: datetime) -> Sequence[RunFact]:
    """What the loss of its process means for a run: nothing more may begin, and what was running has failed."""
    running = [job for job in run.jobs.values() if job.status == "running"]
    queued = [job for job in run.jobs.values() if job.status == "queued"]
    lost: list[RunFact] = [CancelRequested(at=at, run=run.id, by="homeport", reason=LOSS, force=True)]
    lost += _end_steps(run, facts, {job.key for job in running}, LOSS, at)
    lost += [_end_job(run, job, "failure", LOSS, at) for job in running if _is_leg(job)]
    lost += [_end_job(run, job, "cancelled", LOSS, at) for job in queued if _is_leg(job)]
    return lost


def facts_of_lost_job(run: RunState, key: str, facts: Sequence[RunFact], at: datetime) -> Sequence[RunFact]:
    """What the loss of its runner means for a job: it has failed, or is cancelled where it was told to end anyway.

    Source: actions/runner and GitHub's pages say of such a job that the runner lost communication with the server.
    """
    job = run.jobs[key]
    outcome: Conclusion = "failure" if job.stop is None else "cancelled"
    return [
        *_end_steps(run, facts, {key}, RUNNER_LOSS, at),
        AnnotationRaised(at=at, run=run.id, job=key, step=None, severity="error", message=RUNNER_LOSS),
        _end_job(run, job, outcome, RUNNER_LOSS, at),
    ]


def _is_leg(job: JobState) -> bool:
    return job.leg is not None and bool(job.lease)


def _end_job(run: RunState, job: JobState, outcome: Conclusion, reason: str, at: datetime) -> JobFinished:
    leg = job.leg
    assert leg is not None
    return JobFinished(
        at=at,
        run=run.id,
        job=job.key,
        job_id=leg.job_id,
        name=leg.name,
        matrix=leg.matrix,
        conclusion=conclude_job(outcome, continue_on_error=leg.continue_on_error),
        outcome=outcome,
        reason=reason,
    )


def _end_steps(
    run: RunState, facts: Sequence[RunFact], jobs: Collection[str], reason: str, at: datetime
) -> Sequence[StepFinished]:
    begun: dict[tuple[str, str], StepStarted] = {}
    for fact in facts:
        if isinstance(fact, StepStarted):
            begun[fact.job, fact.step] = fact
        elif isinstance(fact, StepFinished):
            begun.pop((fact.job, fact.step), None)
    return [
        StepFinished(
            at=at,
            run=run.id,
            job=fact.job,
            step=fact.step,
            number=fact.number,
            name=fact.name,
            outcome="cancelled",
            conclusion="cancelled",
            reason=reason,
        )
        for fact in begun.values()
        if fact.job in jobs
    ]

"""Holds the outputs of a run's jobs to what GitHub allows all of them together: the job that goes beyond fails, visibly.

Source: GitHub docs, "Passing information between jobs" (50 MB a run, measured in UTF-16; the limit of one job is the runner's matter).
"""

from collections.abc import Mapping, Sequence

import msgspec

from homeport.run.conclusion import conclude_job
from homeport.run.facts import AnnotationRaised, JobFinished, RunnerFact
from homeport.run.state import RunState

MOST_BYTES = 50 * 1024 * 1024


def hold_to_limit(run: RunState, facts: Sequence[RunnerFact]) -> Sequence[RunnerFact]:
    """The facts of a report; a job's end whose outputs are too much is a failure without outputs, with an annotation before it."""
    if not any(isinstance(fact, JobFinished) and fact.outputs for fact in facts):
        return facts
    held: list[RunnerFact] = []
    for fact in facts:
        held += _fail(run, fact) if isinstance(fact, JobFinished) and _is_too_much(run, fact) else [fact]
    return held


def _is_too_much(run: RunState, fact: JobFinished) -> bool:
    known = sum(_measure(job.outputs) for job in run.jobs.values() if job.open_families is None and job.key != fact.job)
    return known + _measure(fact.outputs) > MOST_BYTES


def _measure(outputs: Mapping[str, str]) -> int:
    return sum(2 * (len(name) + len(value)) for name, value in outputs.items())


def _fail(run: RunState, fact: JobFinished) -> list[RunnerFact]:
    message = (
        f"The outputs of this run's jobs take more than {MOST_BYTES:,} bytes together (in UTF-16): those of this job are "
        "left out, and it fails"
    )
    leg = run.jobs[fact.job].leg
    outcome = "failure" if fact.outcome == "success" else fact.outcome
    ended = msgspec.structs.replace(
        fact,
        outcome=outcome,
        conclusion=conclude_job(outcome, continue_on_error=leg is not None and leg.continue_on_error),
        outputs={},
        reason=fact.reason or message,
    )
    raised = AnnotationRaised(at=fact.at, run=fact.run, job=fact.job, step=None, severity="error", message=message)
    return [raised, ended]

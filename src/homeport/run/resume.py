"""What has to be done again when another process goes on with a run: effects that were recorded, and may not have been carried out.

Every one of them is safe to repeat: claims and releases of groups, offers under the same lease, stops.
"""

from collections.abc import Iterator
from datetime import datetime

from homeport.plan.model import ConcurrencyClaim
from homeport.run.effects import ClaimConcurrency, Effect, OfferJob, ReleaseConcurrency, StopJob
from homeport.run.facts import ConcurrencyReleased, ConcurrencyRequested, JobQueued, JobStopRequested
from homeport.run.state import ClaimStatus, JobState, RunState


def list_unsettled(run: RunState, now: datetime) -> tuple[Effect, ...]:
    """The effects whose outcome the journal does not tell, in an order in which they can be carried out. Their facts are in the
    journal already, and are not to be recorded again.
    """
    effects: list[Effect] = []
    if run.plan.concurrency is not None:
        effects += _claim_again(run, None, run.plan.concurrency, run.claim, now)
    for job in run.jobs.values():
        effects += _settle_job(run, job, now)
    return tuple(effects)


def _settle_job(run: RunState, job: JobState, now: datetime) -> Iterator[Effect]:
    leg = job.leg
    if leg is None:
        return
    for claim in (leg.concurrency, leg.called_concurrency):
        if claim is not None:
            yield from _claim_again(run, job.key, claim, job.claims.get(claim.group, "none"), now)
    if job.lease and job.status in ("queued", "running"):
        yield OfferJob(JobQueued(at=now, run=run.id, job=job.key, lease=job.lease))
        if job.stop is not None:
            yield StopJob(JobStopRequested(at=now, run=run.id, job=job.key, reason=job.stop, force=job.forced))


def _claim_again(
    run: RunState, job: str | None, claim: ConcurrencyClaim, status: ClaimStatus, now: datetime
) -> Iterator[Effect]:
    match status:
        case "requested" | "waiting" | "granted":
            yield ClaimConcurrency(ConcurrencyRequested(at=now, run=run.id, job=job, group=claim.group), claim)
        case "released":
            yield ReleaseConcurrency(ConcurrencyReleased(at=now, run=run.id, job=job, group=claim.group))
        case "none":
            return

"""What must happen next, in the imperative. Every effect carries the fact that records it.

The coordinator appends `effect.fact` first and carries the effect out afterwards; as the fact is applied, `decide` never asks for
the same thing twice, and after a crash what was recorded but not carried out can be found in the state.
"""

import msgspec

from homeport.plan.model import ConcurrencyClaim
from homeport.run.facts import (
    AnnotationRaised,
    ConcurrencyReleased,
    ConcurrencyRequested,
    JobExpanded,
    JobFinished,
    JobQueued,
    JobSpared,
    JobStarted,
    JobStopRequested,
    RunFinished,
    RunStarted,
)


class Record(msgspec.Struct, frozen=True):
    """Nothing but the fact itself: a job skipped, expanded or concluded, a run started or finished, a mistake shown. A stop is
    recorded only for a call, whose inner jobs are stopped one by one.
    """

    fact: (
        RunStarted
        | JobExpanded
        | JobStarted
        | JobStopRequested
        | JobSpared
        | JobFinished
        | AnnotationRaised
        | RunFinished
    )


class OfferJob(msgspec.Struct, frozen=True):
    """Offer the leg `fact.job` to the runners. One that no runner here can take is concluded by the coordinator, with the reason."""

    fact: JobQueued


class StopJob(msgspec.Struct, frozen=True):
    """Withdraw the leg's offer, or tell its runner to stop (again, with force, where `fact.force`).

    A leg that no runner has started is concluded by the next decision; a runner that took it at this very moment holds a lease that
    is no longer open (`RunState.holds`), and what it reports is dropped.
    """

    fact: JobStopRequested


class ClaimConcurrency(msgspec.Struct, frozen=True):
    """Ask for a concurrency group; granted or waiting comes back as a fact, being replaced as `CancelRequested` or a stop."""

    fact: ConcurrencyRequested
    claim: ConcurrencyClaim


class ReleaseConcurrency(msgspec.Struct, frozen=True):
    """Give a group back, or leave its queue."""

    fact: ConcurrencyReleased


Effect = Record | OfferJob | StopJob | ClaimConcurrency | ReleaseConcurrency

"""Reports the beginning and the end of steps."""

from homeport.run.facts import StepFinished, StepStarted
from homeport.runner.ending import Ending
from homeport.runner.entries import Entry
from homeport.runner.session import JobSession


def report_start(session: JobSession, entry: Entry, name: str) -> None:
    """A step has begun."""
    session.reporter.add(
        StepStarted(
            at=session.clock.now(),
            run=session.order.run,
            job=session.order.leg.key,
            step=entry.id,
            number=entry.number,
            name=name,
        )
    )


def report_end(session: JobSession, entry: Entry, name: str, ending: Ending, outputs: dict[str, str]) -> None:
    """A step has ended, or was not come to. Facts hold no secrets, whatever outputs do."""
    mask = session.masker.mask_text
    session.reporter.add(
        StepFinished(
            at=session.clock.now(),
            run=session.order.run,
            job=session.order.leg.key,
            step=entry.id,
            number=entry.number,
            name=name,
            outcome=ending.outcome,
            conclusion=ending.conclusion,
            exit_code=ending.exit_code,
            outputs={key: mask(value) for key, value in outputs.items()},
            reason=ending.reason and mask(ending.reason),
        )
    )

"""What one invocation came to: its last words and its exit code."""

from collections.abc import Mapping

from homeport.cli.errors import FAILED, INTERRUPTED, OK, CommandError
from homeport.cli.interrupts import Interrupts
from homeport.cli.session import Onlookers, Session
from homeport.run.facts import Conclusion


def exit_code(conclusions: Mapping[str, Conclusion], interrupts: Interrupts) -> int:
    """Green is 0: every run succeeded, or had nothing to do."""
    if interrupts.count:
        return INTERRUPTED
    return OK if all(conclusion in ("success", "skipped") for conclusion in conclusions.values()) else FAILED


def finish(session: Session, onlookers: Onlookers) -> None:
    """Say the last word. Raises what went wrong in Homeport itself, and `CommandError` where the output could not be written."""
    onlookers.close()
    if session.faults:
        raise session.faults[0]
    if onlookers.problem is not None:
        raise CommandError(f"the output could not be written: {onlookers.problem.strerror}")

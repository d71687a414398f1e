"""What one invocation came to: its last words and its exit code."""

from collections.abc import Mapping

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.errors import FAILED, INTERRUPTED, OK, CommandError
from homeport.cli.home import find_home
from homeport.cli.interrupts import Interrupts
from homeport.cli.session import Onlookers, Session
from homeport.coordinator.surroundings import Stores
from homeport.ports.repositories import StoreError
from homeport.run.facts import Conclusion

PRUNED_EVERY = 10
"""Looking for runs to forget costs some milliseconds: it is done after one in so many."""


def exit_code(conclusions: Mapping[str, Conclusion], interrupts: Interrupts) -> int:
    """Green is 0: every run succeeded, or had nothing to do."""
    if interrupts.count:
        return INTERRUPTED
    return OK if all(conclusion in ("success", "skipped") for conclusion in conclusions.values()) else FAILED


def finish(session: Session, onlookers: Onlookers, stores: Stores, console: Console) -> None:
    """Say the last word, and tidy up now and then.

    Raises what went wrong in Homeport itself, and `CommandError` where the output could not be written.
    """
    onlookers.close()
    if any(int(run) % PRUNED_EVERY == 0 for run in session.conclusions):
        from homeport.store.artifacts_folder import FolderArtifacts  # noqa: PLC0415 - rarely needed
        from homeport.store.pruning import prune  # noqa: PLC0415

        home, clock = find_home(console.environment), SystemClock()
        try:
            FolderArtifacts(home, clock).sweep()
            prune(stores.runs, home, clock.now())
        except StoreError as error:
            console.say(f"homeport: warning: old runs could not be tidied up: {error}")
    if session.faults:
        raise session.faults[0]
    if onlookers.problem is not None:
        raise CommandError(f"the output could not be written: {onlookers.problem.strerror}")

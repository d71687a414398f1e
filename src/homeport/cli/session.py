"""Carries runs out in this process: the loop between runner threads, the coordinator, requests from outside, and who looks on."""

import select
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import Condition, Lock, Thread

from homeport.cli.interrupts import Interrupts
from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.peer import InProcessPeer
from homeport.ports.clock import Clock
from homeport.present.view import View
from homeport.run.facts import Conclusion, Fact, StepFinished

_TICK_MILLISECONDS = 100
"""How often clocks that are shown move, and groups that a dead process may have left are looked at."""
_LONGEST_WAIT_SECONDS = 10.0
"""A bound, should a report be lost with its run."""
YOU = "you"
_REASONS = {
    "SIGINT": "interrupted by ^C",
    "SIGTERM": "asked to terminate",
    "SIGHUP": "its terminal was closed",
    "SIGPIPE": "its output cannot be written any more",
}


class Onlookers:
    """A view that may go away, or be held back. A pipe that nobody reads any more ends the showing, not the cleanup of what runs."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._lock = Lock()
        self._came = Condition(self._lock)
        self._failures: set[tuple[str, str, int]] = set()
        self._held: list[Fact] | None = None
        self.is_gone = False
        self.problem: OSError | None = None
        """why the output could not be written, where that is not the reader's wish"""

    def feed(self, fact: Fact) -> None:
        """Show a fact, as long as somebody looks."""
        with self._lock:
            if self._held is not None:
                self._held.append(fact)
            else:
                self._guard(lambda: self._view.feed(fact))
            if isinstance(fact, StepFinished) and fact.outcome == "failure":
                self._failures.add((fact.run, fact.job, fact.number))
                self._came.notify_all()

    def tick(self, now: datetime) -> None:
        """Let time pass."""
        with self._lock:
            if self._held is None:
                self._guard(lambda: self._view.tick(now))

    def close(self) -> None:
        """Say the last word."""
        self._guard(self._view.close)

    def await_failure(self, run: str, job: str, number: int) -> None:
        """Wait until the end of a failed step has come, with all that it printed: a job's reports take a moment to get here."""
        failure = (run, job, number)
        with self._came:
            self._came.wait_for(lambda: failure in self._failures, timeout=_LONGEST_WAIT_SECONDS)
            self._failures.discard(failure)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Keep everything unseen for a while, and show it afterwards. Used by one thread at a time, which may be any."""
        with self._lock:
            self._held = []
            self._guard(self._view.step_aside)
        try:
            yield
        finally:
            with self._lock:
                held, self._held = self._held, None
                for fact in held:
                    self._guard(lambda fact=fact: self._view.feed(fact))  # type: ignore[misc]

    def _guard(self, show: Callable[[], None]) -> None:
        if self.is_gone:
            return
        try:
            show()
        except BrokenPipeError:
            self.is_gone = True
        except OSError as error:
            self.is_gone, self.problem = True, error


class Session:
    """The runs of one invocation. `start_runners` starts the thread that serves the peer; it ends when the peer says so."""

    def __init__(
        self,
        coordinator: Coordinator,
        peer: InProcessPeer,
        onlookers: Onlookers,
        clock: Clock,
        start_runners: Callable[[], Thread],
    ) -> None:
        self._coordinator = coordinator
        self._peer = peer
        self._onlookers = onlookers
        self._clock = clock
        self._start_runners = start_runners
        self.faults: list[BaseException] = []
        """what went wrong in runner threads: Homeport's own faults"""
        self._is_broken = False

    @property
    def conclusions(self) -> Mapping[str, Conclusion]:
        """How the runs ended, by id."""
        return self._coordinator.conclusions

    def note_fault(self, fault: BaseException) -> None:
        """Remember a fault whose job has failed by it. Safe to call from any thread."""
        self.faults.append(fault)

    def carry_out(self, interrupts: Interrupts) -> None:
        """Go on until no run is open. The first interrupt cancels the runs (their cleanup steps run), the second ends them at once.

        Raises `StoreError` where nothing more can be remembered; the jobs have been ended by then.
        """
        if not self._coordinator.open_runs:
            return
        former, threading.excepthook = threading.excepthook, self._note_death
        runners = self._start_runners()
        try:
            self._loop(interrupts)
        finally:
            self._coordinator.abandon()  # nothing is open, unless the loop was left by an error
            self._peer.end()
            runners.join()
            threading.excepthook = former

    def _note_death(self, death: threading.ExceptHookArgs) -> None:
        """A thread died in a way that no job can tell of: nothing can be relied on any more."""
        self.faults.append(death.exc_value or death.exc_type())
        self._is_broken = True
        self._peer.wake()

    def _loop(self, interrupts: Interrupts) -> None:
        heard = 0
        while self._coordinator.open_runs and not self._is_broken:
            ready = self._wait(interrupts)
            if interrupts.fileno() in ready:
                interrupts.drain()
            if interrupts.count > heard:
                heard = interrupts.count
                self._interrupt(interrupts.last, force=heard > 1)
            for report in self._peer.receive():
                self._coordinator.handle(report.lease, report.sequence, report.facts)
            for run, inbox in list(self._coordinator.inboxes.items()):
                if inbox.fileno() in ready:
                    self._coordinator.heed(run)
            if self._coordinator.is_waiting:
                self._coordinator.tick()
            if self._onlookers.is_gone and heard == 0:
                heard = 1
                self._interrupt("SIGPIPE", force=False)
            self._onlookers.tick(self._clock.now())

    def _wait(self, interrupts: Interrupts) -> set[int]:
        """Sleep until something happens, or a view wants to move its clocks."""
        poll = select.poll()
        for descriptor in (self._peer.fileno(), interrupts.fileno()):
            poll.register(descriptor, select.POLLIN)
        for inbox in self._coordinator.inboxes.values():
            poll.register(inbox.fileno(), select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(_TICK_MILLISECONDS)}

    def _interrupt(self, signal: str, *, force: bool) -> None:
        for run in self._coordinator.open_runs:
            self._coordinator.cancel(run, YOU, _REASONS.get(signal, signal), force=force)

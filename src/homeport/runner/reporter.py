"""Hands the facts of one job to its coordinator: in order, in numbered reports, several at a time."""

import threading

from homeport.ports.clock import Clock
from homeport.ports.peer import JobOrder, Peer
from homeport.run import facts
from homeport.run.facts import RunnerFact

WAIT_SECONDS = 0.03
"""A fact waits so long for others at most while a command runs: steps that take a millisecond are reported many at a time."""


class Reporter:
    """Thread-safe. `add` only remembers; `send` hands over, and blocks while the coordinator is behind."""

    def __init__(self, order: JobOrder, peer: Peer, clock: Clock) -> None:
        self._order = order
        self._peer = peer
        self._clock = clock
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._pending: list[RunnerFact] = []
        self._since = 0.0
        self._sequence = 0

    def add(self, fact: RunnerFact) -> None:
        """Keep a fact for the next report."""
        with self._lock:
            if not self._pending:
                self._since = self._clock.monotonic()
            self._pending.append(fact)

    def hasten(self) -> None:
        """Let what waits be sent as soon as a command runs: the coordinator has time for it then, and nobody waits for that."""
        self._since = 0.0

    @property
    def due_at(self) -> float | None:
        """When `send` should be called at the latest, on the monotonic clock; None where nothing waits."""
        return self._since + WAIT_SECONDS if self._pending else None

    def send(self) -> None:
        """Report everything that was added."""
        with self._sending:
            with self._lock:
                pending, self._pending = self._pending, []
            if pending:
                self._sequence += 1
                self._peer.report(self._order.lease, self._sequence, pending)

    def lines(self, step: str, text: str) -> None:
        """Whole lines of a step, already masked."""
        self.add(facts.LinesLogged(at=self._clock.now(), run=self._order.run, job=self.job, step=step, text=text))

    def annotation(
        self,
        severity: facts.Level,
        message: str,
        *,
        step: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        end_line: int | None = None,
        end_column: int | None = None,
        title: str | None = None,
    ) -> None:
        """A notice, warning or error, already masked."""
        self.add(
            facts.AnnotationRaised(
                at=self._clock.now(),
                run=self._order.run,
                job=self.job,
                step=step,
                severity=severity,
                message=message,
                file=file,
                line=line,
                column=column,
                end_line=end_line,
                end_column=end_column,
                title=title,
            )
        )

    @property
    def job(self) -> str:
        """The job's key."""
        return self._order.leg.key

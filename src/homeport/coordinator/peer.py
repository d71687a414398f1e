"""The conversation with runners that are threads of this process: a bounded queue, and a pipe for each stop signal."""

import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from homeport.ports.peer import JobOrder
from homeport.ports.stop_pipe import PipeStopSignal
from homeport.run.facts import JobFinished, RunnerFact, StopReason

_MOST_REPORTS = 32
"""How many reports may wait for the coordinator. A report of lines holds up to about 100 KiB, so this bounds the memory too."""


class Report(msgspec.Struct, frozen=True):
    """What a runner handed over."""

    lease: str
    sequence: int
    facts: Sequence[RunnerFact]


class _Lease:
    """One job between its offer and its end: for the coordinator (`is_open`), and for the thread that took it (`is_running`), which
    may come to its end later, where the job was concluded without it.
    """

    __slots__ = ("is_open", "is_running", "order", "resume_at", "secrets", "signal")

    def __init__(self, order: JobOrder, secrets: Mapping[str, str]) -> None:
        self.order = order
        self.secrets = secrets
        self.signal = PipeStopSignal()
        self.resume_at: deque[int] = deque()
        self.is_open = True
        self.is_running = False


class InProcessPeer:
    """A `Peer` for the runner's threads, and `Runners` for the coordinator; between them everything is passed under one lock.

    `fileno` becomes readable when there are reports; the coordinator's loop then calls `receive`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._resumed = threading.Condition(self._lock)
        self._offers: deque[_Lease] = deque()
        self._leases: dict[str, _Lease] = {}
        self._reports: deque[Report] = deque()
        self._is_ended = False
        self._is_signalled = False
        self._reading, self._writing = os.pipe()

    # --- the runner's side: any thread -----------------------------------------------------------------------------------

    def next_job(self) -> JobOrder | None:
        """The oldest offer."""
        with self._lock:
            while not self._offers:
                if self._is_ended:
                    return None
                self._work.wait()
            held = self._offers.popleft()
            held.is_running = True
            return held.order

    def stop_signal(self, lease: str) -> PipeStopSignal:
        """The signal of an open lease."""
        with self._lock:
            return self._leases[lease].signal

    def wait_for_retry(self, lease: str) -> int | None:
        """Sleeps until somebody retries or stops the job."""
        with self._lock:
            held = self._leases[lease]
            while not held.resume_at:
                if held.signal.reason is not None or self._is_ended:
                    return None
                self._resumed.wait()
            return held.resume_at.popleft()

    def secrets(self, lease: str) -> Mapping[str, str]:
        """What the coordinator lets this lease have."""
        with self._lock:
            return self._leases[lease].secrets

    def report(self, lease: str, sequence: int, facts: Sequence[RunnerFact]) -> None:
        """Waits while the coordinator is behind. What comes for a lease that is not open any more is dropped."""
        with self._lock:
            held = self._leases[lease]
            while held.is_open and len(self._reports) >= _MOST_REPORTS:
                self._room.wait()
            if held.is_open:
                self._reports.append(Report(lease, sequence, facts))
                self._signal()
            if any(isinstance(fact, JobFinished) for fact in facts):
                held.is_running = False
                self._close_unused(held)

    # --- the coordinator's side: one thread ------------------------------------------------------------------------------

    def offer(self, order: JobOrder, secrets: Mapping[str, str]) -> None:
        """Queue a job."""
        held = _Lease(order, secrets)
        with self._lock:
            self._leases[order.lease] = held
            self._offers.append(held)
            self._work.notify()

    def stop(self, lease: str, reason: StopReason, *, force: bool) -> None:
        """Take the offer back where no thread has it yet; else raise the signal."""
        with self._lock:
            held = self._leases.get(lease)
            if held is None:
                return
            if held in self._offers:
                self._offers.remove(held)
            held.signal.stop(reason, force=force)
            self._resumed.notify_all()

    def retry(self, lease: str, step: int) -> None:
        """Wake the job that waits."""
        with self._lock:
            held = self._leases.get(lease)
            if held is not None:
                held.resume_at.append(step)
                self._resumed.notify_all()

    def forget(self, lease: str) -> None:
        """Close the lease; a thread that still works on it is heard no more."""
        with self._lock:
            held = self._leases.get(lease)
            if held is not None and held.is_open:
                held.is_open = False
                self._room.notify_all()
                self._close_unused(held)

    def fileno(self) -> int:
        """Readable when there are reports."""
        return self._reading

    def receive(self) -> Sequence[Report]:
        """Everything that was reported meanwhile, oldest first. Never blocks."""
        with self._lock:
            if self._is_signalled:
                os.read(self._reading, 1)
                self._is_signalled = False
            reports = tuple(self._reports)
            self._reports.clear()
            self._room.notify_all()
        return reports

    def wake(self) -> None:
        """Become readable although nothing was reported. Safe to call from any thread."""
        with self._lock:
            self._signal()

    def end(self) -> None:
        """No more jobs will come: `next_job` gives None, paused jobs give up."""
        with self._lock:
            self._is_ended = True
            self._work.notify_all()
            self._resumed.notify_all()

    def _signal(self) -> None:
        """One byte in the pipe says it, however much there is to hear."""
        if not self._is_signalled:
            self._is_signalled = True
            os.write(self._writing, b"!")

    def _close_unused(self, held: _Lease) -> None:
        """Give the signal's pipe back when neither side needs it: the report that ends a job is the last that its runner does."""
        if not held.is_open and not held.is_running:
            del self._leases[held.order.lease]
            held.signal.close()

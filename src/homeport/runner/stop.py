"""When a job or a step has to stop, and how a running command is made to: asked, told, and ended.

Sources: GitHub docs, "Workflow cancellation reference" and actions/runner `ProcessInvoker` (interrupt, 7.5 s, terminate, 2.5 s, kill);
`StepsRunner` (the running step's condition is asked again when its job is cancelled).
"""

import os
from collections.abc import Callable
from typing import Literal

from homeport.ports.clock import Clock
from homeport.ports.peer import StopSignal

INTERRUPT_SECONDS = 7.5
TERMINATE_SECONDS = 2.5
LONGEST_WAIT_SECONDS = 0.25
"""Clocks and flags without a descriptor are looked at this often."""

StopCause = Literal["cancelled", "timed-out"]
Signal = Literal["interrupt", "terminate", "kill"]
_SIGNALS: tuple[tuple[float, Signal], ...] = (
    (0.0, "interrupt"),
    (INTERRUPT_SECONDS, "terminate"),
    (INTERRUPT_SECONDS + TERMINATE_SECONDS, "kill"),
)


class JobStop:
    """Whether the job has to end, because somebody said so or because its time is over. Read by all threads of the job.

    Once it has to, cleanup steps may still run until `cleanup_ends_at`, or not at all (`is_forced`).
    """

    def __init__(self, signal: StopSignal, clock: Clock, *, timeout_minutes: float, cleanup_minutes: float) -> None:
        self._signal = signal
        self._clock = clock
        self._ends_at = clock.monotonic() + timeout_minutes * 60
        self._cleanup_seconds = cleanup_minutes * 60
        self.cleanup_ends_at: float | None = None
        self.is_timeout = False

    @property
    def is_requested(self) -> bool:
        """Whether the job has to end; looks at signal and clock."""
        if self.cleanup_ends_at is None:
            now = self._clock.monotonic()
            self.is_timeout = now >= self._ends_at and self._signal.reason is None
            if self.is_timeout or self._signal.reason is not None:
                self.cleanup_ends_at = now + self._cleanup_seconds
        return self.cleanup_ends_at is not None

    @property
    def is_forced(self) -> bool:
        """Whether not even cleanup steps may run (any more)."""
        if not self.is_requested or self.cleanup_ends_at is None:
            return False
        return self._signal.forced or self._clock.monotonic() >= self.cleanup_ends_at

    @property
    def next_moment(self) -> float:
        """When time alone will change something."""
        return self._ends_at if self.cleanup_ends_at is None else self.cleanup_ends_at

    @property
    def signal(self) -> StopSignal:
        """What the coordinator says."""
        return self._signal


class StepStop:
    """Whether one step has to end, and which signal its command is due. Used by the step's thread; `cancel` by any.

    `may_go_on` says whether the step wants to run although its job is stopped (its condition, asked again).
    """

    def __init__(
        self, job: JobStop, clock: Clock, may_go_on: Callable[[], bool], outer: "StepStop | None" = None
    ) -> None:
        self._job = job
        self._clock = clock
        self._may_go_on = may_go_on
        self._outer = outer
        self._timeout_ends_at: float | None = None
        self._outlives_job = job.is_requested
        self._asked_to_cancel = False
        self._wake_read, self._wake_write = -1, -1
        self._since = 0.0
        self._sent = 0
        self.cause: StopCause | None = None

    def inside(self, may_go_on: Callable[[], bool]) -> "StepStop":
        """For a step inside of an action that this step uses: they share their time, and being cancelled by name."""
        return StepStop(self._job, self._clock, may_go_on, self)

    def limit(self, seconds: float) -> None:
        """Give the step this much time from now on."""
        self._timeout_ends_at = self._clock.monotonic() + seconds

    def make_cancellable(self) -> None:
        """Prepare for `cancel` from another thread."""
        self._wake_read, self._wake_write = os.pipe()

    def cancel(self) -> None:
        """Ask the step to end."""
        self._asked_to_cancel = True
        if self._wake_write >= 0:
            os.write(self._wake_write, b".")

    def close(self) -> None:
        """Release the descriptors."""
        if self._wake_read >= 0:
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._wake_read = self._wake_write = -1

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What becomes readable when `find_signal` has something new to say; each once."""
        if self._outer is not None:
            return self._outer.descriptors
        job = () if self._job.is_requested else (self._job.signal.fileno(),)
        return job if self._wake_read < 0 else (*job, self._wake_read)

    def find_cause(self) -> StopCause | None:
        """Why the step has to end, if it has to."""
        if self.cause is None:
            self.cause = self._find_cause()
            if self.cause is not None:
                self._since = self._clock.monotonic()
        return self.cause

    def _find_cause(self) -> StopCause | None:
        if self._asked_to_cancel or self._job.is_forced:
            return "cancelled"
        outer = self._outer
        if (
            outer is not None
            and outer.find_cause() is not None
            and (outer.is_out_of_time or outer.was_cancelled_by_name)
        ):
            return outer.cause
        if not self._outlives_job and self._job.is_requested:
            self._outlives_job = self._may_go_on()
            if not self._outlives_job:
                return "cancelled"
        if self._timeout_ends_at is not None and self._clock.monotonic() >= self._timeout_ends_at:
            return "timed-out"
        return None

    @property
    def is_out_of_time(self) -> bool:
        """Whether the step, or the one around it, has used up its time."""
        return self.cause == "timed-out"

    @property
    def was_cancelled_by_name(self) -> bool:
        """Whether a `cancel` step meant this step, or the one around it."""
        return self._asked_to_cancel or (self._outer is not None and self._outer.was_cancelled_by_name)

    def find_signal(self) -> Signal | None:
        """The signal that the command is due now; each is given once."""
        if self.find_cause() is None or self._sent == len(_SIGNALS):
            return None
        if self._job.is_forced:
            self._sent = len(_SIGNALS)
            return "kill"
        delay, signal = _SIGNALS[self._sent]
        if self._clock.monotonic() < self._since + delay:
            return None
        self._sent += 1
        return signal

    @property
    def wait_seconds(self) -> float:
        """How long a wait may last before `find_signal` must be asked again."""
        moment = self._job.next_moment
        for step in (self, self._outer):
            if step is not None and step._timeout_ends_at is not None and step.cause is None:
                moment = min(moment, step._timeout_ends_at)
        if self.cause is not None and self._sent < len(_SIGNALS):
            moment = min(moment, self._since + _SIGNALS[self._sent][0])
        return max(0.0, min(LONGEST_WAIT_SECONDS, moment - self._clock.monotonic()))

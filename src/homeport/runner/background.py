"""Steps that run beside the job's own thread, and the steps that wait for them or end them.

Source: actions/runner `BackgroundStepCoordinator`: at most ten at once, effects that wait, failures that surface where the step is
waited for, a cancelled step that does not count, a failed one that does.
"""

import os
import select
import threading
from collections.abc import Callable, Sequence

from homeport.runner.ending import Ending
from homeport.runner.frame import StepFrame
from homeport.runner.stop import LONGEST_WAIT_SECONDS, StepStop

MOST_AT_ONCE = 10
CANCELLED = Ending("cancelled", "cancelled")


class BackgroundStep:
    """One background step, from its start to where it was waited for."""

    def __init__(self, id_: str, frame: StepFrame) -> None:
        self.id = id_
        self.frame = frame
        self.ending: Ending | None = None
        self.is_awaited = False
        """its effects count, and so does its ending"""
        self.fault: BaseException | None = None
        """an error of Homeport's own, raised again in the job's thread"""

    @property
    def has_failed(self) -> bool:
        """Whether it makes fail what waits for it."""
        return self.ending is not None and self.ending.conclusion == "failure"


class BackgroundSteps:
    """The background steps of one job. Its methods are called in the job's thread."""

    def __init__(self) -> None:
        self._steps: dict[str, BackgroundStep] = {}
        self._places = threading.Semaphore(MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._done_read, self._done_write = -1, -1

    def start(self, step: BackgroundStep, carry_out: Callable[[BackgroundStep], Ending]) -> None:
        """Start it as soon as there is a place: `carry_out` is called in a thread of its own. One that is told to end while it waits
        needs no place: it ends without having started anything.
        """
        if self._done_read < 0:
            self._done_read, self._done_write = os.pipe()
            os.set_blocking(self._done_read, False)
        step.frame.stop.make_cancellable()
        self._steps[step.id.lower()] = step
        thread = threading.Thread(target=self._run, args=(step, carry_out), name=f"step-{step.id}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def add_ended(self, step: BackgroundStep, ending: Ending) -> None:
        """A background step that was skipped, or failed before it could start."""
        step.ending = ending
        self._steps[step.id.lower()] = step

    def find(self, ids: Sequence[str]) -> list[BackgroundStep]:
        """The steps of these ids, those that are there."""
        return [step for id_ in ids if (step := self._steps.get(id_.lower())) is not None]

    @property
    def unawaited(self) -> list[BackgroundStep]:
        """Those that nothing has waited for yet."""
        return [step for step in self._steps.values() if not step.is_awaited]

    def wait(self, steps: Sequence[BackgroundStep], stop: StepStop | None = None) -> None:
        """Until all have ended. When the waiting step itself has to stop, those it waits for are told to end."""
        while pending := [step for step in steps if step.ending is None]:
            self._await_one(stop)
            if stop is not None and stop.find_cause() is not None:
                self.tell_to_end(pending)
        for step in steps:
            if step.fault is not None:
                raise step.fault

    def tell_to_end(self, steps: Sequence[BackgroundStep]) -> None:
        """Interrupt, terminate, kill, as for any step; those that have ended are left alone."""
        with self._lock:
            for step in steps:
                if step.ending is None:
                    step.frame.stop.cancel()

    def close(self) -> None:
        """All have ended."""
        for thread in self._threads:
            thread.join()
        if self._done_read >= 0:
            os.close(self._done_read)
            os.close(self._done_write)

    def _run(self, step: BackgroundStep, carry_out: Callable[[BackgroundStep], Ending]) -> None:
        ending = CANCELLED
        try:
            if self._take_place(step):
                try:
                    ending = carry_out(step)
                finally:
                    self._places.release()
            else:
                ending = carry_out(step)
        except BaseException as error:  # not swallowed: `wait` raises it
            step.fault = error
        finally:
            with self._lock:
                step.ending = ending
                step.frame.stop.close()
            os.write(self._done_write, b".")

    def _take_place(self, step: BackgroundStep) -> bool:
        while not self._places.acquire(timeout=LONGEST_WAIT_SECONDS):
            if step.frame.stop.find_cause() is not None:
                return False
        return True

    def _await_one(self, stop: StepStop | None) -> None:
        poller = select.poll()
        poller.register(self._done_read, select.POLLIN)
        for descriptor in stop.descriptors if stop is not None else ():
            poller.register(descriptor, select.POLLIN)
        poller.poll(LONGEST_WAIT_SECONDS * 1000)
        try:
            os.read(self._done_read, 4096)
        except BlockingIOError:
            return

"""The stop signal of jobs that run in this process, for every kind of peer."""

import os

from homeport.run.facts import StopReason


class PipeStopSignal:
    """A `StopSignal`: the pipe is written once and never read, so it stays readable for whoever waits."""

    __slots__ = ("_forced", "_reading", "_reason", "_writing")

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._reason: StopReason | None = None
        self._forced = False

    @property
    def reason(self) -> StopReason | None:
        """Why the job is to stop."""
        return self._reason

    @property
    def forced(self) -> bool:
        """Whether cleanup steps are left out."""
        return self._forced

    def fileno(self) -> int:
        """The reading end."""
        return self._reading

    def stop(self, reason: StopReason, *, force: bool) -> None:
        """Stop, or stop harder. The reason is the first one given."""
        first = self._reason is None
        self._reason = self._reason or reason
        if force and not self._forced:
            self._forced = True
            first = True
        if first:
            os.write(self._writing, b"!")

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._reading)
        os.close(self._writing)

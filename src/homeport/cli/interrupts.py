"""Turns ^C and the other ways to ask a process to end into something that a loop can wait for."""

import os
import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Counts the requests to end, from `__enter__` to `__exit__`; `fileno` becomes readable with each. For the main thread.

    The third request ends the process at once: whoever asks three times does not want to wait for anything.
    """

    def __init__(self) -> None:
        self.count = 0
        self.last = ""
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._former: dict[int, object] = {}

    def __enter__(self) -> "Interrupts":
        for number in _SIGNALS:
            self._former[number] = signal.signal(number, self._note)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self._reading)
        os.close(self._writing)

    def fileno(self) -> int:
        """Readable when somebody asked."""
        return self._reading

    def drain(self) -> None:
        """Take note that it was read."""
        os.read(self._reading, 64)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.count += 1
        self.last = signal.Signals(number).name
        if self.count >= 3:
            os._exit(130)

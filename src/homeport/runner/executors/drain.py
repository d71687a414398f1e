"""Keeps reading what background processes print after their step has ended, so that they neither block nor die of a closed pipe."""

import os
import select
import threading


class Drain:
    """Reads and forgets. GitHub's runner loses such output too; a thread is started with the first pipe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._added: list[int] = []
        self._thread: threading.Thread | None = None
        self._wake_read = self._wake_write = -1
        self._closing = False

    def add(self, descriptor: int) -> None:
        """Take over the reading end of a pipe; it is closed when its writers are gone, or by `close`."""
        with self._lock:
            self._added.append(descriptor)
            if self._thread is None:
                self._wake_read, self._wake_write = os.pipe()
                self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
                self._thread.start()
            else:
                os.write(self._wake_write, b"+")

    def close(self) -> None:
        """Stop reading; what still writes gets a broken pipe."""
        with self._lock:
            if self._thread is None:
                return
            self._closing = True
            os.write(self._wake_write, b".")
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._wake_read, select.POLLIN)
        reading: set[int] = set()
        while not self._closing:
            self._take_over(poller, reading)
            for descriptor, _ in poller.poll():
                if descriptor == self._wake_read:
                    os.read(descriptor, 64)
                elif not _discard(descriptor):
                    poller.unregister(descriptor)
                    reading.remove(descriptor)
                    os.close(descriptor)
        for descriptor in (*reading, *self._added):
            os.close(descriptor)

    def _take_over(self, poller: "select.poll", reading: set[int]) -> None:
        with self._lock:
            added, self._added = self._added, []
        for descriptor in added:
            poller.register(descriptor, select.POLLIN)
            reading.add(descriptor)


def _discard(descriptor: int) -> bool:
    """Whether more may come."""
    try:
        return bool(os.read(descriptor, 65536))
    except BlockingIOError:
        return True

"""Ends a job's processes before it has filled the disk: an ordinary file system has no limit for one job, so free space is watched."""

import os
import select
import threading
from collections.abc import Callable

from homeport.runner.executors.sandbox.cgroups import show_size

_MILLISECONDS = 500


class DiskWatch:
    """Looks at the free space of the disk with a job's folders twice a second, from `start` to `close`."""

    def __init__(self, folder: str, spare: int) -> None:
        self._folder = folder
        free = find_free(folder)
        self._spare = spare if free > spare else free // 2
        self._found = False
        self._wake_read, self._wake_write = os.pipe()
        self._thread: threading.Thread | None = None

    def start(self, end_commands: Callable[[], None]) -> None:
        """Begin to watch; `end_commands` is called, from another thread, as often as there is too little space."""
        if self._spare:
            self._thread = threading.Thread(target=self._run, args=(end_commands,), name="disk-watch", daemon=True)
            self._thread.start()

    def find_breaches(self) -> tuple[str, ...]:
        """Whether processes were ended since the last call, as words for the user."""
        found, self._found = self._found, False
        if not found:
            return ()
        return (
            f"less than {show_size(self._spare)} were left on the disk, and its processes were ended (--limit spare=…)",
        )

    def close(self) -> None:
        """Look no more."""
        os.write(self._wake_write, b".")
        if self._thread is not None:
            self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self, end_commands: Callable[[], None]) -> None:
        poller = select.poll()
        poller.register(self._wake_read, select.POLLIN)
        while not poller.poll(_MILLISECONDS):
            if find_free(self._folder) < self._spare:
                self._found = True
                end_commands()


def find_free(folder: str) -> int:
    """Bytes that an ordinary user may still write there."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize

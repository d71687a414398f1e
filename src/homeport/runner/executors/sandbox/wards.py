"""What holds one job to its limits: control groups, limits of single processes, and the watch over the disk."""

import resource
import threading
from collections.abc import Callable, Mapping

from homeport.runner.executors.sandbox.cgroups import JobGroup
from homeport.runner.executors.sandbox.disk_watch import DiskWatch


class Wards:
    """Of one job: `hold` and `watch` when its first process is there, before that starts any; then `end`, then `close`. Thread-safe."""

    def __init__(self, group: JobGroup, watch: DiskWatch, process_limits: Mapping[int, int]) -> None:
        self._group = group
        self._watch = watch
        self._process_limits = process_limits
        self._lock = threading.Lock()

    def hold(self, pid: int) -> None:
        """Hold a process, and all that it starts from now on, to the limits. Raises `OSError`."""
        self._group.add(pid)
        for kind, value in self._process_limits.items():
            resource.prlimit(pid, kind, (value, value))

    def watch(self, end_commands: Callable[[], None]) -> None:
        """Begin to watch the disk."""
        self._watch.start(end_commands)

    def find_breaches(self) -> tuple[str, ...]:
        """Which limits were hit since the last call, as words for the user."""
        with self._lock:
            return (*self._group.find_breaches(), *self._watch.find_breaches())

    def end(self) -> None:
        """Look no more: the job's processes are about to be ended."""
        self._watch.close()

    def close(self) -> None:
        """Remove the groups. All processes must have ended. Raises `OSError`."""
        self._group.close()

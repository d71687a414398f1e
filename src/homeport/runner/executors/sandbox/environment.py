"""The surroundings of one sandboxed job: its commands are started by the supervisor inside, and all end with it."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from homeport.ports.executor import Command, Inside, JobPaths, Process
from homeport.runner.executors.drain import Drain
from homeport.runner.executors.sandbox.cell import Cell
from homeport.runner.executors.sandbox.launch import Launched
from homeport.runner.executors.sandbox.wards import Wards
from homeport.runner.folders import remove_tree

Build = Callable[[Sequence[str]], Launched]
"""Begins to build a sandbox on the job's folders, in which more paths can be read"""


class SandboxJobEnvironment:
    """The `WalledJobEnvironment` of a sandboxed job; used by the job's threads at the same time."""

    def __init__(
        self, paths: JobPaths, trusted_tools: str, base_environment: Mapping[str, str], build: Build, wards: Wards
    ) -> None:
        self.paths = paths
        self.trusted_paths = msgspec.structs.replace(paths, tool_cache=trusted_tools)
        self.base_environment = base_environment
        self._build = build
        self._wards = wards
        self._drain = Drain()
        self._cell = Cell(build(()), self._drain, self._prepare, self.find_breaches)
        self._pausing = threading.Lock()

    def start(self, command: Command) -> Process:
        """Start a command inside. Raises `OSError`: `FileNotFoundError` names the program or the working directory."""
        return self._cell.start_with(command, ())

    def read_file(self, path: str, most: int) -> bytes:
        """As the job sees it."""
        return self._cell.read_file(path, most)

    @contextmanager
    def open_inside(self, shown: Sequence[str]) -> Iterator[Inside]:
        """The job's own sandbox, or one beside it: the job's processes, which share its folders, stand still then."""
        if not shown:
            yield self._cell
            return
        with self._pausing:
            beside = Cell(self._build(shown), self._drain, self._wards.hold, self.find_breaches)
            self._cell.signal_all(signal.SIGSTOP)
            try:
                yield beside
            finally:
                beside.end()
                self._cell.signal_all(signal.SIGCONT)

    def find_breaches(self) -> tuple[str, ...]:
        """Which limits were hit since this was asked last."""
        return self._wards.find_breaches()

    def end_processes(self) -> tuple[str, ...]:
        """End the namespace, and with it everything in it."""
        from homeport.runner.executors import linux  # noqa: PLC0415 - at the end of a job

        self._wards.end()
        found = (linux.find_status(pid) for pid in linux.list_children(self._cell.init_pid) if self._cell.init_pid)
        names = tuple(status.name for status in found if status is not None and not status.is_zombie)
        self._cell.end()
        return names

    def close(self) -> None:
        """Release descriptors, remove groups and folders."""
        try:
            self.release()
        finally:
            remove_tree(self.paths.root)

    def release(self) -> None:
        """Descriptors and groups only."""
        self._drain.close()
        self._wards.close()

    def _prepare(self, pid: int) -> None:
        self._wards.hold(pid)
        self._wards.watch(lambda: self._cell.signal_all(signal.SIGKILL))

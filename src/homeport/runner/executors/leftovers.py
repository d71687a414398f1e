"""Knows the processes that jobs started, and ends those that outlive their job.

Source of the rule: actions/runner `JobExtension.FinalizeJob`, which ends whatever carries the job's `RUNNER_TRACKING_ID`. Found here
too are processes that cleared their environment, left their session, or did both.
"""

import os
import signal
import sys
import threading
import time

if sys.platform == "linux":
    from homeport.runner.executors import linux

_ROUNDS = 50
_ROUND_SECONDS = 0.1


class JobMark:
    """What tells the processes of one job."""

    __slots__ = ("assignment", "began_at", "groups", "root")

    def __init__(self, assignment: bytes, root: str, began_at: float) -> None:
        self.began_at = began_at
        self.assignment = assignment
        self.root = root
        self.groups: set[int] = set()


class Leftovers:
    """Of all jobs of one executor. `lock` must be held from before a command is started until `started` was called."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._running: set[int] = set()
        self._jobs: set[JobMark] = set()
        self._is_reaper = False

    def open_job(self, assignment: bytes, root: str) -> JobMark:
        """Begin to remember a job's processes."""
        began_at = time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else 0.0
        mark = JobMark(assignment, root, began_at)
        with self.lock:
            self._jobs.add(mark)
            if sys.platform == "linux" and not self._is_reaper:
                self._is_reaper = linux.become_subreaper()
        return mark

    def started(self, mark: JobMark, pid: int) -> None:
        """A command runs, in a group of its own. Call with `lock` held."""
        self._running.add(pid)
        mark.groups.add(pid)

    def reap(self, pid: int) -> int | None:
        """The exit code of a command (negative for a signal), or None while it runs. Orphans that have ended go with it."""
        with self.lock:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                return None
            self._running.discard(pid)
            if self._is_reaper:
                self._reap_orphans()
        return os.waitstatus_to_exitcode(status)

    def end_job(self, mark: JobMark) -> tuple[str, ...]:
        """Kill what the job left running; the names of what it was."""
        if not self._is_reaper:
            self._kill_groups(mark)
            with self.lock:
                self._jobs.discard(mark)
            return ()
        names: list[str] = []
        for _ in range(_ROUNDS):
            if not linux.has_children():
                break
            with self.lock:
                found = self._find_left(mark)
                for pid, status in found.items():
                    names += [] if status.is_zombie else [status.name]
                    _kill(pid)
            if not found:
                break
            _await_end(found)
            with self.lock:
                self._reap_orphans()
        with self.lock:
            self._jobs.discard(mark)
        return tuple(names)

    def _find_left(self, mark: JobMark) -> "dict[int, linux.ProcessStatus]":
        found: dict[int, linux.ProcessStatus] = {}
        for child in linux.list_children(os.getpid()):
            status = linux.find_status(child) if child in mark.groups else self._find_orphan(child)
            if status is None or not self._is_of_job(mark, child, status):
                continue
            found[child] = status
            for pid in linux.list_descendants(child):
                below = linux.find_status(pid)
                if below is not None:
                    found[pid] = below
        return found

    def _find_orphan(self, child: int) -> "linux.ProcessStatus | None":
        """A child that nobody here started: commands are remembered, and Homeport's own helpers stay in its own group."""
        status = linux.find_status(child) if child not in self._running else None
        return status if status is not None and status.group != os.getpgrp() else None

    def _is_of_job(self, mark: JobMark, pid: int, status: "linux.ProcessStatus") -> bool:
        if status.is_zombie:
            return False
        if status.group in mark.groups or linux.has_variable(pid, mark.assignment):
            return True
        directory = linux.find_directory(pid)
        if directory is not None and (directory + "/").startswith(mark.root + "/"):
            return True
        # nothing tells whose it is: a job that has been alone since takes it along
        return len(self._jobs) == 1 and status.started_at > mark.began_at

    def _reap_orphans(self) -> None:
        """Children that ended and that nobody waits for."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if self._find_orphan(ended.si_pid) is None:
                self._reap_others()
                return
            os.waitpid(ended.si_pid, os.WNOHANG)

    def _reap_others(self) -> None:
        """The same where the first that ended is not to be touched: somebody will wait for it. Or nobody ever does: a git that cannot
        reach a server leaves its own helper behind.
        """
        for child in linux.list_children(os.getpid()):
            status = self._find_orphan(child)
            if status is not None and status.is_zombie:
                os.waitpid(child, os.WNOHANG)

    def _kill_groups(self, mark: JobMark) -> None:
        for group in mark.groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _await_end(pids: "dict[int, linux.ProcessStatus]") -> None:
    """Wait a moment for killed processes to be gone; what is stuck in the kernel is met again in the next round."""
    import select  # noqa: PLC0415 - only where a job left something behind

    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            select.select([descriptor], [], [], _ROUND_SECONDS)
        finally:
            os.close(descriptor)

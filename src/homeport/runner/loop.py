"""Takes jobs from a coordinator until there are no more."""

import threading
from typing import Protocol

from homeport.ports.peer import JobOrder, Peer


class RunsJobs(Protocol):
    """Carries out one job; `runner.job.JobRunner` does."""

    def run(self, order: JobOrder, peer: Peer) -> None:
        """To its end, whatever happens."""
        ...


def serve(peer: Peer, runner: RunsJobs, *, parallel: int) -> None:
    """Run up to `parallel` jobs at once, each in a thread, until `next_job` gives None to every one of them.

    Blocks until the last job has ended. The calling thread runs jobs too; another is made when all there are have a job.
    """
    _Crew(peer, runner, parallel).work()


class _Crew:
    """The threads that run jobs, and how many of them wait for one."""

    def __init__(self, peer: Peer, runner: RunsJobs, parallel: int) -> None:
        self._peer = peer
        self._runner = runner
        self._parallel = parallel
        self._lock = threading.Lock()
        self._others: list[threading.Thread] = []
        self._idle = 1

    def work(self) -> None:
        """Take part, and wait for the others."""
        self._take_jobs()
        for thread in self._others:  # the last to have a job may still have made one more
            thread.join()

    def _take_jobs(self) -> None:
        while (order := self._peer.next_job()) is not None:
            self._fill_up()
            self._runner.run(order, self._peer)
            with self._lock:
                self._idle += 1

    def _fill_up(self) -> None:
        """Somebody has a job now: somebody must wait for the next."""
        with self._lock:
            self._idle -= 1
            if self._idle or len(self._others) + 1 == self._parallel:
                return
            self._idle += 1
            thread = threading.Thread(target=self._take_jobs, name=f"jobs-{len(self._others) + 2}")
            thread.start()
            self._others.append(thread)

"""Threads that work things off by repository: those of one repository in their order, those of several beside each other."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from homeport.ports.repositories import StoreError

AT_ONCE = 0.0
_SECONDS_AFTER_TROUBLE = 1.0
_SECONDS_AFTER_FAULT = 30.0
_LOG = logging.getLogger("homeport.server")


class Lanes:
    """`step` does the next thing of a repository, by one thread at a time for each repository. It gives after how many seconds it is to be
    called again; None where there is nothing more. Where it raises `StoreError` (a full disk), it is called again a little later; where
    it raises anything else, which is a fault, a while later: the other repositories do not wait for it.
    """

    def __init__(self, name: str, step: Callable[[int], float | None], *, threads: int) -> None:
        self._step = step
        self._name = name
        self._changed = threading.Condition()
        self._ready: deque[int] = deque()
        self._later: dict[int, float] = {}
        """when a repository is to be looked at again, by the monotonic clock"""
        self._busy: set[int] = set()
        self._again: set[int] = set()
        """woken while busy"""
        self._is_stopping = False
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{index}") for index in range(threads)]

    @property
    def is_stopping(self) -> bool:
        """Whether what takes long should be left."""
        return self._is_stopping

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is under way, and nothing more."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def wake(self, repository: int) -> None:
        """There may be something of this repository. One that is to be looked at later stays so: its things have their order."""
        with self._changed:
            if repository in self._busy:
                self._again.add(repository)
            elif repository not in self._ready and repository not in self._later:
                self._ready.append(repository)
                self._changed.notify()

    def _work(self) -> None:
        while (repository := self._take()) is not None:
            seconds: float | None = _SECONDS_AFTER_TROUBLE
            try:
                seconds = self._step(repository)
            except StoreError:
                continue
            except Exception:  # the edge of the thread: it is needed by the others
                seconds = _SECONDS_AFTER_FAULT
                about = {"repository": repository}
                _LOG.exception("a fault in %s: tried again in %.0f seconds", self._name, seconds, extra=about)
            finally:
                self._put_back(repository, seconds)

    def _take(self) -> int | None:
        with self._changed:
            while not self._is_stopping:
                now = monotonic()
                due = [repository for repository, at in self._later.items() if at <= now]
                for repository in due:
                    del self._later[repository]
                self._ready.extend(due)
                if self._ready:
                    repository = self._ready.popleft()
                    self._busy.add(repository)
                    return repository
                next_at = min(self._later.values(), default=None)
                self._changed.wait(None if next_at is None else max(0.0, next_at - now))
            return None

    def _put_back(self, repository: int, seconds: float | None) -> None:
        with self._changed:
            self._busy.discard(repository)
            was_woken = repository in self._again
            self._again.discard(repository)
            if seconds is None and not was_woken:
                return
            if seconds:
                self._later[repository] = monotonic() + seconds
            else:
                self._ready.append(repository)
            self._changed.notify()

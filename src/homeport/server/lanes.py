"""Threads that work things off by repository: those of one repository in their order, those of several beside each other."""

import threading
from collections import deque
from collections.abc import Callable

from homeport.ports.repositories import StoreError

_SECONDS_AFTER_TROUBLE = 1.0


class Lanes:
    """`step` does the next thing of a repository and says whether there was one. It is called until there is none, by one thread at a
    time for each repository. Where it raises `StoreError` (a full disk), it is called again a little later.
    """

    def __init__(self, name: str, step: Callable[[int], bool], *, threads: int) -> None:
        self._step = step
        self._changed = threading.Condition()
        self._ready: deque[int] = deque()
        self._busy: set[int] = set()
        self._again: set[int] = set()
        """woken while busy"""
        self._is_stopping = False
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{index}") for index in range(threads)]

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
        """There may be something of this repository."""
        with self._changed:
            if repository in self._busy:
                self._again.add(repository)
            elif repository not in self._ready:
                self._ready.append(repository)
                self._changed.notify()

    def _work(self) -> None:
        while (repository := self._take()) is not None:
            has_more = False
            try:
                has_more = self._step(repository)
            except StoreError:
                has_more = True
                with self._changed:
                    self._changed.wait_for(lambda: self._is_stopping, _SECONDS_AFTER_TROUBLE)
            finally:
                self._put_back(repository, has_more=has_more)

    def _take(self) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._is_stopping)
            if self._is_stopping:
                return None
            repository = self._ready.popleft()
            self._busy.add(repository)
            return repository

    def _put_back(self, repository: int, *, has_more: bool) -> None:
        with self._changed:
            self._busy.discard(repository)
            if has_more or repository in self._again:
                self._again.discard(repository)
                self._ready.append(repository)
                self._changed.notify()

"""Re-runs that were asked for while other jobs of the run still ran: kept durably, and begun when the run has ended (decision 53)."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from homeport.ports.repositories import RunRepository
from homeport.run.facts import Fact, RunFinished
from homeport.server.carrying_on import carry_on
from homeport.store.tables.awaited_reruns import AwaitedRerun, TableAwaitedReruns

_LOG = logging.getLogger("homeport.reruns")
_NOT_BEGUN = "a re-run that waited for the end of its run cannot begin, and is tried again at the next start"


class AwaitedReruns:
    """At most one a run. `keep` and `forget` are for the engine's thread, and durable with its batch. Opening reads the database: it may
    raise `StoreError`.
    """

    def __init__(self, table: TableAwaitedReruns) -> None:
        self._table = table
        self._pending = {each.run: each for each in table.list()}

    @property
    def pending(self) -> Sequence[AwaitedRerun]:
        """Those that can still begin."""
        return tuple(self._pending.values())

    def get(self, run: str) -> AwaitedRerun | None:
        """The one of a run that can still begin."""
        return self._pending.get(run)

    def find(self, run: str, attempt: int) -> AwaitedRerun | None:
        """What waits for the end of an attempt, or did not begin after it. Raises `StoreError`."""
        return self._table.find(run, attempt)

    def keep(self, awaited: AwaitedRerun) -> None:
        """Until the run has ended."""
        self._pending[awaited.run] = awaited
        self._table.put_soon(awaited)

    def forget(self, run: str) -> None:
        """The run was begun again."""
        self._pending.pop(run, None)
        self._table.forget_soon(run)

    def refuse(self, awaited: AwaitedRerun, reason: str) -> None:
        """It does not begin, and why; for any thread. Raises `StoreError`."""
        self._pending.pop(awaited.run, None)
        self._table.put_soon(msgspec.structs.replace(awaited, refusal=reason))
        _LOG.warning("a re-run does not begin: %s", reason, extra={"run": awaited.run, "by": awaited.by})


class RerunStarter:
    """A `BackgroundPart`; `hear` is to be called with what is durable, `begin` begins one or refuses it."""

    def __init__(self, awaited: AwaitedReruns, runs: RunRepository, begin: Callable[[AwaitedRerun], None]) -> None:
        self._awaited = awaited
        self._runs = runs
        self._begin = begin
        self._ended: deque[str] = deque()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._work, name="reruns")

    def start(self) -> None:
        """With those whose runs have ended while no server was there to see it."""
        self._thread.start()

    def stop(self) -> None:
        """What has not begun is left to the next process."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def hear(self, facts: Sequence[Fact]) -> None:
        """Never blocks."""
        ended = [
            fact.run for fact in facts if isinstance(fact, RunFinished) and self._awaited.get(fact.run) is not None
        ]
        if ended:
            with self._changed:
                self._ended.extend(ended)
                self._changed.notify()

    def _work(self) -> None:
        for each in self._awaited.pending:
            carry_on(_LOG, _NOT_BEGUN, partial(self._look, each), run=each.run)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._is_stopping)
                if self._is_stopping:
                    return
                awaited = self._awaited.get(self._ended.popleft())
            if awaited is not None:
                carry_on(_LOG, _NOT_BEGUN, partial(self._begin, awaited), run=awaited.run)

    def _look(self, awaited: AwaitedRerun) -> None:
        if self._runs.ending(awaited.run, awaited.attempt) is not None:
            self._begin(awaited)

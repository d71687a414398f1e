"""The threads that follow runs and tell forges: one reads what has happened, some send, none is ever waited for by a run."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from homeport.ports.directory import HostedRepository
from homeport.run.facts import Fact
from homeport.server.carrying_on import carry_on
from homeport.server.delivery import Delivery
from homeport.server.reporting import Reporting
from homeport.store.tables.reports import REPORTED

_SENDERS = 4
"""How many repositories' forges are told at once."""
_LOOK_SECONDS = 1.0
"""How often it is looked whether a wait is over. What happens meanwhile wakes the thread at once."""
_GATHER_SECONDS = 0.2
"""How long news is gathered after some was told"""
_NOT_TOLD = "what is to be told to forges cannot be read or kept"


class ForgeReporter:
    """A `BackgroundPart`. `hear` is to be called with what is durable; a process that died before that loses nothing, since what was to
    be told is in the database. `close` is called at the end.
    """

    def __init__(self, reporting: Reporting, delivery: Delivery, close: Callable[[], None]) -> None:
        self._close = close
        self._reporting = reporting
        self._delivery = delivery
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._busy: dict[int, tuple[HostedRepository, Future[None]]] = {}
        self._thread = threading.Thread(target=self._work, name="forge-reporter")
        self._log = logging.getLogger("homeport.reporting")

    def start(self) -> None:
        """Begin with what the last process left."""
        self._news.set()
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests that are under way; the rest is told by the next process."""
        self._stopping.set()
        self._news.set()
        self._thread.join()
        self._close()

    def hear(self, facts: Sequence[Fact]) -> None:
        """Something has happened. Never blocks."""
        if any(isinstance(fact, REPORTED) for fact in facts):
            self._news.set()

    def wake(self) -> None:
        """Something was put into the outbox by other ways than facts."""
        self._news.set()

    def _work(self) -> None:
        with ThreadPoolExecutor(_SENDERS, "forge-sender") as pool:
            while not self._stopping.is_set():
                self._news.wait(_LOOK_SECONDS)
                self._news.clear()
                has_news = carry_on(self._log, _NOT_TOLD, lambda: self._look(pool))
                if has_news is None:
                    self._stopping.wait(_LOOK_SECONDS)
                elif has_news:
                    # what comes next is taken together: short jobs would keep this thread busy with nothing else
                    self._stopping.wait(_GATHER_SECONDS)
                    self._news.set()

    def _look(self, pool: ThreadPoolExecutor) -> bool:
        """Whether anything has happened."""
        has_news = self._reporting.work_off()
        self._send(pool)
        self._delivery.tidy()
        return has_news

    def _send(self, pool: ThreadPoolExecutor) -> None:
        if self._stopping.is_set():
            return
        self._busy = {number: each for number, each in self._busy.items() if not self._is_over(*each)}
        for repository in self._delivery.find_due():
            if repository.id not in self._busy:
                self._busy[repository.id] = repository, pool.submit(self._send_one, repository)

    def _send_one(self, repository: HostedRepository) -> None:
        try:
            self._delivery.send(repository, self._stopping.is_set)
        finally:
            self._news.set()  # something may have come meanwhile

    def _is_over(self, repository: HostedRepository, sending: Future[None]) -> bool:
        if not sending.done():
            return False
        error = sending.exception()
        if error is not None:
            about = {"repository": repository.full_name}
            self._log.error("telling a forge has failed", exc_info=error, extra=about)
            self._delivery.postpone(repository, "there is a problem on this server: see its log")
        return True

"""The thread in which all runs of a server move on: what arrives together is remembered together, and only then has consequences."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from homeport.coordinator.arrival import ReportError
from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.journal import recall
from homeport.coordinator.lease_board import BoardReport, LeaseBoard, UnknownLeaseError
from homeport.coordinator.surroundings import Policy, Stores
from homeport.ports.clock import Clock
from homeport.ports.leases import LeaseRepository
from homeport.ports.repositories import RunRecord, StoreError
from homeport.run.facts import Fact
from homeport.run.state import RunState
from homeport.run.transition import ImpossibleFactError

Result = TypeVar("Result")

ENDED = "has ended"
"""What `ServerEngine.problem` says when nothing will ever move on"""
_NO_MORE = "no run moves on any more"
_TICK_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_LOG = logging.getLogger("homeport.server")


class EngineEndedError(Exception):
    """A fault has ended the thread in which runs move on."""


class ServerEngine:
    """Owns the coordinator. `batch` makes what is written inside of it durable at its end (`Database.batch`); `broadcast` gets the
    facts that are durable, in order.
    """

    def __init__(
        self,
        stores: Stores,
        leases: LeaseRepository,
        clock: Clock,
        *,
        policy: Policy,
        batch: Callable[[], AbstractContextManager[None]],
        broadcast: Callable[[Sequence[Fact]], None],
        on_change: Callable[[], None],
        begin_anew: Callable[[], None] = lambda: None,
    ) -> None:
        self.board = LeaseBoard(leases, clock, wake=self._wake, on_change=on_change)
        self._stores = stores
        self._leases = leases
        self._clock = clock
        self._batch = batch
        self._begin_anew = begin_anew
        self._policy = policy
        self._broadcast = broadcast
        self._told: list[Fact] = []
        self._coordinator = self._make_coordinator()
        self._asked: deque[tuple[Callable[[Coordinator], Any], Future[Any]]] = deque()
        self._changed = threading.Condition()
        self._has_news = False
        self._is_stopping = False
        self._trouble: StoreError | None = None
        """why runs stand still"""
        self._taken_up: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, name="engine")

    def start(self) -> None:
        """Take up the runs that the last process left, and go on until `stop`. When it returns, the board knows every lease that is
        out: runners may be let in.
        """
        self._thread.start()
        self._taken_up.result()

    @property
    def problem(self) -> str | None:
        """Why no run moves on, in words for everybody; None where nothing is in the way."""
        if self._ended.done():
            return ENDED
        return None if self._trouble is None else "stands still until the database can be written again"

    def when_ended(self, tell: Callable[[BaseException | None], object]) -> None:
        """Have it said, by any thread, that the thread has ended: by `stop`, or by a fault, after which no run would ever move on."""
        self._ended.add_done_callback(lambda ended: tell(ended.exception()))

    def stop(self) -> None:
        """End the thread. Runs stay open, for the next process to go on with; their runners are at work meanwhile."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def ask(self, work: Callable[[Coordinator], Result]) -> "Future[Result]":
        """Have something done with the coordinator, in its thread; the future is done when the outcome is durable."""
        future: Future[Result] = Future()
        with self._changed:
            if self._trouble is not None:
                future.set_exception(self._trouble)
                return future
            self._asked.append((work, future))
            self._has_news = True
            self._changed.notify()
        return future

    # --- the thread ---------------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        with self._changed:
            self._has_news = True
            self._changed.notify()

    def _work(self) -> None:
        try:
            self._step(self._take_up)
        except BaseException as error:
            self._taken_up.set_exception(error)
            raise
        self._taken_up.set_result(None)
        try:
            self._go_on()
        except BaseException as error:
            _LOG.critical(_NO_MORE, exc_info=error)
            self._stand_still(StoreError(_NO_MORE))
            self._ended.set_exception(error)
        else:
            self._refuse_asked(StoreError("the server is about to end"))
            self._ended.set_result(None)

    def _go_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._has_news or self._is_stopping, _TICK_SECONDS)
                if self._is_stopping:
                    return
                self._has_news = False
                asked = list(self._asked)
                self._asked.clear()
            try:
                self._step(self._look_after, self.board.receive(), asked)
                if lost := self.board.find_lost():
                    self._step(lambda: self._lose(lost))
            except StoreError as error:
                self._recover(error)

    def _recover(self, error: StoreError) -> None:
        """Nothing could be remembered, so what is in memory is ahead of it: let go of all that, and take up again what is remembered, as
        a new process would, as soon as that is possible.
        """
        _LOG.error("runs stand still: %s", error)
        self._stand_still(error)
        self._coordinator.let_go()
        pause = _FIRST_PAUSE_SECONDS
        while not self._await_stop(pause):
            self._told.clear()
            self._coordinator = self._make_coordinator()
            try:
                self._begin_anew()
                self._step(self._take_up)
            except StoreError:
                self._coordinator.let_go()
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                with self._changed:
                    self._trouble = None
                self.board.come_back()
                _LOG.warning("runs go on")
                return

    def _await_stop(self, seconds: float) -> bool:
        """Whether the engine is to stop."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_stopping, seconds)

    def _stand_still(self, error: StoreError) -> None:
        """Refuse all who wait for an answer, and all who come from now on. Nobody is to hear of the trouble before this: who then asks
        again must not find a board that still answers.
        """
        self._refuse_asked(error)
        for report in self.board.go_away():
            report.settle(error)

    def _refuse_asked(self, error: StoreError) -> None:
        """Those who have asked, and those who ask from now on."""
        with self._changed:
            self._trouble = error
            asked = list(self._asked)
            self._asked.clear()
        for _, future in asked:
            future.set_exception(error)

    def _make_coordinator(self) -> Coordinator:
        return Coordinator(self._stores, self.board, self._clock, policy=self._policy, broadcast=self._told.append)

    def _step(
        self,
        also: Callable[[], None],
        reports: Sequence[BoardReport] = (),
        asked: Sequence[tuple[Callable[[Coordinator], Any], Future[Any]]] = (),
    ) -> None:
        """One batch, and its consequences when it is durable."""
        settled: list[Callable[[], None]] = []
        self.board.hold()
        try:
            with self._batch():
                settled += [self._handle(report) for report in reports]
                settled += [self._answer(work, future) for work, future in asked]
                also()
                if reports:
                    self._stores.logs.sync()  # before it is said, by the batch's end, that they were heard
        except BaseException as error:
            refusal = error if isinstance(error, StoreError) else StoreError(_NO_MORE)
            self._stand_still(refusal)
            for report in reports:
                report.settle(refusal)
            for _, future in asked:
                future.set_exception(refusal)
            raise
        told, self._told[:] = list(self._told), []
        self.board.release()
        for settle in settled:
            settle()
        if told:
            self._broadcast(told)

    def _handle(self, report: BoardReport) -> Callable[[], None]:
        try:
            self._coordinator.handle(report.lease, report.sequence, report.facts)
        except (ReportError, ImpossibleFactError) as error:
            _LOG.error("a runner cannot have seen what it reports: %s", error, extra={"lease": report.lease})
            self._coordinator.lose(report.lease)
            self.board.forget(report.lease)
            refusal = UnknownLeaseError(report.lease)
            return lambda: report.settle(refusal)
        self._leases.hear(report.lease, report.sequence, self._coordinator.measure_log(report.lease))
        return lambda: report.settle(None)

    def _answer(self, work: Callable[[Coordinator], Any], future: Future[Any]) -> Callable[[], None]:
        try:
            answer = work(self._coordinator)
        except StoreError:
            raise  # the coordinator may be ahead of what is remembered
        except Exception as error:  # it is the asker's
            problem = error
            return lambda: future.set_exception(problem)
        return lambda: future.set_result(answer)

    def _take_up(self) -> None:
        leases = self._leases.list()
        self.board.expect(leases)
        heard = {lease.id: lease.heard for lease in leases}
        for lease in leases:  # what was not acknowledged comes again
            self._stores.logs.cut(lease.run, lease.attempt, lease.job, lease.log_size)
        for record in self._stores.runs.adopt():
            try:
                recalled = recall(self._stores.runs, record.id, record.attempt)
            except ImpossibleFactError as error:
                self._give_up(record, [lease.id for lease in leases if lease.run == record.id], error)
                continue
            if recalled is not None:
                self._coordinator.resume(record, recalled[1], heard)
                self._lose_unleased(recalled[1], heard)

    def _give_up(self, record: RunRecord, leases: Sequence[str], error: ImpossibleFactError) -> None:
        """A run whose journal makes no sense: no other one is to wait for it, and the next start does not stumble over it again."""
        _LOG.error("a run cannot go on, its journal makes no sense: %s", error, extra={"run": record.id})
        self._stores.runs.close(record.id, record.attempt)
        for lease in leases:
            self.board.forget(lease)

    def _lose_unleased(self, run: RunState, leases: Collection[str]) -> None:
        """Jobs that run by the journal, and that nobody has a lease of: a backup tells of both, but its runners are elsewhere."""
        for job in run.jobs.values():
            if job.status == "running" and job.lease and job.lease not in leases:
                self._coordinator.lose(job.lease)
                self.board.forget(job.lease)

    def _look_after(self) -> None:
        """What nobody tells: groups that are free."""
        if self._coordinator.is_waiting:
            self._coordinator.tick()

    def _lose(self, leases: Sequence[str]) -> None:
        for lease in leases:
            self._coordinator.lose(lease)
            self.board.forget(lease)

"""What becomes of runs when nothing can be remembered for a while: a full disk, here a database that may not be written."""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from homeport.coordinator.dispatch import Labels
from homeport.coordinator.lease_board import BoardAwayError, Claim, RunnerProfile, UnknownLeaseError
from homeport.coordinator.surroundings import Policy, Stores
from homeport.plan.model import Plan
from homeport.ports.repositories import StoreError
from homeport.run.facts import Fact, JobFinished, JobStarted, RunFinished, RunnerFact
from homeport.server.closed_controls import ClosedControls
from homeport.server.engine import ENDED, ServerEngine
from homeport.store.memory import MemoryLogs
from homeport.store.tables.database import Database
from homeport.store.tables.groups import TableConcurrencyGroups
from homeport.store.tables.leases import TableLeases
from homeport.store.tables.runs import TableRuns
from tests.support.jobs import SystemClock
from tests.support.planning import outcome_of
from tests.support.plans import record_of

LONG = 60.0
ONE = RunnerProfile("one", Labels(("ubuntu-*",)))


class House:
    """An engine with a database of which `is_closed` can be switched."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'homeport.db'}")
        self.is_closed = False
        self.broken = False
        """a fault in what hears of facts"""
        self.breaks_off = False
        """a fault before anything is remembered"""
        event.listen(self.database._engine, "begin", self._limit)
        self.runs = TableRuns(self.database, os.urandom(4).hex(), lambda _: False)
        self.facts: list[Fact] = []
        self._changed = threading.Condition()
        stores = Stores(
            self.runs,
            MemoryLogs(),
            lambda repository: TableConcurrencyGroups(self.database, repository, self.runs.is_open),
            ClosedControls(),
        )
        self.engine = ServerEngine(
            stores,
            TableLeases(self.database),
            SystemClock(),
            policy=Policy(labels=ONE.labels),
            batch=self._batch,
            broadcast=self._hear,
            on_change=self._note_change,
            begin_anew=self.runs.begin_anew,
        )
        self.engine.start()

    def close(self) -> None:
        self.engine.stop()
        self.database.close()

    def submit(self, run: str) -> "Future[None]":
        plan = outcome_of("jobs: {build: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}")
        assert isinstance(plan, Plan)
        return self.engine.ask(lambda coordinator: coordinator.submit(plan, record_of(run, number=int(run))))

    def problem(self) -> str | None:
        return self.engine.problem

    def await_claim(self, claim: str) -> Claim:
        """As a runner would: it asks again when the server is away."""
        found: list[Claim] = []

        def look() -> bool:
            try:
                answer = self.engine.board.claim(ONE, claim)
            except StoreError:
                return False
            found.extend([] if answer is None else [answer])
            return bool(found)

        self.wait(look)
        return found[0]

    def report(self, claim: Claim, sequence: int, facts: Sequence[RunnerFact]) -> None:
        """As a runner would: the same again, until it was taken in."""

        def look() -> bool:
            settled: Future[None] = Future()

            def settle(error: Exception | None) -> None:
                settled.set_result(None) if error is None else settled.set_exception(error)

            try:
                self.engine.board.report(claim.order.lease, claim.token, sequence, facts, settle)
                settled.result(LONG)
            except StoreError:
                return False
            return True

        self.wait(look)

    def wait(self, look: Any) -> None:
        with self._changed:
            for _ in range(600):
                if look():
                    return
                self._changed.wait(0.1)
        raise AssertionError("it did not come about")

    @contextmanager
    def _batch(self) -> Iterator[None]:
        with self.database.batch():
            yield
            if self.breaks_off:
                raise ZeroDivisionError

    def _hear(self, facts: Sequence[Fact]) -> None:
        if self.broken:
            raise ZeroDivisionError
        with self._changed:
            self.facts.extend(facts)
            self._changed.notify_all()

    def _note_change(self) -> None:
        """Runners here ask again by themselves."""

    def _limit(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if self.is_closed else 'OFF'}")


def started(claim: Claim) -> JobStarted:
    leg = claim.order.leg
    return JobStarted(
        at=SystemClock().now(),
        run=claim.order.run,
        job=leg.key,
        job_id=leg.job_id,
        name=leg.name,
        matrix=None,
        runner="one",
        lease=claim.order.lease,
    )


def finished(claim: Claim) -> JobFinished:
    leg = claim.order.leg
    return JobFinished(
        at=SystemClock().now(),
        run=claim.order.run,
        job=leg.key,
        job_id=leg.job_id,
        name=leg.name,
        matrix=None,
        conclusion="success",
        outcome="success",
    )


def test_runs_go_on_where_they_were_when_the_disk_has_room_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        house.submit("1").result(LONG)
        claim = house.await_claim("first")
        house.report(claim, 1, [started(claim)])
        house.is_closed = True
        with pytest.raises(StoreError):
            house.submit("2").result(LONG)
        with pytest.raises(BoardAwayError):  # not: this lease is lost
            house.engine.board.ask(claim.order.lease, claim.token)
        assert house.problem() == "stands still until the database can be written again"
        with pytest.raises(StoreError):  # at once, not when it is tried again
            house.submit("2").result(0)
        house.is_closed = False
        house.report(claim, 2, [finished(claim)])
        house.wait(lambda: any(isinstance(fact, RunFinished) for fact in house.facts))
        assert house.problem() is None
        house.submit("3").result(LONG)
        assert house.await_claim("second").order.run == "3"
        assert house.runs.find("2") is None, "what was refused is not there"
        kinds = [type(fact).__name__ for fact in house.runs.facts("1")]
        assert kinds.count("JobStarted") == 1
        assert kinds.count("RunFinished") == 1
    finally:
        house.close()


def test_a_job_that_runs_by_a_backup_and_has_no_lease_is_lost(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        house.submit("1").result(LONG)
        claim = house.await_claim("first")
        house.report(claim, 1, [started(claim)])
    finally:
        house.close()
    database = Database(f"sqlite:///{tmp_path / 'homeport.db'}")
    TableLeases(database).close(claim.order.lease)
    database.close()
    again = House(tmp_path)
    try:
        again.wait(lambda: again.runs.ending("1") is not None)
        ending = again.runs.ending("1")
        assert ending is not None
        assert ending.conclusion == "failure"
        assert again.engine.board.claim(ONE, "second") is None, "it is not given to anybody else"
    finally:
        again.close()


def test_a_run_whose_journal_makes_no_sense_keeps_no_server_from_starting(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        house.submit("1").result(LONG)
        house.submit("2").result(LONG)
        claims = {claim.order.run: claim for claim in (house.await_claim("first"), house.await_claim("second"))}
        house.report(claims["1"], 1, [started(claims["1"])])
        house.runs.append("1", 1, [started(claims["1"])])  # once more: nothing starts twice
    finally:
        house.close()
    again = House(tmp_path)
    try:
        assert not again.runs.is_open("1")
        assert again.runs.is_open("2")
        again.report(claims["2"], 1, [started(claims["2"]), finished(claims["2"])])
        again.wait(lambda: again.runs.ending("2") is not None)
        with pytest.raises(UnknownLeaseError):
            again.report(claims["1"], 2, [finished(claims["1"])])
    finally:
        again.close()


def test_a_fault_of_the_engine_is_told(tmp_path: Path) -> None:
    house = House(tmp_path)
    told: list[BaseException | None] = []
    house.engine.when_ended(told.append)
    try:
        house.broken = True
        house.submit("1").result(LONG)
        house.wait(lambda: told)
        with pytest.raises(StoreError):
            house.submit("2").result(LONG)
        assert isinstance(told[0], ZeroDivisionError)
        assert house.engine.problem == ENDED
    finally:
        house.close()


def test_who_waits_while_a_fault_ends_the_engine_is_answered(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        house.submit("1").result(LONG)
        claim = house.await_claim("first")
        house.breaks_off = True
        settled: list[Exception | None] = []
        house.engine.board.report(claim.order.lease, claim.token, 1, [started(claim)], settled.append)
        house.wait(lambda: settled)
        assert isinstance(settled[0], StoreError)
        with pytest.raises(StoreError):
            house.submit("2").result(LONG)
        with pytest.raises(BoardAwayError):  # not: this lease is lost
            house.engine.board.ask(claim.order.lease, claim.token)
    finally:
        house.close()


def test_what_is_asked_of_an_engine_that_has_ended_is_refused(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.close()
    with pytest.raises(StoreError, match="about to end"):
        house.submit("1").result(LONG)

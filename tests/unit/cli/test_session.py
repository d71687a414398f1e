"""The loop that carries runs out, and those who look on."""

import errno
import select
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from homeport.cli.clock import SystemClock
from homeport.cli.interrupts import Interrupts
from homeport.cli.session import Onlookers, Session
from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.peer import InProcessPeer
from homeport.coordinator.surroundings import Policy
from homeport.ports.peer import JobOrder
from homeport.ports.repositories import StoreError
from homeport.run.facts import Conclusion, Fact, JobFinished, JobStarted, LinesLogged, RunFact, RunStarted, StepFinished
from homeport.store.control_folder import FolderControls
from tests.support.coordination import LABELS, World
from tests.support.plans import NOW, plan_of, record_of, written_job

Work = Callable[[JobOrder, InProcessPeer], None]


class Recorder:
    """A `View` that remembers, and may break."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.error: OSError | None = None
        self.is_closed = False
        self.times_aside = 0

    def feed(self, fact: Fact) -> None:
        if self.error is not None:
            raise self.error
        self.facts.append(fact)

    def tick(self, now: datetime) -> None: ...

    def step_aside(self) -> None:
        self.times_aside += 1

    def close(self) -> None:
        self.is_closed = True


class Workshop:
    """A session whose runner is one thread that does what a test says."""

    def __init__(self, world: World, work: Work) -> None:
        self.world = world
        self.view = Recorder()
        self.onlookers = Onlookers(self.view)
        self.peer = InProcessPeer()
        self.coordinator = Coordinator(
            world.stores, self.peer, SystemClock(), policy=Policy(labels=LABELS), broadcast=self.onlookers.feed
        )
        self._work = work
        self.session = Session(self.coordinator, self.peer, self.onlookers, SystemClock(), self._start)

    def submit(self) -> str:
        run = self.world.runs.new_id()
        self.coordinator.submit(plan_of(written_job("build"), written_job("test", "build")), record_of(run))
        return run

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._serve)
        thread.start()
        return thread

    def _serve(self) -> None:
        while (order := self.peer.next_job()) is not None:
            self._work(order, self.peer)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Stores in memory, but for the inboxes: the loop polls them."""
    world = World()
    world.stores = msgspec.structs.replace(world.stores, controls=FolderControls(str(tmp_path)))
    return world


def report(order: JobOrder, peer: InProcessPeer, conclusion: Conclusion = "success", text: str = "") -> None:
    said = [LinesLogged(at=NOW, run=order.run, job=order.leg.key, step="a", text=text)] if text else []
    peer.report(order.lease, 1, [_started(order), *said, _finished(order, conclusion)])


def test_a_session_goes_on_until_no_run_is_open(world: World) -> None:
    workshop = Workshop(world, report)
    runs = [workshop.submit(), workshop.submit()]
    with Interrupts() as interrupts:
        workshop.session.carry_out(interrupts)
    assert workshop.session.conclusions == dict.fromkeys(runs, "success")
    assert workshop.session.faults == []


def test_a_fault_of_a_job_is_remembered_and_the_rest_goes_on(world: World) -> None:
    fault = RuntimeError("broken")

    def work(order: JobOrder, peer: InProcessPeer) -> None:
        workshop.session.note_fault(fault)
        report(order, peer, "failure")

    workshop = Workshop(world, work)
    run = workshop.submit()
    with Interrupts() as interrupts:
        workshop.session.carry_out(interrupts)
    assert workshop.session.faults == [fault]
    assert workshop.session.conclusions == {run: "failure"}


def test_a_runner_that_dies_ends_the_session_instead_of_hanging_it(world: World) -> None:
    def work(order: JobOrder, peer: InProcessPeer) -> None:
        raise RuntimeError("the thread dies")

    workshop = Workshop(world, work)
    run = workshop.submit()
    with Interrupts() as interrupts:
        workshop.session.carry_out(interrupts)
    assert [str(fault) for fault in workshop.session.faults] == ["the thread dies"]
    assert world.runs.ending(run) is None  # left open, to be concluded at the next start


def test_a_store_that_fails_ends_the_session_and_lets_its_runner_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = Workshop(world, lambda order, peer: report(order, peer, text="x"))
    workshop.submit()

    def refuse(run: str, attempt: int, facts: list[RunFact]) -> None:
        raise StoreError("facts.jsonl: No space left on device")

    monkeypatch.setattr(world.runs, "append", refuse)
    with Interrupts() as interrupts, pytest.raises(StoreError):
        workshop.session.carry_out(interrupts)


def test_nobody_who_looks_on_any_more_cancels_the_runs(world: World) -> None:
    def work(order: JobOrder, peer: InProcessPeer) -> None:
        signal = peer.stop_signal(order.lease)
        workshop.view.error = BrokenPipeError()
        peer.report(order.lease, 1, [_started(order)])
        assert select.select([signal.fileno()], [], [], 60)[0]
        peer.report(order.lease, 2, [_finished(order, "cancelled")])

    workshop = Workshop(world, work)
    run = workshop.submit()
    with Interrupts() as interrupts:
        workshop.session.carry_out(interrupts)
    assert workshop.session.conclusions == {run: "cancelled"}
    assert workshop.onlookers.is_gone
    assert workshop.onlookers.problem is None


def test_output_that_cannot_be_written_is_remembered() -> None:
    view = Recorder()
    onlookers = Onlookers(view)
    view.error = OSError(errno.ENOSPC, "No space left on device")
    onlookers.feed(RunStarted(at=NOW, run="1"))
    assert onlookers.is_gone
    assert onlookers.problem is view.error
    view.error = None
    onlookers.feed(RunStarted(at=NOW, run="1"))
    onlookers.close()
    assert (view.facts, view.is_closed) == ([], False)


def test_what_is_held_back_is_shown_afterwards_in_order() -> None:
    view = Recorder()
    onlookers = Onlookers(view)
    facts = [RunStarted(at=NOW, run=str(number)) for number in range(3)]
    with onlookers.held_back():
        onlookers.feed(facts[0])
        onlookers.tick(NOW)
        onlookers.feed(facts[1])
        assert (view.facts, view.times_aside) == ([], 1)
    onlookers.feed(facts[2])
    assert view.facts == facts


def test_the_end_of_a_failed_step_is_waited_for_once() -> None:
    view = Recorder()
    onlookers = Onlookers(view)
    ended = StepFinished(
        at=NOW, run="1", job="build", step="s", number=2, name="S", outcome="failure", conclusion="failure"
    )
    seen: list[int] = []

    def look() -> None:
        onlookers.await_failure("1", "build", 2)
        seen.append(len(view.facts))

    for count in (1, 2):  # a step that is retried may fail again
        thread = threading.Thread(target=look)
        thread.start()
        onlookers.feed(ended)
        thread.join()
        assert seen[-1] == count


def _started(order: JobOrder) -> JobStarted:
    return JobStarted(
        at=NOW,
        run=order.run,
        job=order.leg.key,
        job_id=order.leg.job_id,
        name=order.leg.name,
        matrix=None,
        runner="r",
        lease=order.lease,
    )


def _finished(order: JobOrder, conclusion: Conclusion) -> JobFinished:
    return JobFinished(
        at=NOW,
        run=order.run,
        job=order.leg.key,
        job_id=order.leg.job_id,
        name=order.leg.name,
        matrix=None,
        conclusion=conclusion,
        outcome=conclusion,
    )

"""Each job goes to one live lease at most."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from homeport.coordinator.dispatch import Labels
from homeport.coordinator.lease_board import LEASE_SECONDS, LeaseBoard, RunnerProfile, UnknownLeaseError
from homeport.ports.leases import Lease
from homeport.ports.peer import JobOrder, Orders
from homeport.run.facts import JobPaused
from homeport.store.memory import MemoryLeases
from tests.support.coordination import World
from tests.support.plans import NOW, FixedClock, plan_of, written_job

LINUX = Labels(("ubuntu-*",))
ONE, OTHER = RunnerProfile("one", LINUX), RunnerProfile("other", LINUX)
MAC = RunnerProfile("mac", Labels(("macos-*",)))


class FailingLeases(MemoryLeases):
    """A disk that is full."""

    def take(self, lease: Lease) -> None:
        raise OSError(28, "No space left on device")


class LeasesInBetween(MemoryLeases):
    """Something happens before a lease is remembered."""

    before: Callable[[], None]

    def take(self, lease: Lease) -> None:
        self.before()
        super().take(lease)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def leases() -> MemoryLeases:
    return MemoryLeases()


@pytest.fixture
def board(leases: MemoryLeases, clock: FixedClock) -> LeaseBoard:
    return LeaseBoard(leases, clock, wake=lambda: None, on_change=lambda: None)


def orders(count: int) -> Sequence[JobOrder]:
    """Orders as a coordinator makes them."""
    bench = World().process()
    bench.submit(plan_of(*(written_job(f"job{number}") for number in range(count))))
    return list(bench.runners.offered.values())


def test_a_job_is_given_once(board: LeaseBoard) -> None:
    (order,) = orders(1)
    board.offer(order, {})
    claim = board.claim(ONE, "a")
    assert claim is not None
    assert claim.order == order
    assert board.claim(OTHER, "b") is None
    assert board.claim(ONE, "c") is None


def test_the_same_claim_gets_the_same_job_with_a_new_token(board: LeaseBoard) -> None:
    for order in orders(2):
        board.offer(order, {})
    first, again = board.claim(ONE, "a"), board.claim(ONE, "a")
    assert first is not None
    assert again is not None
    assert first.order == again.order
    with pytest.raises(UnknownLeaseError):
        board.ask(first.order.lease, first.token)
    assert board.ask(again.order.lease, again.token) == Orders()


def test_a_claim_is_durable_before_it_is_answered(board: LeaseBoard, leases: MemoryLeases) -> None:
    (order,) = orders(1)
    board.offer(order, {})
    board.claim(ONE, "a")
    assert [(lease.id, lease.runner, lease.claim) for lease in leases.list()] == [(order.lease, "one", "a")]


def test_a_runner_is_told_of_nothing_before_it_is_durable(board: LeaseBoard) -> None:
    running, waiting, coming = orders(3)
    board.offer(running, {})
    claim = board.claim(ONE, "a")
    assert claim is not None
    board.offer(waiting, {})
    board.hold()
    board.stop(running.lease, "cancelled", force=False)
    board.forget(running.lease)
    board.forget(waiting.lease)
    board.offer(coming, {})
    assert board.ask(running.lease, claim.token) == Orders(), "a crash now would forget that it has ended"
    assert board.claim(OTHER, "b") is None, "neither what is about to be withdrawn nor what is about to be offered"
    board.release()
    with pytest.raises(UnknownLeaseError):
        board.ask(running.lease, claim.token)
    given = board.claim(OTHER, "c")
    assert given is not None
    assert given.order == coming


def test_what_is_offered_and_stopped_at_once_is_given_to_nobody(board: LeaseBoard) -> None:
    stopped, ended = orders(2)
    board.hold()
    for order in (stopped, ended):
        board.offer(order, {})
    board.stop(stopped.lease, "cancelled", force=False)
    board.forget(ended.lease)
    board.release()
    assert board.claim(ONE, "a") is None


def test_a_job_that_ends_while_it_is_claimed_leaves_no_lease_behind(clock: FixedClock) -> None:
    leases = LeasesInBetween()
    board = LeaseBoard(leases, clock, wake=lambda: None, on_change=lambda: None)
    (order,) = orders(1)
    board.offer(order, {})
    leases.before = lambda: board.forget(order.lease)
    assert board.claim(ONE, "a") is None
    assert leases.list() == []


def test_a_claim_that_cannot_be_remembered_leaves_the_job_to_others(clock: FixedClock) -> None:
    full = FailingLeases()
    board = LeaseBoard(full, clock, wake=lambda: None, on_change=lambda: None)
    (order,) = orders(1)
    board.offer(order, {})
    with pytest.raises(OSError, match="No space"):
        board.claim(ONE, "a")
    full.take = MemoryLeases().take  # type: ignore[method-assign]
    claim = board.claim(OTHER, "b")
    assert claim is not None
    assert claim.order == order


def test_a_runner_gets_only_what_it_answers_to(board: LeaseBoard) -> None:
    (order,) = orders(1)
    board.offer(order, {})
    assert board.claim(MAC, "a") is None
    assert board.claim(ONE, "b") is not None


def test_offers_that_are_held_back_are_not_given(board: LeaseBoard) -> None:
    (order,) = orders(1)
    board.hold()
    board.offer(order, {})
    assert board.claim(ONE, "a") is None
    board.release()
    assert board.claim(ONE, "a") is not None


def test_a_withdrawn_offer_is_not_given(board: LeaseBoard) -> None:
    (order,) = orders(1)
    board.offer(order, {})
    board.stop(order.lease, "cancelled", force=False)
    assert board.claim(ONE, "a") is None


def test_only_the_holder_of_the_token_is_heard(board: LeaseBoard) -> None:
    (order,) = orders(1)
    board.offer(order, {"KEY": "value"})
    claim = board.claim(ONE, "a")
    assert claim is not None
    assert board.secrets(order.lease, claim.token) == {"KEY": "value"}
    for lease, token in ((order.lease, "guessed"), ("1.1.99", claim.token)):
        with pytest.raises(UnknownLeaseError):
            board.secrets(lease, token)
        with pytest.raises(UnknownLeaseError):
            board.report(lease, token, 1, [], lambda _: None)


def test_a_runner_is_told_to_stop_and_to_go_on(board: LeaseBoard) -> None:
    (order,) = orders(1)
    board.offer(order, {})
    claim = board.claim(ONE, "a")
    assert claim is not None
    board.retry(order.lease, 3)
    board.stop(order.lease, "superseded", force=False)
    board.stop(order.lease, "cancelled", force=True)
    assert board.ask(order.lease, claim.token) == Orders("superseded", forced=True, resume_at=(3,))


def test_reports_reach_the_coordinator_in_order(board: LeaseBoard) -> None:
    (order,) = orders(1)
    board.offer(order, {})
    claim = board.claim(ONE, "a")
    assert claim is not None
    fact = JobPaused(at=NOW, run=order.run, job=order.leg.key, step="__run", number=1)
    for sequence in (1, 2):
        board.report(order.lease, claim.token, sequence, [fact], lambda _: None)
    assert [(report.sequence, report.facts) for report in board.receive()] == [(1, [fact]), (2, [fact])]
    assert board.receive() == ()


def test_a_silent_runner_loses_its_job_and_is_refused_afterwards(board: LeaseBoard, clock: FixedClock) -> None:
    (order,) = orders(1)
    board.offer(order, {})
    claim = board.claim(ONE, "a")
    assert claim is not None
    clock.advance(LEASE_SECONDS - 1)
    assert board.find_lost() == []
    board.ask(order.lease, claim.token)
    clock.advance(LEASE_SECONDS - 1)
    assert board.find_lost() == []
    clock.advance(2)
    assert board.find_lost() == [order.lease]
    board.forget(order.lease)
    with pytest.raises(UnknownLeaseError):
        board.ask(order.lease, claim.token)


@pytest.mark.parametrize("hours", [-1, 1, 24 * 365])
def test_a_clock_that_jumps_loses_no_job(board: LeaseBoard, clock: FixedClock, hours: int) -> None:
    (order,) = orders(1)
    board.offer(order, {})
    claim = board.claim(ONE, "a")
    assert claim is not None
    clock.moment += timedelta(hours=hours)
    assert board.find_lost() == []
    assert board.ask(order.lease, claim.token) == Orders()
    clock.seconds += LEASE_SECONDS + 1
    assert board.find_lost() == [order.lease], "time that passes still counts"


def test_a_restored_lease_is_its_runners_and_nobody_elses(leases: MemoryLeases, clock: FixedClock) -> None:
    (order,) = orders(1)
    first = LeaseBoard(leases, clock, wake=lambda: None, on_change=lambda: None)
    first.offer(order, {})
    claim = first.claim(ONE, "a")
    assert claim is not None
    second = LeaseBoard(leases, clock, wake=lambda: None, on_change=lambda: None)
    second.expect(leases.list())
    second.offer(order, {"KEY": "value"})
    assert second.claim(OTHER, "b") is None
    assert second.secrets(order.lease, claim.token) == {"KEY": "value"}
    again = second.claim(ONE, "a")
    assert again is not None
    assert again.order == order


def test_sixty_runners_and_a_hundred_jobs_meet_once_each(board: LeaseBoard) -> None:
    wanted = orders(100)
    for order in wanted:
        board.offer(order, {})

    def take(number: int) -> list[str]:
        taken: list[str] = []
        while (claim := board.claim(RunnerProfile(str(number), LINUX), f"{number}.{len(taken)}")) is not None:
            taken.append(claim.order.lease)
        return taken

    with ThreadPoolExecutor(60) as pool:
        taken = [lease for leases in pool.map(take, range(60)) for lease in leases]
    assert sorted(taken) == sorted(order.lease for order in wanted)

"""The in-process conversation between runner threads and the coordinator."""

import select
import threading

import pytest

from homeport.coordinator.peer import InProcessPeer
from homeport.plan.model import Leg
from homeport.ports.peer import JobOrder
from homeport.run.facts import JobFinished, LinesLogged
from tests.support.plans import NOW, written_job

WAIT = 30.0
"""A bound for a test that hangs, not an expectation."""


def order(lease: str) -> JobOrder:
    return JobOrder(
        run="1",
        lease=lease,
        leg=Leg(key="build", job_id="build", name="build"),
        job=written_job("build"),
        workflow_file="ci.yml",
        workflow_env=None,
        workflow_defaults=None,
        github={},
    )


def line(text: str) -> LinesLogged:
    return LinesLogged(at=NOW, run="1", job="build", step="a", text=text)


FINISHED = JobFinished(
    at=NOW, run="1", job="build", job_id="build", name="build", matrix=None, conclusion="success", outcome="success"
)


def is_readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


@pytest.fixture
def peer() -> InProcessPeer:
    return InProcessPeer()


def take(peer: InProcessPeer, lease: str = "1.1.1") -> JobOrder:
    peer.offer(order(lease), {"TOKEN": "x"})
    taken = peer.next_job()
    assert taken is not None
    return taken


def test_offers_are_taken_in_order(peer: InProcessPeer) -> None:
    peer.offer(order("1.1.1"), {})
    peer.offer(order("1.1.2"), {})
    taken = [peer.next_job(), peer.next_job()]
    assert [one.lease for one in taken if one is not None] == ["1.1.1", "1.1.2"]


def test_a_withdrawn_offer_is_never_taken(peer: InProcessPeer) -> None:
    peer.offer(order("1.1.1"), {})
    peer.offer(order("1.1.2"), {})
    peer.stop("1.1.1", "cancelled", force=False)
    taken = peer.next_job()
    assert taken is not None
    assert taken.lease == "1.1.2"


def test_the_end_is_heard_after_the_last_offer(peer: InProcessPeer) -> None:
    peer.offer(order("1.1.1"), {})
    peer.end()
    assert peer.next_job() is not None
    assert peer.next_job() is None


def test_a_thread_that_waits_for_work_hears_of_the_end(peer: InProcessPeer) -> None:
    heard: list[JobOrder | None] = []
    thread = threading.Thread(target=lambda: heard.append(peer.next_job()))
    thread.start()
    peer.end()
    thread.join(WAIT)
    assert heard == [None]


def test_secrets_belong_to_the_lease(peer: InProcessPeer) -> None:
    assert peer.secrets(take(peer).lease) == {"TOKEN": "x"}


def test_reports_arrive_in_order_and_make_the_peer_readable(peer: InProcessPeer) -> None:
    lease = take(peer).lease
    assert not is_readable(peer.fileno())
    peer.report(lease, 1, [line("a")])
    peer.report(lease, 2, [line("b")])
    assert is_readable(peer.fileno())
    assert [(report.lease, report.sequence) for report in peer.receive()] == [(lease, 1), (lease, 2)]
    assert not is_readable(peer.fileno())
    assert peer.receive() == ()


def test_a_runner_that_floods_waits_until_there_is_room(peer: InProcessPeer) -> None:
    lease = take(peer).lease
    heard: list[int] = []

    def flood() -> None:
        for number in range(1, 201):
            peer.report(lease, number, [line("x")])

    thread = threading.Thread(target=flood)
    thread.start()
    most = 0
    while len(heard) < 200:
        assert select.select([peer.fileno()], [], [], WAIT)[0]
        reports = peer.receive()
        most = max(most, len(reports))
        heard.extend(report.sequence for report in reports)
    thread.join(WAIT)
    assert heard == list(range(1, 201))
    assert most <= 32


def test_a_stop_is_readable_and_stays_so(peer: InProcessPeer) -> None:
    signal = peer.stop_signal(take(peer).lease)
    seen: list[tuple[str | None, bool]] = [(signal.reason, is_readable(signal.fileno()))]
    peer.stop("1.1.1", "fail-fast", force=False)
    peer.stop("1.1.1", "cancelled", force=False)
    seen.append((signal.reason, signal.forced))
    assert seen == [(None, False), ("fail-fast", False)]
    assert is_readable(signal.fileno())
    peer.stop("1.1.1", "cancelled", force=True)
    assert signal.forced


def test_stopping_what_is_unknown_or_closed_is_no_error(peer: InProcessPeer) -> None:
    peer.stop("9.9.9", "cancelled", force=True)
    lease = take(peer).lease
    peer.report(lease, 1, [FINISHED])
    peer.forget(lease)
    peer.forget(lease)
    peer.stop(lease, "cancelled", force=True)


def test_a_job_concluded_without_its_runner_keeps_its_signal_until_the_runner_is_done(peer: InProcessPeer) -> None:
    lease = take(peer).lease
    signal = peer.stop_signal(lease)
    peer.stop(lease, "cancelled", force=False)
    peer.forget(lease)
    assert is_readable(signal.fileno())
    peer.report(lease, 1, [line("unheard")])
    peer.report(lease, 2, [FINISHED])
    assert peer.receive() == ()
    with pytest.raises(KeyError):
        peer.stop_signal(lease)


def test_a_flooding_runner_whose_lease_is_closed_is_let_go(peer: InProcessPeer) -> None:
    lease = take(peer).lease
    done = threading.Event()

    def flood() -> None:
        for number in range(1, 100):
            peer.report(lease, number, [line("x")])
        done.set()

    threading.Thread(target=flood, daemon=True).start()
    assert select.select([peer.fileno()], [], [], WAIT)[0]
    peer.forget(lease)
    assert done.wait(WAIT)


def test_a_paused_job_goes_on_with_the_step_that_it_is_told(peer: InProcessPeer) -> None:
    lease = take(peer).lease
    peer.retry(lease, 3)
    assert peer.wait_for_retry(lease) == 3


def test_a_paused_job_that_is_stopped_gives_up(peer: InProcessPeer) -> None:
    lease = take(peer).lease
    heard: list[int | None] = []
    thread = threading.Thread(target=lambda: heard.append(peer.wait_for_retry(lease)))
    thread.start()
    peer.stop(lease, "cancelled", force=False)
    thread.join(WAIT)
    assert heard == [None]

"""What every `Controls` promises."""

from pathlib import Path

import pytest

from homeport.ports.control import CancelRun, Controls, Request, RetryJob, Wake
from homeport.store.control_folder import FolderControls
from homeport.store.memory import MemoryControls

REQUESTS: list[Request] = [
    CancelRun(by="ann", reason="not needed"),
    CancelRun(by="ann", reason="now", force=True, job="deploy (eu)"),
    RetryJob(),
    RetryJob(job="build", step=3),
    Wake(),
]


@pytest.fixture(params=["memory", "folder"])
def controls(request: pytest.FixtureRequest, tmp_path: Path) -> Controls:
    # A path far longer than the 108 bytes that the address of a socket may have.
    return MemoryControls() if request.param == "memory" else FolderControls(str(tmp_path / ("deep/" * 40)))


def test_requests_arrive_in_order(controls: Controls) -> None:
    inbox = controls.open("1")
    assert inbox.receive() == []
    assert all(controls.send("1", request) for request in REQUESTS)
    assert list(inbox.receive()) == REQUESTS
    assert inbox.receive() == []


def test_each_run_has_an_inbox_of_its_own(controls: Controls) -> None:
    one, two = controls.open("1"), controls.open("2")
    controls.send("2", Wake())
    assert one.receive() == []
    assert list(two.receive()) == [Wake()]


def test_nobody_is_reached_where_no_inbox_is_open(controls: Controls) -> None:
    assert not controls.send("1", Wake())
    inbox = controls.open("1")
    inbox.close()
    inbox.close()
    assert not controls.send("1", Wake())


def test_an_inbox_can_be_opened_again(controls: Controls) -> None:
    controls.open("1").close()
    inbox = controls.open("1")
    assert controls.send("1", Wake())
    assert list(inbox.receive()) == [Wake()]


def test_a_long_reason_arrives_shortened_or_whole(controls: Controls) -> None:
    inbox = controls.open("1")
    assert controls.send("1", CancelRun(by="ann", reason="x" * 100_000))
    (request,) = inbox.receive()
    assert isinstance(request, CancelRun)
    assert request.reason.startswith("xxx")

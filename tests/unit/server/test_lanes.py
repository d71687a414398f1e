"""Threads that work things off: a fault in the things of one repository holds up no other."""

import logging
import threading

import pytest

from homeport.server.lanes import Lanes

LONG = 60.0


def test_a_fault_ends_no_thread_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    came = threading.Event()

    def step(repository: int) -> float | None:
        if repository < 5:
            raise ZeroDivisionError
        came.set()
        return None

    lanes = Lanes("things", step, threads=2)
    for repository in range(1, 6):
        lanes.wake(repository)
    lanes.start()
    try:
        assert came.wait(LONG), "the threads have ended before it was the fifth's turn"
    finally:
        lanes.stop()
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert sorted(record.__dict__["repository"] for record in told) == [1, 2, 3, 4]  # two threads, in any order
    assert all(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in told)

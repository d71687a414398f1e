"""What a runner keeps while its server is away: all of it, in order, and no more than the disk is to hold."""

import os
import threading
from pathlib import Path

from homeport.runner.spool import Spool, read_left

LONG = 60.0
"""A bound for something that hangs, not an expectation"""
LARGEST = 1000
REPORT = b"x" * 100


def add_all(spool: Spool, count: int) -> threading.Thread:
    """A job that says more than may wait."""

    def work() -> None:
        for number in range(1, count + 1):
            spool.add(number, REPORT)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_job_waits_while_its_server_takes_nothing_in_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "spool" / "1"
    spool = Spool(str(path), "token", LARGEST)
    job = add_all(spool, 100)
    taken: list[int] = []
    while len(taken) < 100:
        reports = spool.await_reports(250, LONG)
        assert reports
        assert path.stat().st_size <= 2 * LARGEST + 2 * len(REPORT)
        taken += [number for number, _ in reports]
        spool.acknowledge(taken[-1])
    job.join(LONG)
    assert taken == list(range(1, 101))
    assert spool.is_empty
    spool.drop()
    assert not path.exists()


def test_the_file_stays_small_where_there_is_always_something_waiting(tmp_path: Path) -> None:
    """The sender is never quite done: what it has acknowledged still takes room in the file, until that begins anew."""
    path = tmp_path / "spool" / "1"
    spool = Spool(str(path), "token", LARGEST)
    job = add_all(spool, 200)
    largest, last = 0, 0
    while last < 200:
        reports = spool.await_reports(1 << 20, LONG)
        largest = max(largest, path.stat().st_size)
        last = reports[-2][0] if len(reports) > 1 else reports[-1][0]  # all but the newest
        spool.acknowledge(last)
    job.join(LONG)
    assert largest <= 2 * LARGEST + 2 * len(REPORT)
    spool.drop()


def test_a_job_that_is_given_up_waits_no_more(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "spool" / "1"), "token", LARGEST)
    job = add_all(spool, 100)
    spool.await_reports(1, LONG)
    spool.drop()
    job.join(LONG)
    assert not job.is_alive()


def test_what_a_runner_that_died_has_left_is_read_up_to_its_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "spool" / "1"
    spool = Spool(str(path), "token", LARGEST)
    for number in (1, 2, 3):
        spool.add(number, b"report %d" % number)
    os.truncate(path, path.stat().st_size - 4)
    assert read_left(str(path)) == ("token", [(1, b"report 1"), (2, b"report 2")])
    spool.drop()

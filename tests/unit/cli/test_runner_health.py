"""An accident of the built-in runner is told apart from one that does not come up."""

import pytest

from homeport.cli.runner_health import RunnerHealth
from homeport.ports.repositories import StoreError
from tests.support.plans import FixedClock

WORDS = "Traceback (most recent call last):\nOSError: no room in /var/lib/homeport for this"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


def die(health: RunnerHealth, clock: FixedClock, after: float = 0.1, code: int = 1) -> None:
    health.note_start("builtin-1")
    clock.advance(after)
    health.note_death("builtin-1", code, WORDS)
    health.note_look([])


def test_one_death_is_an_accident_and_the_third_at_once_is_not(clock: FixedClock) -> None:
    health = RunnerHealth(clock)
    for _ in range(2):
        die(health, clock)
        assert health.problem is None
    die(health, clock)
    assert health.problem == "ends with 1 whenever it is started (3 times so far): OSError: no room in … for this"
    assert health.deaths == 3


def test_it_is_started_less_and_less_often(clock: FixedClock) -> None:
    health = RunnerHealth(clock)
    waits = []
    for _ in range(8):
        die(health, clock)
        waits.append(health.pause_seconds)
    assert waits == [0, 2, 4, 8, 16, 32, 60, 60]


def test_deaths_after_a_while_are_accidents_however_many(clock: FixedClock) -> None:
    health = RunnerHealth(clock)
    for _ in range(20):
        die(health, clock, after=60, code=-9)
    assert (health.problem, health.deaths, health.pause_seconds) == (None, 20, 0)


def test_one_that_lives_for_a_while_ends_the_trouble(clock: FixedClock) -> None:
    health = RunnerHealth(clock)
    for _ in range(4):
        die(health, clock)
    health.note_start("builtin-1")
    problems = []
    for _ in range(2):
        clock.advance(6)
        health.note_look(["builtin-1"])
        problems.append(health.problem or "")
    assert [bool(problem) for problem in problems] == [True, False]
    assert health.pause_seconds == 0


def test_what_keeps_it_from_being_started_is_said_until_it_is_gone(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    health = RunnerHealth(clock)
    for _ in range(3):
        health.note_failure(NotADirectoryError(20, "Not a directory", "/var/lib/homeport/runner"))
    assert health.problem == "cannot be started: Not a directory"
    assert len(caplog.records) == 1
    health.note_failure(StoreError("/var/lib/homeport: no space left"))
    assert health.problem == "cannot be started: its folder cannot be used"
    health.note_look([])
    assert health.problem is None


def test_a_fault_of_homeports_own_is_said_once_with_its_trace(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    health = RunnerHealth(clock)
    for _ in range(3):
        health.note_failure(ZeroDivisionError())
    assert health.problem == "cannot be started: a fault of Homeport's own"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError

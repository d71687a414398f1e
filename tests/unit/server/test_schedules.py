"""Ticks: each at most once, the newest missed one late, none twice."""

from datetime import UTC, datetime, timedelta

import pytest

from homeport.server.schedules import find_due, find_next
from homeport.store.tables.deliveries import Schedule

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def schedule(cron: str, timezone: str = "UTC", seen_until: datetime = NOON) -> Schedule:
    return Schedule(repository=1, workflow="w", cron=cron, timezone=timezone, seen_until=seen_until)


def test_a_tick_is_due_from_its_second_on() -> None:
    every_five = schedule("*/5 * * * *")
    assert find_due(every_five, NOON) is None
    assert find_due(every_five, NOON + timedelta(minutes=4, seconds=59)) is None
    assert find_due(every_five, NOON + timedelta(minutes=5)) == NOON + timedelta(minutes=5)


def test_of_several_missed_ticks_the_newest_is_due() -> None:
    assert find_due(schedule("0 * * * *"), NOON + timedelta(hours=7, minutes=30)) == NOON + timedelta(hours=7)


def test_a_clock_that_is_turned_back_makes_nothing_due_again() -> None:
    seen = schedule("0 * * * *", seen_until=NOON + timedelta(hours=2))
    assert find_due(seen, NOON + timedelta(hours=1, minutes=30)) is None
    assert find_due(seen, NOON + timedelta(hours=3)) == NOON + timedelta(hours=3)


def test_a_time_zone_is_kept_through_the_year() -> None:
    berlin = schedule("0 9 * * *", "Europe/Berlin", seen_until=datetime(2026, 1, 1, tzinfo=UTC))
    assert find_due(berlin, datetime(2026, 2, 1, 8, 30, tzinfo=UTC)) == datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
    assert find_due(berlin, datetime(2026, 7, 1, 8, 30, tzinfo=UTC)) == datetime(2026, 7, 1, 7, 0, tzinfo=UTC)


def test_a_time_that_comes_twice_fires_once() -> None:
    """On 25 October 2026 it is 2:30 twice in Berlin."""
    twice = schedule("30 2 * * *", "Europe/Berlin", seen_until=datetime(2026, 10, 24, 12, 0, tzinfo=UTC))
    moment, fired = datetime(2026, 10, 24, 12, 0, tzinfo=UTC), set()
    while moment < datetime(2026, 10, 25, 12, 0, tzinfo=UTC):
        moment += timedelta(minutes=10)
        due = find_due(twice, moment)
        if due is not None:
            fired.add(due)
            twice = schedule("30 2 * * *", "Europe/Berlin", seen_until=due)
    assert len(fired) == 1


@pytest.mark.parametrize("cron", ["0 0 * jan sun", "0 0 * JAN SUN", "0 0 1-7 * mon-fri", "*/15 1,2 * * 7"])
def test_names_and_lists_are_taken(cron: str) -> None:
    assert find_next(schedule(cron), NOON) is not None


@pytest.mark.parametrize(("cron", "timezone"), [("0 0 30 2 *", "UTC"), ("nonsense", "UTC"), ("0 0 * * *", "Mars/Base")])
def test_what_never_comes_is_never_due(cron: str, timezone: str) -> None:
    assert find_due(schedule(cron, timezone), NOON) is None
    assert find_next(schedule(cron, timezone), NOON) is None

"""Cron expressions."""

import pytest

from homeport.language.cron import CronError, parse_cron, shortest_interval_minutes


def test_the_five_fields_become_sets() -> None:
    schedule = parse_cron("*/20 9-11,13 1 */6 MON-wed")
    assert schedule.minutes == {0, 20, 40}
    assert schedule.hours == {9, 10, 11, 13}
    assert schedule.days == {1}
    assert schedule.months == {1, 7}
    assert schedule.weekdays == {1, 2, 3}
    assert schedule.either_day


@pytest.mark.parametrize(
    ("text", "either"), [("0 0 * * 1", False), ("0 0 1 * *", False), ("0 0 */2 * 1", False), ("0 0 1 * 1", True)]
)
def test_two_restricted_day_fields_mean_either(text: str, either: bool) -> None:
    assert parse_cron(text).either_day is either


def test_sunday_is_zero_and_seven() -> None:
    assert parse_cron("0 0 * * 7").weekdays == parse_cron("0 0 * * sun").weekdays == {0}


def test_a_start_with_a_step_runs_to_the_end_of_the_field() -> None:
    assert parse_cron("5/20 0 * * *").minutes == {5, 25, 45}


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("* * * *", 0),
        ("* * * * * *", 0),
        ("@hourly", 0),
        ("60 * * * *", 0),
        ("* 24 * * *", 2),
        ("* * 0 * *", 4),
        ("* * * 13 *", 6),
        ("* * * foo *", 6),
        ("* * * * 8", 8),
        ("*/x * * * *", 2),
        ("1-x * * * *", 2),
        ("5-1 * * * *", 0),
        ("1,,2 * * * *", 2),
        ("-1 * * * *", 0),
        ("² * * * *", 0),
        ("99999999999999999999 * * * *", 0),
    ],
)
def test_a_mistake_has_its_offset(text: str, offset: int) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("* * * * *", 1),
        ("*/5 * * * *", 5),
        ("0 * * * *", 60),
        ("0,58 * * * *", 2),
        ("0,58 9 * * *", 58),
        ("0,58 23,0 * * *", 2),
        ("30 4 * * *", 60),
    ],
)
def test_the_shortest_interval_crosses_hours_and_midnight(text: str, minutes: int) -> None:
    assert shortest_interval_minutes(parse_cron(text)) == minutes

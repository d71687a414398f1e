"""Cron expressions of `on.schedule`: five fields of POSIX cron, with names of months and days.

Source: docs "Events that trigger workflows: schedule" (POSIX syntax, no `@hourly` and the like, at most every five minutes).
"""

from itertools import pairwise

import msgspec

SHORTEST_INTERVAL_MINUTES = 5

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)


class CronSchedule(msgspec.Struct, frozen=True):
    """When a schedule fires. A day must be in `days` and in `weekdays` (0 is Sunday), or, where both are restricted, in either."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """both day fields are restricted: cron then takes days that match one of them"""


class CronError(ValueError):
    """What is wrong with a cron expression; `offset` is where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def parse_cron(text: str) -> CronSchedule:
    """The schedule that a cron expression describes. Raises CronError."""
    fields = _split(text)
    if text.lstrip().startswith("@"):
        raise CronError(f"'{text.strip()}' is not supported; expected five fields", 0)
    if len(fields) != len(_FIELDS):
        raise CronError(
            f"found {len(fields)} fields; expected five: minute, hour, day of the month, month, day of the week", 0
        )
    sets = [
        _parse_field(field, offset, title, low, high, names)
        for (field, offset), (title, low, high, names) in zip(fields, _FIELDS, strict=True)
    ]
    minutes, hours, days, months, weekdays = sets
    either = not fields[2][0].startswith("*") and not fields[4][0].startswith("*")
    return CronSchedule(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either)


def shortest_interval_minutes(schedule: CronSchedule) -> int:
    """The least time between two firings on one day."""
    minutes = sorted(schedule.minutes)
    gaps = [later - earlier for earlier, later in pairwise(minutes)]
    if any((hour + 1) % 24 in schedule.hours for hour in schedule.hours):
        gaps.append(60 - minutes[-1] + minutes[0])
    return min(gaps, default=60)


def _split(text: str) -> list[tuple[str, int]]:
    fields: list[tuple[str, int]] = []
    offset = 0
    for part in text.split(" "):
        if stripped := part.strip("\t"):
            fields.append((stripped, offset))
        offset += len(part) + 1
    return fields


def _parse_field(field: str, offset: int, title: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for part in field.split(","):
        values.update(_parse_part(part, offset, title, low, high, names))
        offset += len(part) + 1
    return frozenset(values)


def _parse_part(part: str, offset: int, title: str, low: int, high: int, names: dict[str, int]) -> range:
    span, slash, step_text = part.partition("/")
    step = 1
    if slash:
        if not _is_number(step_text) or int(step_text) == 0:
            raise CronError(f"the step '{step_text}' of the {title} is not a number above zero", offset + len(span) + 1)
        step = int(step_text)
    if span == "*":
        return range(low, high + 1, step)
    first_text, dash, last_text = span.partition("-")
    first = _parse_value(first_text, offset, title, low, high, names)
    if not dash:
        return range(first, (high if slash else first) + 1, step)
    last = _parse_value(last_text, offset + len(first_text) + 1, title, low, high, names)
    if last < first:
        raise CronError(f"the range '{span}' of the {title} ends before it begins", offset)
    return range(first, last + 1, step)


def _parse_value(text: str, offset: int, title: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text.lower())
    if value is None and _is_number(text):
        value = int(text)
    if value is None or not low <= value <= high:
        also = f", or a name such as {next(iter(names)).upper()}" if names else ""
        raise CronError(f"'{text}' is not a {title}; expected {low} to {high}{also}", offset)
    return value


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4

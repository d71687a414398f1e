"""Reads the `created` filter of lists: a day, a moment, or a range of them (docs: "Understanding the search syntax", dates)."""

from datetime import UTC, datetime, timedelta

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_Span = tuple[datetime | None, datetime | None]


def read_range(text: str) -> _Span:
    """The first moment that is in, and the first after it that is not. Raises `ValueError`."""
    text = text.strip()
    for sign in (">=", "<=", ">", "<"):
        if text.startswith(sign):
            return _compare(sign, *_read(text.removeprefix(sign)))
    first, dots, last = text.partition("..")
    if not dots:
        return _read(text)
    since = None if first in {"", "*"} else _read(first)[0]
    until = None if last in {"", "*"} else _read(last)[1]
    return since, until


def _compare(sign: str, start: datetime, end: datetime) -> _Span:
    match sign:
        case ">=":
            return start, None
        case ">":
            return end, None
        case "<=":
            return None, end
        case _:
            return None, start


def _read(text: str) -> tuple[datetime, datetime]:
    """A day, or a second; without a time zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+"))  # a plus that the address did not quote
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return moment, moment + (_DAY if len(text.strip()) == len("2026-01-01") else _SECOND)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:40]!r} is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z") from error

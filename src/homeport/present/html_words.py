"""Words and numbers as pages show them: ages, sizes, moments, states."""

from datetime import datetime

from homeport.run.facts import Conclusion

_UNITS = ((60, 1, "second"), (3600, 60, "minute"), (86400, 3600, "hour"), (14 * 86400, 86400, "day"))


def show_age(then: datetime, now: datetime) -> str:
    """`just now`, `5 minutes ago`, `yesterday`; what is older than two weeks by its date. A moment to come: `in 5 minutes`."""
    seconds = round((now - then).total_seconds())
    distance = abs(seconds)
    if distance < 10:
        return "just now"
    for limit, unit, word in _UNITS:
        if distance < limit:
            count = distance // unit
            amount = f"{count} {word}{'' if count == 1 else 's'}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    if then.year == now.year:
        return f"{then.day} {then:%b}"
    return f"{then.day} {then:%b %Y}"


def show_moment(then: datetime) -> str:
    """The whole of it, for whoever points at an age: `21 Nov 2026, 14:05:09 UTC`."""
    return f"{then.day} {then:%b %Y, %H:%M:%S} UTC"


def show_size(size: int) -> str:
    """`812 B`, `3.4 kB`, `12 MB`: powers of a thousand, as disks are sold."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.95 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def show_count(number: int, noun: str, plural: str = "") -> str:
    """`1 job`, `3 jobs`, `12,000 runs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def state_of(status: str, conclusion: Conclusion | None, *, outcome: Conclusion | None = None) -> str:
    """One word that colours, marks and filters go by: a conclusion, or where it is. A failure that may be is `forgiven`."""
    if status == "completed" and conclusion is not None:
        return "forgiven" if conclusion == "success" and outcome == "failure" else conclusion
    return status


STATE_WORDS = {
    "success": "Succeeded",
    "failure": "Failed",
    "forgiven": "Failed, as allowed",
    "cancelled": "Cancelled",
    "skipped": "Skipped",
    "running": "Running",
    "queued": "Queued",
    "waiting": "Waiting",
    "paused": "Paused",
    "lost": "Lost",
    "completed": "Completed",
    "action_required": "Needs approval",
    "startup_failure": "Could not start",
}

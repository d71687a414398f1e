"""Small words that every view shares: durations, marks, places."""

from datetime import datetime
from unicodedata import combining, east_asian_width

from homeport.language.late_pattern import late_pattern
from homeport.run.facts import AnnotationRaised, Conclusion, JobPaused

MARKS: dict[Conclusion, str] = {"success": "✓", "failure": "✗", "cancelled": "⊘", "skipped": "–"}
COLOURS: dict[Conclusion, str] = {"success": "32", "failure": "31", "cancelled": "33", "skipped": "2"}
SEVERITY_COLOURS = {"error": "31", "warning": "33", "notice": "36"}

_ANSI = late_pattern(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


def show_duration(seconds: float) -> str:
    """`84ms`, `3.2s`, `1m 05s`, `2h 03m`."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """The seconds from one moment to another; None where either is not known."""
    return None if start is None or end is None else (end - start).total_seconds()


def show_place(annotation: AnnotationRaised) -> str:
    """`file:line:column`, as far as it is known; empty where no file is."""
    parts = [annotation.file or "", annotation.line or 0, annotation.column or 0]
    if not parts[0]:
        return ""
    return ":".join(str(part) for part in parts if part)


def show_pause(fact: JobPaused) -> str:
    """Where a job that waits can be mended, and what makes it go on."""
    where = f"its workspace is {fact.workspace}; " if fact.workspace else ""
    return f"{where}`homeport retry` goes on"


def is_exit_notice(message: str) -> bool:
    """Whether a message says nothing but an exit code, or that a step was cancelled: a row of the job or step says so too."""
    return message.startswith("Process completed with exit code ") or message == "The operation was canceled."


def paint(text: str, code: str, colour: bool) -> str:
    """The text in an ANSI colour, or as it is."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour and text else text


def strip_ansi(text: str) -> str:
    """The text without terminal escape sequences (ECMA-48)."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def fit(text: str, width: int) -> str:
    """The text in at most `width` terminal columns, cut with `…`; control characters are left out."""
    if text.isascii() and text.isprintable():
        return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
    shown = [(character, _columns(character)) for character in text if character.isprintable()]
    if sum(columns for _, columns in shown) <= width:
        return "".join(character for character, _ in shown)
    kept, room = "", width - 1
    for character, columns in shown:
        if columns > room:
            break
        kept, room = kept + character, room - columns
    return f"{kept}…"


def _columns(character: str) -> int:
    """East Asian wide characters and emoji take two columns, combining characters none."""
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1

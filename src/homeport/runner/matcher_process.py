"""The process in which problem matchers run: a regular expression that backtracks without end can be stopped here, and only here.

Python's `re` holds the interpreter while it searches; a timer's signal interrupts it, but signals reach main threads only. So the
matchers of a job get a process of their own, started by path with nothing but the standard library: see `matchers.MatcherProcess`.

Source of the rules: actions/runner `OutputManager.OnDataReceived` and `IssueMatcher.Match`; ADR 0276.
"""

import marshal
import os
import re
import signal
import sys
from types import FrameType
from typing import Any

ATTEMPTS = 3
COLOUR_CODE = re.compile("\033\\[[0-9;]*m?")
FIELDS = ("file", "line", "column", "severity", "code", "message", "from_path")

Fields = dict[str, str | None]


class SearchTimeoutError(Exception):
    """The timer ran out while a pattern was searched for."""


class Pattern:
    """One expression and which group holds which field."""

    def __init__(self, written: dict[str, Any]) -> None:
        self.expression = re.compile(translate(written["regexp"]), re.ASCII)
        self.groups: dict[str, int] = written["groups"]
        self.loop: bool = written["loop"]
        for field, group in self.groups.items():
            if not 0 <= group <= self.expression.groups:
                raise ValueError(
                    f"The property '{field}' is set to {group} which is not a group of '{written['regexp']}'"
                )


class Matcher:
    """The patterns of one owner."""

    def __init__(self, written: dict[str, Any]) -> None:
        self.owner: str = written["owner"]
        self.severity: str = written["severity"]
        self.from_path: str = written["from_path"]
        self.patterns = [Pattern(pattern) for pattern in written["patterns"]]


def translate(expression: str) -> str:
    """A JavaScript expression as Python writes it: named groups are spelled differently."""
    return re.sub(r"\(\?<(?![=!])", "(?P<", expression)


class State:
    """How far each matcher has come in one stream of lines."""

    def __init__(self) -> None:
        self._running: dict[Matcher, list[Fields | None]] = {}

    def get(self, matcher: Matcher) -> list[Fields | None]:
        """What the patterns but the last have found so far."""
        return self._running.setdefault(matcher, [None] * (len(matcher.patterns) - 1))

    def reset_others(self, matcher: Matcher) -> None:
        """A match of one matcher makes all others begin anew."""
        self._running = {key: value for key, value in self._running.items() if key is matcher}


def match_line(matcher: Matcher, running: list[Fields | None], line: str) -> Fields | None:
    """Feed a line to one matcher; its fields where the last pattern matched."""
    last = len(matcher.patterns) - 1
    for index in range(last, -1, -1):
        before = running[index - 1] if index > 0 else None
        if index > 0 and before is None:
            continue
        pattern = matcher.patterns[index]
        found = pattern.expression.search(line)
        if found is None:
            if last > 0:
                running[index - 1 if index == last else index] = None
            continue
        fields = merge_fields(before, pattern, found)
        if index < last:
            running[index] = fields
            continue
        running[:] = [None] * last
        if pattern.loop and last > 0:
            running[last - 1] = before
        fields["severity"] = fields["severity"] or matcher.severity
        fields["from_path"] = fields["from_path"] or matcher.from_path
        return fields
    return None


def merge_fields(before: Fields | None, pattern: Pattern, found: "re.Match[str]") -> Fields:
    """What earlier patterns found stays; a group that took no part is empty."""
    fields: Fields = {}
    for field in FIELDS:
        earlier = before[field] if before is not None else None
        group = pattern.groups.get(field)
        fields[field] = earlier if earlier is not None or group is None else (found[group] or "")
    return fields


def is_issue(fields: Fields) -> bool:
    """Whether a match says something, with a severity that there is."""
    severity = (fields["severity"] or "error").lower()
    return bool((fields["message"] or "").strip()) and severity in {"error", "warning", "notice"}


class Service:
    """Answers the requests of one job."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._matchers: list[Matcher] = []
        self._states: dict[int, State] = {}
        self._removed: list[tuple[str, str]] = []

    def answer(self, request: tuple[Any, ...]) -> Any:
        """`add` → error or None · `remove` → None · `match` → (fields or None for each line, (owner, why) removed) · `end` → None."""
        match request:
            case ("add", written):
                return self._add(written)
            case ("remove", owners):
                self._remove(set(owners))
            case ("match", stream, lines):
                self._removed = []
                state = self._states.setdefault(stream, State())
                return [self._match(state, line) for line in lines], self._removed
            case ("end", stream):
                self._states.pop(stream, None)
        return None

    def _add(self, written: list[dict[str, Any]]) -> str | None:
        try:
            added = [Matcher(matcher) for matcher in written]
        except (re.error, ValueError, OverflowError, RecursionError) as error:
            return str(error)
        self._remove({matcher.owner.lower() for matcher in added})
        self._matchers = added + self._matchers
        return None

    def _remove(self, owners: set[str]) -> None:
        self._matchers = [matcher for matcher in self._matchers if matcher.owner.lower() not in owners]

    def _match(self, state: State, line: str) -> Fields | None:
        stripped = COLOUR_CODE.sub("", line) if "\033[" in line else line
        for matcher in list(self._matchers):
            fields = self._search(matcher, state, stripped)
            if fields is not None:
                state.reset_others(matcher)
                if is_issue(fields):
                    return {**fields, "text": stripped}
        return None

    def _search(self, matcher: Matcher, state: State, line: str) -> Fields | None:
        for _ in range(ATTEMPTS):
            try:
                signal.setitimer(signal.ITIMER_REAL, self._timeout_seconds)
                try:
                    return match_line(matcher, state.get(matcher), line)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except SearchTimeoutError:
                continue
        self._matchers.remove(matcher)
        self._removed.append((matcher.owner, f"no answer within {self._timeout_seconds:g} s"))
        return None


def on_alarm(_number: int, _frame: FrameType | None) -> None:
    """Interrupts the search."""
    raise SearchTimeoutError


def serve(timeout_seconds: float) -> None:
    """Answer length-prefixed requests from stdin on stdout, until stdin ends."""
    signal.signal(signal.SIGALRM, on_alarm)
    service = Service(timeout_seconds)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while header := source.read(4):
        request = marshal.loads(source.read(int.from_bytes(header, "big")))  # noqa: S302 - from the parent, nobody else
        answer = marshal.dumps(service.answer(request))
        target.write(len(answer).to_bytes(4, "big") + answer)
        target.flush()


if __name__ == "__main__":
    try:
        serve(float(sys.argv[1]))
    except BrokenPipeError:
        os._exit(0)

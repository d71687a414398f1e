"""Problem matchers: finds errors and warnings in the output of tools.

Source: actions/runner `IssueMatcher`, `IssueMatchersConfig.Validate`, `OutputManager`; its ADR 0276. Matching itself happens in
`matcher_process`, where an expression that never ends can be stopped.
"""

import marshal
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

import msgspec

TIMEOUT_SECONDS = 1.0
_FIELDS = ("file", "line", "column", "severity", "code", "message", "fromPath")
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "matcher_process.py")


class MatcherError(Exception):
    """A definition that cannot be used."""


class ProblemPattern(msgspec.Struct, frozen=True, rename={"from_path": "fromPath"}):
    """One expression; each field is the number of the group that holds it."""

    regexp: str = ""
    file: int | None = None
    line: int | None = None
    column: int | None = None
    severity: int | None = None
    code: int | None = None
    message: int | None = None
    from_path: int | None = None
    loop: bool = False


class ProblemMatcher(msgspec.Struct, frozen=True, rename={"patterns": "pattern", "from_path": "fromPath"}):
    """What one owner looks for."""

    owner: str = ""
    severity: str | None = None
    from_path: str | None = None
    patterns: tuple[ProblemPattern, ...] = ()


class _Definition(msgspec.Struct, frozen=True, rename={"matchers": "problemMatcher"}):
    matchers: tuple[ProblemMatcher, ...] = ()


class Match(msgspec.Struct, frozen=True):
    """What was found in one line; `text` is the line without colours."""

    text: str
    message: str
    severity: str
    file: str
    line: str
    column: str
    code: str
    from_path: str


def parse_matchers(definition: bytes) -> tuple[ProblemMatcher, ...]:
    """The matchers of a JSON definition, checked as the runner checks them. Raises `MatcherError`."""
    try:
        matchers = msgspec.json.decode(definition.removeprefix(b"\xef\xbb\xbf"), type=_Definition).matchers
    except msgspec.MsgspecError as error:
        raise MatcherError(f"This is not a definition of problem matchers: {error}") from error
    owners: set[str] = set()
    for matcher in matchers:
        _check_matcher(matcher)
        if matcher.owner.lower() in owners:
            raise MatcherError(f"Duplicate owner name '{matcher.owner}'")
        owners.add(matcher.owner.lower())
    return matchers


def _check_matcher(matcher: ProblemMatcher) -> None:
    if not matcher.owner:
        raise MatcherError("Owner must not be empty")
    if (matcher.severity or "error").lower() not in {"error", "warning", "notice"}:
        raise MatcherError(f"Matcher '{matcher.owner}' contains unexpected default severity '{matcher.severity}'")
    if not matcher.patterns:
        raise MatcherError(f"Matcher '{matcher.owner}' does not contain any patterns")
    seen: set[str] = set()
    for index, pattern in enumerate(matcher.patterns):
        if pattern.loop and (index == 0 or index < len(matcher.patterns) - 1):
            raise MatcherError("Only the last pattern in a multiline matcher may set 'loop'")
        if pattern.loop and pattern.message is None:
            raise MatcherError("The loop pattern must set 'message'")
        for field in _groups(pattern):
            if field in seen:
                raise MatcherError(f"The property '{field}' is set twice")
            seen.add(field)
    if "message" not in seen:
        raise MatcherError("At least one pattern must set 'message'")


def _groups(pattern: ProblemPattern) -> dict[str, int]:
    values = {name: getattr(pattern, "from_path" if name == "fromPath" else name) for name in _FIELDS}
    return {name: value for name, value in values.items() if value is not None}


class MatcherProcess:
    """The matchers of one job, in a process of their own. Thread-safe. It is started with the first matcher, and ended by `close`."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._owners: set[str] = set()
        self.pid = 0
        """0 while there is none"""
        self._requests = -1
        self._answers = -1

    @property
    def is_active(self) -> bool:
        """Whether there is any matcher."""
        return bool(self._owners)

    def add(self, matchers: Sequence[ProblemMatcher]) -> None:
        """Put these before those there are; of the same owner they replace them. Raises `MatcherError`, and nothing is added then."""
        if not matchers:
            return
        with self._lock:
            error = self._ask(("add", [_to_plain(matcher) for matcher in matchers]))
            if error is not None:
                raise MatcherError(str(error))
            self._owners |= {matcher.owner.lower() for matcher in matchers}

    def remove(self, owners: Sequence[str]) -> None:
        """Forget the matchers of these owners; owners there are not are no matter."""
        folded = {owner.lower() for owner in owners} & self._owners
        if folded:
            with self._lock:
                self._ask(("remove", sorted(folded)))
                self._owners -= folded

    def match(self, stream: int, lines: list[str]) -> tuple[list[Match | None], list[tuple[str, str]]]:
        """What each line holds, and which owners were given up because they took too long: (owner, why).

        `stream` tells apart the outputs that are read at the same time: a match over several lines stays within one.
        """
        with self._lock:
            found, removed = self._ask(("match", stream, lines))
            self._owners -= {owner.lower() for owner, _ in removed}
        return [None if fields is None else _to_match(fields) for fields in found], removed

    def end_stream(self, stream: int) -> None:
        """No more lines will come on this stream."""
        if self._owners:
            with self._lock:
                self._ask(("end", stream))

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._owners.clear()
        if self.pid:
            os.close(self._requests)
            os.close(self._answers)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def _ask(self, request: tuple[Any, ...]) -> Any:
        if not self.pid:
            self._start()
        body = marshal.dumps(request)
        try:
            _write_all(self._requests, len(body).to_bytes(4, "big") + body)
            return marshal.loads(_read_exactly(self._answers, _read_length(self._answers)))  # noqa: S302 - our own child
        except (OSError, EOFError) as error:
            self._end()
            raise MatcherError("The process of the problem matchers has ended: they are off from here on") from error

    def _start(self) -> None:
        child_in, self._requests = os.pipe()
        self._answers, child_out = os.pipe()
        arguments = [sys.executable, "-I", "-S", "-W", "ignore", _PROGRAM, str(self._timeout_seconds)]
        actions = [(os.POSIX_SPAWN_DUP2, child_in, 0), (os.POSIX_SPAWN_DUP2, child_out, 1)]
        # ^C at a terminal reaches the whole process group, and matchers are needed until the cleanup steps have run
        blocked = [signal.SIGINT, signal.SIGQUIT]
        self.pid = os.posix_spawn(sys.executable, arguments, {}, file_actions=actions, setsigmask=blocked)
        os.close(child_in)
        os.close(child_out)


def _to_plain(matcher: ProblemMatcher) -> dict[str, Any]:
    patterns = [
        {
            "regexp": pattern.regexp,
            "groups": {"from_path" if name == "fromPath" else name: group for name, group in _groups(pattern).items()},
            "loop": pattern.loop,
        }
        for pattern in matcher.patterns
    ]
    return {
        "owner": matcher.owner,
        "severity": matcher.severity or "",
        "from_path": matcher.from_path or "",
        "patterns": patterns,
    }


def _to_match(fields: dict[str, str | None]) -> Match:
    return Match(**{name: value or "" for name, value in fields.items()})


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_length(descriptor: int) -> int:
    return int.from_bytes(_read_exactly(descriptor, 4), "big")


def _read_exactly(descriptor: int, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = os.read(descriptor, length)
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)

"""What is checked when a runner reports: whose job it is, whether it was heard before, and once more that no secret is in it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from homeport.run.facts import LinesLogged, RunnerFact

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

_TEXTS = ("message", "title", "markdown", "url", "reason", "detail", "version")
"""The fields of facts that hold text of a step's making."""
_SHORTEST_LINE = 4
"""A line of a multi-line secret that is shorter than this is not a secret by itself (as in the runner's own masking)."""
_LONG = 8192


class ReportError(Exception):
    """A runner reported what it cannot know: a fault of Homeport's own, or somebody who pretends to be a runner."""


class LeasedJob:
    """The coordinator's memory of one lease. `heard`: the last report that an earlier process took in."""

    __slots__ = ("_heard", "_needles", "_search", "job", "run")

    def __init__(self, run: str, job: str, secrets: Mapping[str, str], *, heard: int = 0) -> None:
        self.run = run
        self.job = job
        self._heard = heard
        self._needles = _find_needles(secrets.values())
        self._search: BytesAhoCorasick | None = None

    def accept(self, sequence: int, facts: Sequence[RunnerFact]) -> Sequence[RunnerFact]:
        """The facts of a report, masked; none where it was heard before. Raises `ReportError`."""
        if sequence <= self._heard:
            return ()
        if sequence != self._heard + 1:
            raise ReportError(f"report {sequence} of {self.job} came after report {self._heard}")
        self._heard = sequence
        for fact in facts:
            if (fact.run, fact.job) != (self.run, self.job):
                raise ReportError(f"the runner of {self.job} in run {self.run} spoke of {fact.job} in run {fact.run}")
        return [self._mask(fact) for fact in facts] if self._needles else facts

    def _mask(self, fact: RunnerFact) -> RunnerFact:
        """The runner has masked everything; this catches what it should have, at the price of a search."""
        if isinstance(fact, LinesLogged):
            text = self._mask_text(fact.text)
            return fact if text is fact.text else msgspec.structs.replace(fact, text=text)
        changes: dict[str, object] = {}
        for name in _TEXTS:
            value = getattr(fact, name, None)
            if value and (masked := self._mask_text(value)) is not value:
                changes[name] = masked
        outputs = getattr(fact, "outputs", None)
        if outputs and any(self._mask_text(value) is not value for value in outputs.values()):
            changes["outputs"] = {name: self._mask_text(value) for name, value in outputs.items()}
        return msgspec.structs.replace(fact, **changes) if changes else fact

    def _mask_text(self, text: str) -> str:
        """The same object where nothing is to be hidden."""
        if self._holds_secret(text):
            for needle in self._needles:
                text = text.replace(needle, "***")
        return text

    def _holds_secret(self, text: str) -> bool:
        if len(text) < _LONG:
            return any(needle in text for needle in self._needles)
        if self._search is None:
            # a hundred times faster than one needle after the other; jobs that say little can do without
            from ahocorasick_rs import BytesAhoCorasick  # noqa: PLC0415

            self._search = BytesAhoCorasick([needle.encode("utf-8", "surrogatepass") for needle in self._needles])
        return bool(self._search.find_matches_as_indexes(text.encode("utf-8", "surrogatepass")))


def _find_needles(secrets: Iterable[str]) -> tuple[str, ...]:
    needles: set[str] = set()
    for secret in secrets:
        lines = [line for line in map(str.strip, secret.splitlines()) if line]
        needles.update(lines if len(lines) == 1 else (line for line in lines if len(line) >= _SHORTEST_LINE))
    return tuple(sorted((needle for needle in needles if needle.strip("*")), key=len, reverse=True))

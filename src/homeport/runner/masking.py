"""Keeps secrets out of everything that a job says."""

import threading
from collections.abc import Iterable

from homeport.runner.secret_forms import list_forms

MASK = b"***"
COMMAND_MARKS = (b"::", b"##[")
"""What a workflow command begins with; looked for in the same pass as secrets."""

Range = tuple[int, int]


class Masker:
    """The secrets of one job. Thread-safe: a value counts from the moment that `add` returns.

    Overlapping and adjoining finds are hidden as one (C# runner: `SecretMasker.MaskSecrets`). The search is exact in bytes; text that
    is not UTF-8 is searched all the same.
    """

    def __init__(self) -> None:
        self._forms: set[bytes] = set()
        self._lock = threading.Lock()
        self._search: _Search | None = None

    def add(self, *values: str) -> None:
        """Hide these values, in all their forms, from now on."""
        forms = {form for value in values for form in list_forms(value)}
        with self._lock:
            if not forms <= self._forms:
                self._forms |= forms
                self._search = _build_search(self._forms)

    @property
    def longest(self) -> int:
        """The length of the longest form, in bytes: what must stay together for none to be missed."""
        search = self._search
        return search.longest if search is not None else 0

    def is_plain(self, data: bytes) -> bool:
        """Whether there is neither a secret nor the mark of a command in it. False may be wrong, true is not."""
        search = self._search
        if search is None:
            return COMMAND_MARKS[0] not in data and COMMAND_MARKS[1] not in data
        return not search.probe.find_matches_as_indexes(data)

    def find(self, data: bytes) -> list[Range]:
        """Where secrets stand, merged and in order."""
        search = self._search
        if search is None:
            return []
        return _merge((start, end) for _, start, end in search.every.find_matches_as_indexes(data, overlapping=True))

    def mask(self, data: bytes) -> bytes:
        """The same with `***` for every secret."""
        ranges = self.find(data)
        if not ranges:
            return data
        parts: list[bytes] = []
        position = 0
        for start, end in ranges:
            parts.append(data[position:start])
            position = end
        parts.append(data[position:])
        return MASK.join(parts)

    def mask_text(self, text: str) -> str:
        """The same for text."""
        if self._search is None:
            return text
        raw = text.encode("utf-8", "surrogateescape")
        masked = self.mask(raw)
        return text if masked is raw else masked.decode("utf-8", "replace")

    def is_secret_in(self, text: str) -> bool:
        """Whether any secret stands in this text."""
        return bool(self.find(text.encode("utf-8", "surrogateescape")))


class _Search:
    """Two automata over one set of forms: a fast one that says whether, a thorough one that says where."""

    def __init__(self, forms: Iterable[bytes]) -> None:
        # the library is loaded with the first secret: many jobs have none
        from ahocorasick_rs import BytesAhoCorasick, MatchKind  # noqa: PLC0415

        patterns = sorted(forms)
        self.longest = max(map(len, patterns))
        self.probe = BytesAhoCorasick([*patterns, *COMMAND_MARKS], matchkind=MatchKind.LeftmostFirst)
        self.every = BytesAhoCorasick(patterns, matchkind=MatchKind.Standard)


def _build_search(forms: set[bytes]) -> _Search | None:
    return _Search(forms) if forms else None


def _merge(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged

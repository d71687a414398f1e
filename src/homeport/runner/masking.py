"""Keeps secrets out of everything that a job says."""

import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

MASK = b"***"
COMMAND_MARKS = (b"\n::", b" ::", b"\t::", b"\v::", b"\f::", b"##[")
"""What shows that a line may be a workflow command; looked for in the same pass as secrets. Three bytes each: of two, the search
would stop at every `std::`, and be several times slower.
"""
_FEW_BYTES = 8192
"""So much is searched without loading the library."""

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
        self._probe: _Probe | None = None

    def add(self, *values: str) -> None:
        """Hide these values, in all their forms, from now on."""
        # many jobs have no secrets
        from homeport.runner.secret_forms import list_forms  # noqa: PLC0415

        forms = {form for value in values for form in list_forms(value)}
        with self._lock:
            if forms - self._forms:
                self._forms |= forms
                patterns = sorted(self._forms)
                self._search = _Search(patterns)
                self._probe = _make_probe(patterns)

    @property
    def longest(self) -> int:
        """The length of the longest form, in bytes: what must stay together for none to be missed."""
        search = self._search
        return search.longest if search is not None else 0

    def is_plain(self, data: bytes) -> bool:
        """Whether there is neither a secret nor the mark of a command in it. False may be wrong, true is not."""
        if data.startswith(b"::"):
            return False
        if self._search is None and len(data) < _FEW_BYTES:
            return b"::" not in data and b"##[" not in data
        if self._probe is None:
            self._probe = _make_probe(())
        return not self._probe.find_matches_as_indexes(data)

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
        """The same for text. Halves of surrogate pairs, which no fact can hold, are shown as `?`."""
        if self._search is None:
            return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
        return self.mask(text.encode("utf-8", "replace")).decode("utf-8", "replace")

    def is_secret_in(self, text: str) -> bool:
        """Whether any secret stands in this text."""
        return bool(self.find(text.encode("utf-8", "replace")))


class _Probe(Protocol):
    """A search that says whether, faster than one that says where."""

    def find_matches_as_indexes(self, haystack: bytes) -> Sequence[object]:
        """Anything, or nothing."""
        ...


class _Search:
    """The search that finds every secret, overlapping ones too."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        # the library is loaded with the first secret or the first flood: many jobs have neither
        from ahocorasick_rs import BytesAhoCorasick, MatchKind  # noqa: PLC0415

        self.longest = max(map(len, patterns))
        self.every = BytesAhoCorasick(patterns, matchkind=MatchKind.Standard)


def _make_probe(patterns: Sequence[bytes]) -> _Probe:
    from ahocorasick_rs import BytesAhoCorasick, MatchKind  # noqa: PLC0415 - as above

    return BytesAhoCorasick([*patterns, *COMMAND_MARKS], matchkind=MatchKind.LeftmostFirst)


def _merge(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged

"""Keeps secrets out of everything that a job says."""

import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MASK = b"***"
COMMAND_MARKS = (b"\n::", b" ::", b"\t::", b"\v::", b"\f::", b"##[")
"""What shows that a line may be a workflow command; looked for in the same pass as secrets. Three bytes each: of two, the search
would stop at every `std::`, and be several times slower.
"""
_FEW_BYTES = 8192
"""So much is searched without loading the library."""

Range = tuple[int, int]


class Finds(NamedTuple):
    """What a piece of output holds: where secrets stand, merged and in order, and whether a command may (false is certain)."""

    secrets: Sequence[Range]
    may_hold_commands: bool


_NOTHING = Finds((), False)
_ONLY_COMMANDS = Finds((), True)


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
        # many jobs have no secrets
        from homeport.runner.secret_forms import list_forms  # noqa: PLC0415

        forms = {form for value in values for form in list_forms(value)}
        with self._lock:
            if forms - self._forms:
                self._forms |= forms
                self._search = _Search(sorted(self._forms))

    @property
    def forms(self) -> tuple[bytes, ...]:
        """All that is hidden: as secret as the secrets."""
        with self._lock:
            return tuple(self._forms)

    def add_forms(self, forms: Iterable[bytes]) -> None:
        """Hide what another masker hid."""
        with self._lock:
            self._forms |= set(forms)
            self._search = _Search(sorted(self._forms)) if self._forms else None

    @property
    def longest(self) -> int:
        """The length of the longest form, in bytes: what must stay together for none to be missed."""
        search = self._search
        return search.longest if search is not None else 0

    def examine(self, data: bytes) -> Finds:
        """Look for secrets and commands at once: a piece that holds neither, as most do, costs next to nothing."""
        search = self._search
        if search is None:
            if len(data) < _FEW_BYTES:
                return _ONLY_COMMANDS if b"::" in data or b"##[" in data else _NOTHING
            with self._lock:
                search = self._search = self._search or _Search(())
        return search.examine(data)

    def mask(self, data: bytes) -> bytes:
        """The same with `***` for every secret."""
        return hide(data, self.examine(data).secrets) if self.longest else data

    def mask_text(self, text: str) -> str:
        """The same for text."""
        if not self.longest:
            return text
        raw = text.encode("utf-8", "surrogateescape")
        masked = self.mask(raw)
        return text if masked is raw else masked.decode("utf-8", "replace")

    def is_secret_in(self, text: str) -> bool:
        """Whether any secret stands in this text."""
        return bool(self.longest and self.examine(text.encode("utf-8", "surrogateescape")).secrets)


def hide(data: bytes, ranges: Sequence[Range]) -> bytes:
    """The same data with `***` for each of these ranges."""
    if not ranges:
        return data
    parts: list[bytes] = []
    position = 0
    for start, end in ranges:
        parts.append(data[position:start])
        position = end
    parts.append(data[position:])
    return MASK.join(parts)


class _Search:
    """A fast search for the first of what overlaps, and an exact one for all of it, which is only asked about what is near a find."""

    def __init__(self, forms: Sequence[bytes]) -> None:
        # the library is loaded with the first secret or the first flood: many jobs have neither
        from ahocorasick_rs import BytesAhoCorasick, MatchKind  # noqa: PLC0415

        self.longest = max(map(len, forms), default=0)
        self._count = len(forms)
        self._first = BytesAhoCorasick([*forms, *COMMAND_MARKS], matchkind=MatchKind.LeftmostFirst)
        self._every = BytesAhoCorasick(forms, matchkind=MatchKind.Standard) if forms else None

    def examine(self, data: bytes) -> Finds:
        hits = self._first.find_matches_as_indexes(data)
        if not hits:
            return _ONLY_COMMANDS if data.startswith(b"::") else _NOTHING
        may_hold_commands = data.startswith(b"::") or any(
            pattern >= self._count or b"::" in data[start : end + 2] or b"##[" in data[start : end + 2]
            for pattern, start, end in hits
        )
        return Finds(self._find_near(data, hits), may_hold_commands)

    def _find_near(self, data: bytes, hits: Sequence[tuple[int, int, int]]) -> list[Range]:
        """Every secret begins inside of a hit: it would be one itself, or what hides it is."""
        if self._every is None:
            return []
        found: list[Range] = []
        reach = self.longest - 1
        for from_, to in _join((start, end + reach) for _, start, end in hits):
            near = self._every.find_matches_as_indexes(data[from_:to], overlapping=True)
            found += [(from_ + start, from_ + end) for _, start, end in near]
        return _join(sorted(found))


def _join(ranges: Iterable[Range]) -> list[Range]:
    """Ranges, in order of their beginnings, with those as one that overlap or adjoin."""
    joined: list[Range] = []
    for start, end in ranges:
        if joined and start <= joined[-1][1]:
            if end > joined[-1][1]:
                joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined

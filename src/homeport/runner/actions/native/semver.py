"""Versions of Python, Node.js and uv, and the ranges in which workflows name them.

Source: npm's semver ("Ranges"), which the setup actions ask; Python's own spelling of prereleases (`3.14.0rc1`) is read too.
"""

import re
from collections.abc import Iterable

import msgspec

_WRITTEN = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-?(a|b|rc|alpha|beta)\.?(\d*))?(t?)\+?")
_KINDS = {"a": "alpha", "b": "beta"}
_ORDER = {"alpha": 0, "beta": 1, "rc": 2}


class Version(msgspec.Struct, frozen=True):
    """A version. `stage` and `serial` are those of a prerelease: `("rc", 1)`; empty for a release."""

    major: int
    minor: int
    micro: int = 0
    stage: str = ""
    serial: int = 0

    @property
    def triple(self) -> tuple[int, int, int]:
        """Its three numbers."""
        return self.major, self.minor, self.micro

    @property
    def order(self) -> tuple[int, int, int, int, int]:
        """By which versions are compared: a prerelease goes before its release."""
        stage = _ORDER.get(self.stage, -1) if self.stage else len(_ORDER)
        return *self.triple, stage, self.serial

    def __str__(self) -> str:
        """As the tool cache of GitHub writes it: `3.14.0-rc.1`."""
        text = f"{self.major}.{self.minor}.{self.micro}"
        return f"{text}-{self.stage}.{self.serial}" if self.stage else text


def parse_version(text: str) -> Version | None:
    """A whole version: `3.12.1`, `3.14.0rc1`, `3.14.0-rc.1`, `3.14.0a7+`; a `t` at its end is passed over."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return None
    major, minor, micro, kind, serial, _ = match.groups()
    stage = "" if kind is None else _KINDS.get(kind, kind)
    return Version(int(major), int(minor), int(micro), stage, int(serial or 0))


# --- ranges ----------------------------------------------------------------------------------------------------------

_PARTIAL = re.compile(
    r"[v=\s]*(?P<major>0|[1-9]\d*|[xX*])"
    r"(?:\.(?P<minor>0|[1-9]\d*|[xX*])(?:\.(?P<micro>0|[1-9]\d*|[xX*])(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?)?)?"
)
_OPERATOR = re.compile(r"(?P<operator>\^|~>|~|>=|<=|>|<|=|)\s*")

_Order = tuple[int, int, int, int, int]
_LOWEST_STAGE = -1


class _Comparator(msgspec.Struct, frozen=True):
    operator: str
    version: _Order
    has_stage: bool

    def admits(self, order: _Order) -> bool:
        match self.operator:
            case ">=":
                return order >= self.version
            case ">":
                return order > self.version
            case "<":
                return order < self.version
            case "<=":
                return order <= self.version
            case _:
                return order == self.version


class VersionRange:
    """A range as npm's semver understands it: `3.12`, `3.x`, `>=3.10 <3.13`, `~3.12.1`, `^3.9`, `3.9 - 3.11`, alternatives by `||`.

    A prerelease is admitted only where the range names a prerelease of the same three numbers.
    """

    def __init__(self, alternatives: list[list[_Comparator]]) -> None:
        self._alternatives = alternatives

    def admits(self, version: Version) -> bool:
        """Whether a version is in the range."""
        return any(_admits_all(comparators, version) for comparators in self._alternatives)

    def find_newest(self, versions: Iterable[Version]) -> Version | None:
        """The newest version in the range."""
        return max(filter(self.admits, versions), key=lambda version: version.order, default=None)


def parse_range(text: str) -> VersionRange | None:
    """Understand a range; None where it is none."""
    alternatives: list[list[_Comparator]] = []
    for part in text.split("||"):
        comparators = _parse_alternative(part.strip())
        if comparators is None:
            return None
        alternatives.append(comparators)
    return VersionRange(alternatives)


def _admits_all(comparators: list[_Comparator], version: Version) -> bool:
    if not all(comparator.admits(version.order) for comparator in comparators):
        return False
    if not version.stage:
        return True
    return any(comparator.has_stage and comparator.version[:3] == version.triple for comparator in comparators)


def _parse_alternative(text: str) -> list[_Comparator] | None:
    if not text:
        return []
    ends = re.split(r"\s+-\s+", text)
    if len(ends) == 2:
        low, high = _PARTIAL.fullmatch(ends[0]), _PARTIAL.fullmatch(ends[1])
        return None if low is None or high is None else [*_translate(">=", low), *_translate("<=", high)]
    comparators: list[_Comparator] = []
    position = 0
    while position < len(text):
        operator = _OPERATOR.match(text, position)
        partial = None if operator is None else _PARTIAL.match(text, operator.end())
        if operator is None or partial is None:
            return None
        position = partial.end()
        if position < len(text) and not text[position].isspace():
            return None
        while position < len(text) and text[position].isspace():
            position += 1
        comparators += _translate(operator["operator"], partial)
    return comparators


def _translate(operator: str, partial: "re.Match[str]") -> list[_Comparator]:
    """One comparator as at most two plain ones."""
    numbers = [_number(partial[name]) for name in ("major", "minor", "micro")]
    known = next((index for index, number in enumerate(numbers) if number is None), 3)
    major, minor, micro = (number or 0 for number in (*numbers[:known], *[0] * (3 - known)))
    base = (major, minor, micro)
    stage, serial, has_stage = _stage(partial["pre"] if known == 3 else None)
    low = (*base, stage, serial)
    if known == 0:
        return [_never()] if operator in {"<", ">"} else []
    match operator:
        case "^" if major == 0 and known > 1:
            return _between(low, (0, minor + 1, 0), has_stage)
        case "^":
            return _between(low, (major + 1, 0, 0), has_stage)
        case "~" | "~>":
            return _between(low, (major + 1, 0, 0) if known == 1 else (major, minor + 1, 0), has_stage)
        case ">" if known < 3:
            return [_Comparator(">=", _release(_next(base, known)), False)]
        case "<=" if known < 3:
            return [_below(_next(base, known))]
        case "<" if known < 3:
            return [_below(base)]
        case "" | "=" if known < 3:
            return _between(low, _next(base, known), False)
        case _:
            return [_Comparator(operator or "=", low, has_stage)]


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _stage(pre: str | None) -> tuple[int, int, bool]:
    """(stage, serial, whether there is one): `-0` is the lowest prerelease there can be."""
    if pre is None:
        return len(_ORDER), 0, False
    match = re.fullmatch(r"(a|b|rc|alpha|beta)\.?(\d*)", pre)
    if match is None:
        return _LOWEST_STAGE, 0, True
    return _ORDER[_KINDS.get(match[1], match[1])], int(match[2] or 0), True


def _next(base: tuple[int, int, int], known: int) -> tuple[int, int, int]:
    return (base[0] + 1, 0, 0) if known == 1 else (base[0], base[1] + 1, 0)


def _release(base: tuple[int, int, int]) -> _Order:
    return *base, len(_ORDER), 0


def _below(base: tuple[int, int, int]) -> _Comparator:
    """Less than the lowest prerelease of these numbers. It names no prerelease that a range may then admit."""
    return _Comparator("<", (*base, _LOWEST_STAGE, 0), False)


def _between(low: _Order, high: tuple[int, int, int], has_stage: bool) -> list[_Comparator]:
    return [_Comparator(">=", low, has_stage), _below(high)]


def _never() -> _Comparator:
    return _Comparator("<", (0, 0, 0, _LOWEST_STAGE, 0), False)

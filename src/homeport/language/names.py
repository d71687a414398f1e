"""Names in messages: the nearest known one, lists of them, and excerpts of what an author wrote."""

from collections.abc import Collection, Iterable

_LONGEST_EXCERPT = 60
_SHORTEST_ABBREVIATION = 5


def find_nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` abbreviates, or that a typing mistake would have turned into it; None where none is near.

    Case does not count as a difference; of every three letters one may differ.
    """
    folded = name.lower()
    most = len(folded) // 3
    best: tuple[int, str] | None = None
    for candidate in candidates:
        distance = _distance(folded, candidate.lower(), most)
        if distance <= most and (best is None or distance < best[0]):
            best = (distance, candidate)
    return None if best is None else best[1]


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """A hint that names the nearest candidate, if there is one."""
    nearest = find_nearest(name, candidates)
    return None if nearest is None else f"did you mean '{nearest}'?"


class Suggester:
    """Names the nearest candidate until it has compared enough: among thousands of mistakes, the first hints are what helps."""

    def __init__(self, letters: int = 2_000_000) -> None:
        self._letters_left = letters

    def suggest(self, name: str, candidates: Collection[str]) -> str | None:
        """A hint that names the nearest candidate, if there is one, and if there is time to look for it."""
        self._letters_left -= len(name) * sum(map(len, candidates))
        return suggest(name, candidates) if self._letters_left >= 0 else None


def list_names(names: Iterable[str]) -> str:
    """The names in order, for a message."""
    return ", ".join(sorted(names))


def quote(text: str) -> str:
    """What an author wrote, in quotes, on one line and not too long."""
    line = " ".join(text.split()) if "\n" in text or len(text) > _LONGEST_EXCERPT else text
    return f"'{line}'" if len(line) <= _LONGEST_EXCERPT else f"'{line[:_LONGEST_EXCERPT]}…'"


def _distance(one: str, other: str, most: int) -> int:
    """How many letters to insert, remove, replace or swap with their neighbour (optimal string alignment); more than `most` is any."""
    if len(one) >= _SHORTEST_ABBREVIATION and other.startswith(one):
        return most
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        next_row = [i]
        for j, known in enumerate(other, 1):
            cost = min(row[j] + 1, next_row[-1] + 1, row[j - 1] + (letter != known))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == known:
                cost = min(cost, before[j - 2] + 1)
            next_row.append(cost)
        before, row = row, next_row
    return row[-1]

"""Counts the memory that an evaluation takes, as actions/runner does (`EvaluationMemory`, `MemoryCounter`).

The count need not be right, but it decides which expressions GitHub refuses, and it keeps an expression from growing without end.
"""

from homeport.language.expr.text import utf16_length

LIMIT = 1_048_576
"""What an expression by itself may take (actions/runner: the default of `EvaluationOptions`)."""
TEMPLATE_LIMIT = 10 * LIMIT
"""What an expression in a workflow or an action file may take (actions/runner: `PipelineTemplateEvaluator.MaxResultSize`)."""
OBJECT_SIZE = 24
POINTER_SIZE = 8
_STRING_OVERHEAD = 26


class MemoryExceeded(Exception):  # noqa: N818 - it never leaves this package; what users see is an ExpressionError
    """More was needed than is allowed."""


def string_size(text: str) -> int:
    """What a string is counted as."""
    return _STRING_OVERHEAD + 2 * utf16_length(text)


class Counter:
    """The memory of one result while it is made."""

    __slots__ = ("_limit", "size")

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self.size = 0

    def add(self, size: int) -> None:
        """Count some more. Raises `MemoryExceeded`."""
        self.size += size
        if self.size > self._limit:
            raise MemoryExceeded

    def add_string(self, text: str) -> None:
        """Count a string. Raises `MemoryExceeded`."""
        self.add(string_size(text))


class EvaluationMemory:
    """The memory of all results that an evaluation still holds, by their level in the tree."""

    __slots__ = ("_levels", "_total", "limit")

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._levels: list[int] = []
        self._total = 0

    def add(self, level: int, size: int, *, release_deeper: bool) -> None:
        """Count a result; what it was made from may be let go of. Raises `MemoryExceeded`."""
        levels = self._levels
        if release_deeper:
            while len(levels) > level + 1:
                self._total -= levels.pop()
        while len(levels) <= level:
            levels.append(0)
        levels[level] += size
        self._total += size
        if self._total > self.limit:
            raise MemoryExceeded

"""Regular expressions that are compiled when they are first used: compiling takes longer than importing the module around them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, AnyStr, cast

_compile = re.compile


class _LatePattern:
    """Passes everything on to the pattern."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        found = getattr(_compile(*self._arguments), name)
        setattr(self, name, found)  # so that it is found at once the next time
        return found


def late_pattern(expression: AnyStr, flags: int = 0) -> "re.Pattern[AnyStr]":
    """What `re.compile` gives, but for its type: the functions of `re` itself do not take it, its own methods are all there."""
    return cast("re.Pattern[AnyStr]", _LatePattern(expression, flags))


@contextmanager
def late_patterns() -> Iterator[None]:
    """Meanwhile `re.compile` is `late_pattern`, for importing what compiles more than it will use."""
    re.compile = late_pattern  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = _compile

"""How long work is told to end: a function that the work calls now and then."""

from collections.abc import Callable

Check = Callable[[], None]
"""Raises where the work is to end; then nothing half done stays visible."""


def go_on() -> None:
    """The `Check` that never ends anything."""

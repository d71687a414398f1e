"""Reads numbers of rows that come from outside: what is none, or larger than any, has no row."""

LARGEST_NUMBER = 2**63 - 1
"""that databases can be asked for"""
_MOST_DIGITS = 19


def read_number(text: str) -> int | None:
    """A number as the database has it; None for what cannot be one."""
    number = int(text) if len(text) <= _MOST_DIGITS and text.isascii() and text.isdigit() else None
    return number if number is not None and number <= LARGEST_NUMBER else None

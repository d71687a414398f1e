"""Reads the project's own documents: their fenced blocks, their sections, the command lines they print."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.support.conformance import ROOT

MANUAL = ROOT / "docs" / "manual"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
"""Every document of the project; those of the examples are the examples' own."""

_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(homeport(?:\s[^`]*)?)`")
_ASSIGNMENT = re.compile(r"\w+=(?:\$\([^)]*\)|\S*)\s+")


def read(page: Path) -> str:
    return page.read_text("utf-8")


def find_blocks(text: str, language: str) -> list[str]:
    """The fenced blocks in one language."""
    return [body for name, body in _FENCE.findall(text) if name == language]


def find_section(text: str, title: str) -> str:
    """What stands below a heading, down to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"no section is called {title}"
    return match[2]


def find_rows(text: str) -> list[list[str]]:
    """The cells of every table row, headings left out."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def find_commands(text: str) -> Iterator[list[str]]:
    """The words of every command line that calls homeport: those after a prompt, those in fences without one, and those in the text.

    What stands for something (`…`, `COMMAND`, `[options]`) is passed over.
    """
    prose = _FENCE.sub("", text)
    lines = [line for _, body in _FENCE.findall(text) for line in body.splitlines()]
    typed = [line.removeprefix("$ ") for line in lines if re.match(r"\$ |homeport [a-z]", line)]
    for line in [*typed, *(" ".join(found.split()) for found in _INLINE.findall(prose))]:
        while match := _ASSIGNMENT.match(line):
            line = line[match.end() :]  # noqa: PLW2901 - variables before the program
        if re.match(r"homeport( |$)", line) and not re.search(r"…|\[|COMMAND", line.partition(" #")[0]):
            yield shlex.split(line, comments=True)[1:]

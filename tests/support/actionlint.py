"""How our diagnostics compare with those of rhysd/actionlint: the names of its rules, and files from its test data."""

import re
from pathlib import Path
from typing import Any

from homeport.diagnostics.diagnostic import Diagnostic

RULES = {"script-injection": "expression"}
"""Our codes that are called otherwise there; all others are the same."""
EXTERNAL = frozenset({"shellcheck", "pyflakes"})
"""Rules of programs that actionlint calls for what stands inside scripts."""


def rule_of(expected: dict[str, Any]) -> str:
    """The rule of an expected row; where it is not given, the message ends with it in brackets."""
    return str(expected["rule"] or find_rule(expected["message"]))


def find_rule(message: str) -> str:
    """The rule that a message of actionlint ends with."""
    return str(re.findall(r"\\?\[(?:\([a-z-]+\|)?([a-z-]+)\)?\\?\]", message)[-1])


def translate(diagnostic: Diagnostic) -> tuple[str, int, int]:
    """The rule that one of our diagnostics would have there, and its place."""
    return RULES.get(diagnostic.code, diagnostic.code), diagnostic.span.line, diagnostic.span.column


class FolderOfFiles:
    """The files below a folder, as `lint` asks for them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        file = self._root / path
        return file.read_bytes() if file.is_file() else None

    def has(self, path: str) -> bool:
        return (self._root / path).is_file()

"""A console that remembers what was written to it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from homeport.cli import main as edge
from homeport.cli.console import Console


class Captured:
    """The words of one command."""

    def __init__(self, folder: Path | str = "/", environment: Mapping[str, str] | None = None) -> None:
        self.out = b""
        self.said = ""
        self.code = -1
        self.console = Console(
            environment=os.environ if environment is None else environment,
            folder=str(folder),
            write=self._write,
            say_text=self._say,
        )

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)

    @property
    def rows(self) -> list[Any]:
        return [msgspec.json.decode(line) for line in self.out.splitlines()]

    def _write(self, data: bytes) -> None:
        self.out += data

    def _say(self, text: str) -> None:
        self.said += text


def call(*words: str, folder: Path | str = "/", environment: Mapping[str, str] | None = None) -> Captured:
    """One command line, in this process."""
    captured = Captured(folder, environment)
    captured.code = edge.main(words, captured.console)
    return captured

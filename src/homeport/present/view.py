"""What shows runs while they are carried out: the seam between the stream of facts and whoever looks on."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from homeport.run.codec import encode_public
from homeport.run.facts import Fact

_LONGEST_BATCH = 256 * 1024
"""So much is written at once at most, in bytes: a flood of lines does not fill the memory."""


class View(Protocol):
    """Somebody who looks on. Called by one thread, in the order of the facts; `tick` when all that is known was fed, and several times
    a second.
    """

    def feed(self, fact: Fact) -> None:
        """One more fact. Facts of one run come in order; runs may interleave."""
        ...

    def tick(self, now: datetime) -> None:
        """Time has passed: what was fed is to be seen now, and clocks that are shown may be brought up to date."""
        ...

    def step_aside(self) -> None:
        """Something else will use the terminal until the next call: leave it as it was found."""
        ...

    def close(self) -> None:
        """No more facts will come: say the last word. Called once, also after an interruption."""
        ...


class Batch:
    """What is to be written, kept until several facts are together: a write for each would take longer than all the rest."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, *parts: bytes) -> None:
        """Keep these, or write all where it has become much."""
        self._parts += parts
        self._size += sum(map(len, parts))
        if self._size >= _LONGEST_BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what was kept."""
        if self._parts:
            parts, self._parts, self._size = self._parts, [], 0
            self._write(b"".join(parts))


class JsonLinesView:
    """`--format json`: every fact is a line as soon as it is known."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._batch = Batch(write)

    def feed(self, fact: Fact) -> None:
        """Write the fact's public form."""
        self._batch.add(encode_public(fact), b"\n")

    def tick(self, now: datetime) -> None:  # noqa: ARG002 - facts bear their own time
        """Let the facts be seen."""
        self._batch.flush()

    def step_aside(self) -> None:
        """Lines are complete as they are."""
        self._batch.flush()

    def close(self) -> None:
        """The last fact was the last word."""
        self._batch.flush()

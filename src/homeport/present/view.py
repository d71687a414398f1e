"""What shows runs while they are carried out: the seam between the stream of facts and whoever looks on."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from homeport.run.codec import encode_public
from homeport.run.facts import Fact


class View(Protocol):
    """Somebody who looks on. Called by one thread, in the order of the facts; `tick` between them, several times a second."""

    def feed(self, fact: Fact) -> None:
        """One more fact. Facts of one run come in order; runs may interleave."""
        ...

    def tick(self, now: datetime) -> None:
        """Time has passed: clocks that are shown may be brought up to date."""
        ...

    def step_aside(self) -> None:
        """Something else will use the terminal until the next call: leave it as it was found."""
        ...

    def close(self) -> None:
        """No more facts will come: say the last word. Called once, also after an interruption."""
        ...


class JsonLinesView:
    """`--format json`: every fact is a line as soon as it is known."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def feed(self, fact: Fact) -> None:
        """Write the fact's public form."""
        self._write(encode_public(fact) + b"\n")

    def tick(self, now: datetime) -> None:
        """Facts bear their own time."""

    def step_aside(self) -> None:
        """Lines are complete as they are."""

    def close(self) -> None:
        """The last fact was the last word."""

"""Turns what a function writes into pieces that are sent while it writes them."""

import io
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO

_PIECES = 16
"""How many may wait to be sent"""


def pump(write: Callable[[IO[bytes]], None]) -> Iterator[bytes]:
    """What a function writes, while it writes it. Who takes no more ends it; what it raises is raised here."""
    sink = _Sink()

    def work() -> None:
        with suppress(BrokenPipeError):
            try:
                with io.BufferedWriter(sink, 1 << 16) as buffered:
                    write(buffered)
            except BrokenPipeError:
                raise
            except Exception as error:  # the reader's: otherwise it would wait for ever
                sink.hand_over(error)
            else:
                sink.hand_over(None)

    thread = threading.Thread(target=work, name="log-archive", daemon=True)
    thread.start()
    try:
        while (piece := sink.pieces.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece
    finally:
        sink.is_left.set()


class _Sink(io.RawIOBase):
    """What is written is handed over in pieces, no faster than it is taken."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[bytes | Exception | None] = queue.Queue(_PIECES)
        """None: that was all; an exception: why there is no more"""
        self.is_left = threading.Event()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.hand_over(piece)
        return len(piece)

    def hand_over(self, piece: bytes | Exception | None) -> None:
        """Raises `BrokenPipeError` where nobody takes it any more."""
        while not self.is_left.is_set():
            with suppress(queue.Full):
                self.pieces.put(piece, timeout=1)
                return
        raise BrokenPipeError

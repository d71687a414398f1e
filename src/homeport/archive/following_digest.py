"""Hashes a file while it is still being written: a thread of its own reads behind the writer, so that hashing costs no waiting.

`hashlib` lets other threads run while it works. Small files never start a thread.
"""

import hashlib
import os
import threading
from types import TracebackType
from typing import Self

_BLOCK = 256 << 10
"""fits in a processor's own cache"""
_WORTH_A_THREAD = 4 << 20


class FollowingDigest:
    """SHA-256 of what an open file holds from its start. `advance` says how far it is written, and that what lies before will stay.

    For one writer, who leaves the block before the descriptor is closed. Where the block ends without `finish`, hashing is given up.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._buffer = bytearray(_BLOCK)
        self._hashed = 0
        self._written = 0
        self._is_over = False
        self._error: OSError | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._written = self._hashed
        self._end()

    def advance(self, written: int) -> None:
        """So many bytes of the file are final."""
        if self._thread is None and written < _WORTH_A_THREAD:
            self._written = written
            return
        with self._changed:
            self._written = written
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="digest", daemon=True)
            self._thread.start()

    def finish(self) -> str:
        """The digest in hex of all that was announced. Raises `OSError` where the file could not be read, or is shorter."""
        self._end()
        if self._error is None:
            self._catch_up(self._written)
        if self._error is not None:
            raise self._error
        return self._digest.hexdigest()

    def _end(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _follow(self) -> None:
        while self._error is None:
            with self._changed:
                self._changed.wait_for(lambda: self._is_over or self._written > self._hashed)
                written = self._written
            if written <= self._hashed:
                return
            self._catch_up(written)

    def _catch_up(self, written: int) -> None:
        view = memoryview(self._buffer)
        while self._hashed < min(written, self._written):
            wanted = view[: written - self._hashed]
            try:
                count = os.preadv(self._descriptor, [wanted], self._hashed)
            except OSError as error:
                self._error = error
                return
            if not count:
                self._error = OSError("the file is shorter than what was written to it")
                return
            self._digest.update(wanted[:count])
            self._hashed += count

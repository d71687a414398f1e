"""Lets requests wait until something changes in another thread."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


class Bell:
    """Rung in any thread; those who wait look again. To be made in the event loop that the waiting happens in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.Future[None] = self._loop.create_future()
        self._is_rung = False
        self._is_closed = False

    def close(self) -> None:
        """Nobody waits any more: the server is about to end."""
        self._is_closed = True
        self.ring()

    def ring(self) -> None:
        """Something has changed. Ringing many times before anybody looks is once."""
        if not self._is_rung:
            self._is_rung = True
            self._loop.call_soon_threadsafe(self._wake)

    async def wait_for(self, look: Callable[[], Awaitable[Found | None]], seconds: float) -> Found | None:
        """What `look` finds, now or after some ring; None after so many seconds."""
        deadline = self._loop.time() + seconds
        while True:
            change = self._next
            found = await look()
            rest = deadline - self._loop.time()
            if found is not None or rest <= 0 or self._is_closed:
                return found
            await asyncio.wait([change], timeout=rest)

    def _wake(self) -> None:
        self._is_rung = False
        former, self._next = self._next, self._loop.create_future()
        former.set_result(None)

"""Server-sent events to one client: written as fast as it reads, ended when it does not read at all.

Source: WHATWG, "HTML Living Standard", 9.2 "Server-sent events".
"""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from homeport.server.problems import answer_problem

LONGEST_WRITE_SECONDS = 30.0
"""A client that takes nothing for so long is cut off; it may come again, from where it was"""
MOST_VIEWERS = 1000
HEARTBEAT = b": still here\n\n"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def encode_event(name: str, data: bytes, number: int | None = None) -> bytes:
    """`data` has no line break: it is JSON."""
    head = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), data)


class Viewers:
    """Counts who looks on, so that nobody can use up the server's connections by looking."""

    def __init__(self, most: int = MOST_VIEWERS) -> None:
        self.count = 0
        self._most = most

    @property
    def are_too_many(self) -> bool:
        """Whether another one is to be refused."""
        return self.count >= self._most


class EventStream(Response):
    """Sends what the events give, until they or the client end. Nothing is kept for a client that is slow: the next event is asked for
    when the last one was taken.
    """

    def __init__(self, events: AsyncIterator[bytes], viewers: Viewers) -> None:
        super().__init__()
        self._events = events
        self._viewers = viewers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One client."""
        if self._viewers.are_too_many:
            refusal = answer_problem(scope["path"], 503, "too many viewers", headers={"retry-after": "30"})
            await refusal(scope, receive, send)
            return
        self._viewers.count += 1
        writing = asyncio.ensure_future(self._write(send))
        leaving = asyncio.ensure_future(_wait_for_leave(receive))
        try:
            await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._viewers.count -= 1
            for task in (writing, leaving):
                task.cancel()
            await asyncio.gather(writing, leaving, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        async for event in self._events:
            async with asyncio.timeout(LONGEST_WRITE_SECONDS):
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _wait_for_leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""Server-sent events to one client: written as fast as it reads, ended when it does not read at all.

Source: WHATWG, "HTML Living Standard", 9.2 "Server-sent events".
"""

import asyncio
from collections.abc import AsyncIterator, Callable

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
    """Who looks on: not more than so many, so that nobody can use up the server's connections by looking, and nobody who takes nothing."""

    def __init__(self, most: int = MOST_VIEWERS, longest_write_seconds: float = LONGEST_WRITE_SECONDS) -> None:
        self._most = most
        self._longest = longest_write_seconds
        self._writes: dict[object, tuple[float, Callable[[], object]]] = {}
        """since when a viewer is being written to, and how it is cut off; 0: not now"""
        self._is_looking = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._writes)

    @property
    def are_too_many(self) -> bool:
        """Whether another one is to be refused."""
        return self.count >= self._most

    def enter(self, viewer: object, cut_off: Callable[[], object]) -> None:
        """Another one."""
        if not self._is_looking:
            self._is_looking = True
            asyncio.get_running_loop().call_later(self._longest / 2, self._look)
        self._writes[viewer] = 0.0, cut_off

    def leave(self, viewer: object) -> None:
        """One less."""
        del self._writes[viewer]

    def note(self, viewer: object, since: float) -> None:
        """A write begins now, or (0) has ended."""
        self._writes[viewer] = since, self._writes[viewer][1]

    def _look(self) -> None:
        """One timer for all: a timer for every write would cost more than the write."""
        loop = asyncio.get_running_loop()
        for since, cut_off in list(self._writes.values()):
            if since and loop.time() - since > self._longest:
                cut_off()
        self._is_looking = bool(self._writes)
        if self._is_looking:
            loop.call_later(self._longest / 2, self._look)


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
        writing = asyncio.ensure_future(self._write(send))
        self._viewers.enter(self, writing.cancel)
        leaving = asyncio.ensure_future(_wait_for_leave(receive))
        try:
            await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            try:
                for task in (writing, leaving):
                    task.cancel()
                end, _ = await asyncio.gather(writing, leaving, return_exceptions=True)
            finally:
                self._viewers.leave(self)
        if isinstance(end, Exception):
            raise end  # the connection breaks, and the edge says why

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        now = asyncio.get_running_loop().time
        async for event in self._events:
            self._viewers.note(self, now())
            await send({"type": "http.response.body", "body": event, "more_body": True})
            self._viewers.note(self, 0.0)
        await send({"type": "http.response.body", "body": b""})


async def _wait_for_leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""Cuts off clients that hold a connection and do not get on with it: otherwise a few thousand of them keep everybody else out.

A request's head has to be there in `HEAD_SECONDS`; from then on a client may send and take as slowly as it likes, but not nothing at all for
`SILENT_SECONDS`. Who waits for an answer is left alone, however long it takes; streams have a rule of their own (`event_streams`).
Source: RFC 9112, 9.5 "Failures and Timeouts"; uvicorn itself ends only connections that are idle between two requests.
"""

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 30.0
SILENT_SECONDS = 60.0


class Connection(HttpToolsProtocol):
    """One client, with when it was last heard of. All times are the event loop's; 0: nothing is expected of it."""

    _head_since = 0.0
    _silent_since = 0.0
    _stuck_since = 0.0

    def is_slow(self, now: float, head_seconds: float, silent_seconds: float) -> bool:
        """Whether it is to be cut off."""
        if self._head_since:
            return now - self._head_since > head_seconds
        if self._stuck_since and now - self._stuck_since > silent_seconds:
            return True
        return bool(self._silent_since) and not self.flow.read_paused and now - self._silent_since > silent_seconds

    def cut_off(self) -> None:
        """Whatever answers it is told that it has gone."""
        self.transport.abort()

    # --- what uvicorn and its parser call -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Its first request is expected."""
        super().connection_made(transport)
        self._head_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """It is there."""
        if self._silent_since:
            self._silent_since = self.loop.time()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The head begins."""
        super().on_message_begin()
        self._head_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """The body begins, if there is one."""
        self._silent_since = self._head_since
        self._head_since = 0.0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is the server's turn."""
        self._silent_since = 0.0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """It takes less than it is given."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has taken what there was."""
        self._stuck_since = 0.0
        super().resume_writing()


def cut_off_slow(connections: Iterable[object], now: float, head_seconds: float, silent_seconds: float) -> int:
    """Those that are slow; gives how many."""
    slow = [
        each for each in connections if isinstance(each, Connection) and each.is_slow(now, head_seconds, silent_seconds)
    ]
    for each in slow:
        each.cut_off()
    return len(slow)


async def watch(
    connections: Iterable[object], head_seconds: float = HEAD_SECONDS, silent_seconds: float = SILENT_SECONDS
) -> None:
    """Look again and again, until it is cancelled. One look for all costs less than a timer for each."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(min(head_seconds, silent_seconds) / 3)
        cut_off_slow(list(connections), loop.time(), head_seconds, silent_seconds)

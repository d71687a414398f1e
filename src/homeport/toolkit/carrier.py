"""Carries the services over HTTP, in a thread with an event loop of its own. Imported when the first connection has arrived."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

_LAST_SECONDS = 1
"""How long an answer that is under way may take when everything ends."""


def carry(application: Starlette, wake: int, take: Callable[[], Sequence[int] | None]) -> None:
    """Serve until `take` gives None. It is asked when the descriptor `wake` becomes readable, and once before, for listening sockets."""
    asyncio.run(_Carrier(application, wake, take).run())


class _Carrier:
    def __init__(self, application: Starlette, wake: int, take: Callable[[], Sequence[int] | None]) -> None:
        self._application = application
        self._wake = wake
        self._take = take
        self._ended = asyncio.Event()
        self._servers: list[uvicorn.Server] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._adopt(self._take())
        loop.add_reader(self._wake, self._awake)
        await self._ended.wait()
        loop.remove_reader(self._wake)
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._tasks)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A caller whose request turns out to be malformed while it is answered hears no more; that is no fault of ours."""

        async def send_while_heard(message: Message) -> None:
            with suppress(h11.LocalProtocolError):
                await send(message)

        await self._application(scope, receive, send_while_heard)

    def _awake(self) -> None:
        os.read(self._wake, 64)
        self._adopt(self._take())

    def _adopt(self, descriptors: Sequence[int] | None) -> None:
        if descriptors is None:
            self._ended.set()
            return
        for descriptor in descriptors:
            listening = socket.socket(fileno=descriptor)
            config = uvicorn.Config(
                self._answer,
                interface="asgi3",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_LAST_SECONDS,
            )
            server = uvicorn.Server(config)
            self._servers.append(server)
            self._tasks.append(asyncio.create_task(_serve(server, listening)))


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    try:
        await server.serve(sockets=[listening])
    finally:
        listening.close()

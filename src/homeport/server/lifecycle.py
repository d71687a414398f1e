"""The life of a server process: its parts begin, its doors open, and at its end the doors close first."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import ASGIApp

from homeport.ports.repositories import StoreError
from homeport.server.engine import ENDED, EngineEndedError
from homeport.server.error_edge import ErrorEdge
from homeport.server.parts import ServerParts
from homeport.server.settings import ServerSettings
from homeport.server.slow_clients import Connection, watch
from homeport.store.folder import make_folder

_LAST_SECONDS = 10
"""How long requests that are under way may take when the server ends"""
_BACKLOG = 2048
_LONGEST_SOCKET_PATH = 100


def listen(settings: ServerSettings) -> socket.socket:
    """The socket that people and forges come to. Port 0 takes any that is free. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((settings.listen_host, settings.listen_port))
        made.listen(_BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def listen_for_runner(path: str) -> socket.socket:
    """The socket of the built-in runner: a file that nobody but the owner may open, from its first moment. Raises `StoreError`."""
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise StoreError(f"{path} is too long for a socket: use a data folder with a shorter path")
    make_folder(os.path.dirname(path))
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    former_mask = os.umask(0o177)
    try:
        if os.path.lexists(path):
            os.unlink(path)  # of a server that died: this one holds the folder's lock
        made.bind(path)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise StoreError(f"{path}: {error.strerror}") from error
    finally:
        os.umask(former_mask)
    return made


async def serve(
    parts: ServerParts,
    app: ASGIApp,
    runner_routes: list[BaseRoute],
    public: socket.socket,
    on_ready: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT. Jobs go on meanwhile: the next server finds their runner again.

    The order at the end: no new connections, answers that are under way are finished, background parts end, the engine ends.
    Raises `StoreError` where the engine cannot take up what the last process left, `EngineEndedError` where a fault has ended it: whoever
    looks after this process starts another, which takes up every run.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    private = ErrorEdge(Router([Mount("/runner/v1", routes=runner_routes)]))  # nothing that only people's requests need
    await loop.run_in_executor(None, parts.engine.start)
    parts.engine.when_ended(lambda _: loop.call_soon_threadsafe(stopped.set))
    begun = []
    doors: list[_Door] = []
    try:
        doors = [
            _Door(private, listen_for_runner(parts.folder.runner_socket)),
            _Door(app, public, parts.settings),
        ]
        await asyncio.gather(*(door.open() for door in doors))
        for part in parts.background:
            await loop.run_in_executor(None, part.start)
            begun.append(part)
        on_ready()
        await stopped.wait()
        if parts.engine.problem == ENDED:
            raise EngineEndedError(
                "no run moves on any more: a fault of Homeport's own, which the log tells of, has ended the engine"
            )
    finally:
        parts.bell.close()
        parts.broadcasts.close()
        await asyncio.gather(*(door.close() for door in doors))
        for part in reversed(begun):
            await loop.run_in_executor(None, part.stop)
        await loop.run_in_executor(None, parts.engine.stop)


class _Server(uvicorn.Server):
    """Leaves signals to `serve` (there are two of these in the process), and says when it has begun."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Connections are taken when it returns."""
        await super().startup(sockets)
        self.begun.set()


class _Door:
    """One socket with what answers at it."""

    def __init__(self, app: ASGIApp, listening: socket.socket, settings: ServerSettings | None = None) -> None:
        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=settings is not None,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_LAST_SECONDS,
            ssl_certfile=(settings.tls_certificate or None) if settings else None,
            ssl_keyfile=(settings.tls_key or None) if settings else None,
        )
        self._listening = listening
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """When it returns, connections are taken. Raises what keeps it from that."""
        self._task = asyncio.create_task(self._server.serve([self._listening]))
        begun = asyncio.create_task(self._server.begun.wait())
        await asyncio.wait((self._task, begun), return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if self._task.done():
            self._task.result()
        self._watch = asyncio.create_task(watch(self._server.server_state.connections))

    async def close(self) -> None:
        """Take no more connections, and finish what is under way."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait((self._task,))
        if self._watch is not None:
            self._watch.cancel()
        self._listening.close()

"""Who holds a connection and does not get on with it is cut off; who waits for an answer is not."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from homeport.server.slow_clients import Connection, watch

LONG = 60.0
"""A bound for something that hangs, not an expectation"""
SHORT = 0.2


class Stage:
    """A server that watches its clients, and what it was asked."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.left = asyncio.Event()
        self.port = 0

    async def take(self, request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            self.left.set()
            raise
        return Response(str(len(body)))

    async def think(self, _: Request) -> Response:
        await self.may_answer.wait()
        return Response("at last")

    async def pour(self, _: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * (1 << 20)
                    await asyncio.sleep(0)
            finally:
                self.left.set()

        return StreamingResponse(pieces())

    async def connect(self, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        writer.write(text.encode())
        return reader, writer


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    routes = [
        Route("/take", made.take, methods=["POST"]),
        Route("/think", made.think),
        Route("/pour", made.pour),
    ]
    config = uvicorn.Config(Starlette(routes=routes), http=Connection, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made.port = listening.getsockname()[1]
        serving = asyncio.ensure_future(server.serve([listening]))
        watching = asyncio.ensure_future(watch(server.server_state.connections, SHORT, SHORT))
        try:
            async with asyncio.timeout(LONG):
                yield made
        finally:
            watching.cancel()
            server.should_exit = True
            server.force_exit = True
            await serving


async def is_cut_off(reader: asyncio.StreamReader) -> bool:
    try:
        return not await reader.read()
    except ConnectionError:
        return True


def test_who_never_ends_the_head_of_a_request_is_cut_off() -> None:
    async def test() -> None:
        async with stage() as made:
            silent, first = await made.connect("")
            slow, second = await made.connect("GET /think HTTP/1.1\r\nhost: x\r\nx: ")
            assert await is_cut_off(silent)
            assert await is_cut_off(slow)
            first.close()
            second.close()

    asyncio.run(test())


def test_who_stops_within_a_body_is_cut_off_and_who_goes_on_is_not() -> None:
    async def test() -> None:
        async with stage() as made:
            steady, writer = await made.connect("POST /take HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n")
            stuck, other = await made.connect("POST /take HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\nhalf")
            for _ in range(20):
                writer.write(b"x")
                await asyncio.sleep(SHORT / 10)
            assert b"200 OK" in await steady.readline()
            assert await is_cut_off(stuck)
            await made.left.wait()
            writer.close()
            other.close()

    asyncio.run(test())


def test_who_takes_nothing_of_an_answer_is_cut_off() -> None:
    async def test() -> None:
        async with stage() as made:
            _, writer = await made.connect("GET /pour HTTP/1.1\r\nhost: x\r\n\r\n")
            await made.left.wait()
            writer.close()

    asyncio.run(test())


def test_who_waits_for_an_answer_is_left_alone() -> None:
    async def test() -> None:
        async with stage() as made:
            waiting, writer = await made.connect("GET /think HTTP/1.1\r\nhost: x\r\n\r\n")
            stuck, other = await made.connect("GET /think HTT")
            assert await is_cut_off(stuck)
            later, third = await made.connect("GET /think HTT")
            assert await is_cut_off(later)
            made.may_answer.set()
            assert b"200 OK" in await waiting.readline()
            for each in (writer, other, third):
                each.close()

    asyncio.run(test())

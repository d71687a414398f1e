"""A client that calls an application in this process, without a socket."""

import asyncio

import httpx
from starlette.types import ASGIApp


class DirectTransport(httpx.BaseTransport):
    """Each request in an event loop of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app=app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._handle(request))

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        body = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers.raw, content=body, request=request)


def client_of(app: ASGIApp, url: str) -> httpx.Client:
    return httpx.Client(transport=DirectTransport(app), base_url=url)

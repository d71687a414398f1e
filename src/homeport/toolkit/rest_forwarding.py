"""Hands what the jobs of a server ask of the REST interface on to that server, which knows their runs.

A job of a forge's repository has a stand-in for `GITHUB_TOKEN`, so that no token of the server is carried to the forge; by it the job is
known here, and what it asks goes to the server with a token that the job does not see.
"""

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeport.toolkit.answers import RefusalError
from homeport.toolkit.callers import read_token
from homeport.toolkit.parts import AskServer, Forwarded, Parts

API = "/api/v3"
_LARGEST_BODY = 4 << 20
_ASKED = ("accept", "content-type", "if-none-match")
_ANSWERED = ("content-type", "etag", "link", "location", "retry-after")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class RestForwarding:
    """The routes."""

    def __init__(self, parts: Parts, ask_server: AskServer) -> None:
        self._parts = parts
        self._ask_server = ask_server
        self.routes = [
            Route(f"{API}/{{path:path}}", self._hand_on, methods=_METHODS),
            Route("/api/graphql", self._refuse, methods=["POST"]),
        ]

    async def _hand_on(self, request: Request) -> Response:
        job = self._parts.jobs.find_by_token(read_token(request))
        if job is None or not job.server_token:
            raise RefusalError(401, "Bad credentials: expected the token of a job that runs now.")
        query = request.url.query
        asked = Forwarded(
            method=request.method,
            path=request.scope["raw_path"].decode("ascii").removeprefix(API) + (f"?{query}" if query else ""),
            headers=_pick(request.headers, _ASKED),
            body=await _read(request),
            token=job.server_token,
        )
        try:
            answer = await run_in_threadpool(self._ask_server, asked)
        except OSError as error:
            raise RefusalError(502, f"The server cannot be asked: {error}") from error
        headers = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() in _ANSWERED or name.lower().startswith("x-ratelimit-")
        }
        return Response(answer.body, answer.status, headers)

    async def _refuse(self, _: Request) -> Response:
        raise RefusalError(501, "This server does not offer GraphQL to jobs: the REST interface has more.")


def _pick(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise RefusalError(413, f"The body is larger than {_LARGEST_BODY} bytes.")
    return bytes(body)

"""The run's repository for git clients: what the original of actions/checkout fetches from, at `{address}/{owner}/{name}`.

It is read with the job's own token, or with the user's. Only commits are served: uncommitted changes are not.
"""

import binascii

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from homeport.git.discovery import bare_layout, find_layout
from homeport.git.http_backend import BackendRequest, ask_backend, is_served
from homeport.git.process import GitError
from homeport.toolkit.jobs import OpenJob
from homeport.toolkit.parts import Parts

_NEVER_KEPT = {"Cache-Control": "no-cache"}


class GitServer:
    """The endpoints."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.routes = [
            Route("/{owner}/{name}/info/refs", self.serve, methods=["GET"]),
            Route("/{owner}/{name}/{end}", self.serve, methods=["POST"]),
        ]

    async def serve(self, request: Request) -> Response:
        """One request of a client; what it is refused for is text, because git shows that to people."""
        job = self._parts.jobs.find_reader(_read_password(request))
        if job is None:
            headers = {"WWW-Authenticate": 'Basic realm="Homeport"'}
            return PlainTextResponse("Expected the token of a job that runs now.\n", 401, headers)
        return self._refuse(request, job) or await self._answer(request, job)

    def _refuse(self, request: Request, job: OpenJob) -> Response | None:
        name = f"{request.path_params['owner']}/{request.path_params['name']}".removesuffix(".git")
        if name.lower() != job.repository.lower():
            reason = f"Homeport serves {job.repository} to this run, and not {name[:200]}."
            return PlainTextResponse(f"{reason} The native actions/checkout fetches others.\n", 404)
        if not job.may("contents", "read"):
            return PlainTextResponse("This job's token may not read: it needs `permissions: contents: read`.\n", 403)
        end = "/" + str(request.path_params.get("end", "info/refs"))
        if not is_served(request.method, end, request.url.query):
            return PlainTextResponse("Homeport serves repositories to read, not to write.\n", 403)
        return None

    async def _answer(self, request: Request, job: OpenJob) -> Response:
        layout = bare_layout(job.order.source) if job.order.source else find_layout(self._parts.source)
        if layout is None:
            return PlainTextResponse("The folder that this run was started from is no git repository.\n", 404)
        headers = request.headers
        asked = BackendRequest(
            method=request.method,
            end="/" + str(request.path_params.get("end", "info/refs")),
            query=request.url.query,
            content_type=headers.get("content-type", ""),
            content_length=headers.get("content-length", ""),
            content_encoding=headers.get("content-encoding", ""),
            protocol=headers.get("git-protocol", ""),
        )
        try:
            answer = await ask_backend(layout.work_tree, asked, request.stream(), {"PATH": self._parts.search_path})
        except GitError as error:
            return PlainTextResponse(f"{error}\n", 500)
        return StreamingResponse(answer.body(), answer.status, {**_NEVER_KEPT, **answer.headers})


def _read_password(request: Request) -> str:
    """Of `Authorization: basic base64(x-access-token:<token>)`; a bare token is taken too."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return value.strip()
    try:
        return binascii.a2b_base64(value).decode("utf-8", "replace").partition(":")[2]
    except binascii.Error:
        return ""

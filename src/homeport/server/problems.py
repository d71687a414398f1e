"""How refusals and faults are said over HTTP: problem+json (RFC 9457), and GitHub's own shape below `/api/v3`."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

API_PREFIX = "/api/v3"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was wrong. `id` is that of a fault in the server's own log; `type` stays `about:blank`, so `title` is the status's."""

    title: str
    status: int
    detail: str = ""
    id: str = ""


class GitHubProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The same for clients of GitHub's API (docs: "Troubleshooting the REST API")."""

    message: str
    status: str
    documentation_url: str = "https://docs.github.com/rest"
    id: str = ""


def answer_problem(
    path: str, status: int, detail: str = "", *, fault_id: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """The response for a request of this path; `detail` is shown to whoever asked."""
    title = HTTPStatus(status).phrase
    if path.startswith(API_PREFIX + "/"):
        body = msgspec.json.encode(GitHubProblem(message=detail or title, status=str(status), id=fault_id))
        return Response(body, status, headers, media_type="application/json")
    problem = Problem(title=title, status=status, detail=detail, id=fault_id)
    return Response(msgspec.json.encode(problem), status, headers, media_type="application/problem+json")


def answer_git_or_problem(
    scope: Scope, status: int, detail: str, *, hint: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """The same where it may be git that asks: it shows people what is wrong where that is plain text (`show_http_message` of its
    remote-curl.c), and nothing else. `hint` is for those people only.
    """
    if not Headers(scope=scope).get("user-agent", "").startswith("git/"):
        return answer_problem(scope["path"], status, detail, headers=headers)
    return PlainTextResponse(f"{detail}\n{hint}".strip() + "\n", status, headers)

"""Pages of what cannot be done: they lead back to where a form was sent from, and nowhere else."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from homeport.ports.access import Caller
from homeport.server.auth import Identity
from homeport.server.pages.errors import ProblemPages
from homeport.server.pages.rendering import Pages
from homeport.server.pages.static_files import StaticFiles
from homeport.server.problems import answer_problem
from tests.support.asgi import client_of
from tests.support.jobs import SystemClock


class _SignedIn:
    """Everybody is somebody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["identity"] = Identity(caller=Caller(kind="user", login="mona"))
        await self._app(scope, receive, send)


async def too_late(request: Request) -> Response:
    return answer_problem(request.url.path, 409, "Cannot cancel a workflow run that is completed.")


def page_for(method: str, referer: str) -> str:
    pages = Pages(StaticFiles(), SystemClock())
    app = Starlette(
        routes=[Route("/cancel", too_late, methods=["GET", "POST"])],
        middleware=[Middleware(_SignedIn), Middleware(ProblemPages, pages=pages)],
    )
    with client_of(app, "http://ci.example") as client:
        answer = client.request(method, "/cancel", headers={"accept": "text/html", "referer": referer})
    assert answer.status_code == 409
    assert "Cannot cancel a workflow run that is completed." in answer.text
    return answer.text


def test_a_form_that_came_too_late_leads_back_to_its_page() -> None:
    assert '<a class="button first" href="/octo/shop/actions/runs/1?a=b">Go back</a>' in page_for(
        "POST", "http://ci.example/octo/shop/actions/runs/1?a=b"
    )


@pytest.mark.parametrize(
    ("method", "referer"),
    [
        ("POST", "http://evil.example/octo"),
        ("POST", "http://ci.example//evil.example/octo"),
        ("POST", "javascript:alert(1)"),
        ("POST", ""),
        ("GET", "http://ci.example/octo/shop"),
    ],
)
def test_nothing_else_does(method: str, referer: str) -> None:
    assert "Go back" not in page_for(method, referer)

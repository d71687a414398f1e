"""`/openapi.json`, and two pages that show it: `/docs` to try it (Swagger UI, kept in this package), `/redoc` to read it (no script).

What is described is no secret: the pages are open. What is tried from them needs a token, or a session.
"""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.server.api.endpoint import Endpoint
from homeport.server.openapi import describe_api
from homeport.server.pages.rendering import Pages
from homeport.server.pages.static_files import StaticFiles
from homeport.server.parts import ServerParts

_VENDORED = {"swagger-ui.css": "text/css; charset=utf-8", "swagger-ui-bundle.js": "text/javascript; charset=utf-8"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Homeport</title>
<link rel="icon" href="{mark}" type="image/svg+xml">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript><p>This page needs JavaScript. <a href="/redoc">The reference</a> does not.</p></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="{start}"></script>
</body>
</html>
"""


class ApiPages:
    """The description is made once; where it differs by the address that people use, that is in `servers` only."""

    def __init__(self, static: StaticFiles, pages: Pages, document: dict[str, Any]) -> None:
        self._static = static
        self._pages = pages
        self._document = document
        self._text = msgspec.json.encode(document)
        self._tag = f'"{hashlib.sha256(self._text).hexdigest()[:20]}"'
        vendor = files("homeport.server") / "vendor" / "swagger-ui"
        self._vendored = {name: (vendor / name).read_bytes() for name in _VENDORED}

    @property
    def routes(self) -> list[BaseRoute]:
        """All are GET."""
        return [
            Route("/openapi.json", self._give_document, methods=["GET"]),
            Route("/docs", self._show_swagger, methods=["GET"]),
            Route("/docs/{name}", self._give_vendored, methods=["GET"]),
            Route("/redoc", self._show_reference, methods=["GET"]),
        ]

    async def _give_document(self, request: Request) -> Response:
        headers = {"etag": self._tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == self._tag:
            return Response(None, 304, headers)
        return Response(self._text, headers=headers, media_type="application/json")

    async def _show_swagger(self, _: Request) -> Response:
        page = _PAGE.format(mark=self._static.address("mark.svg"), start=self._static.address("api_docs.js"))
        return HTMLResponse(page)

    async def _give_vendored(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._vendored:
            return Response(status_code=404)
        headers = {"cache-control": "public, max-age=3600"}
        return Response(self._vendored[name], headers=headers, media_type=_VENDORED[name])

    async def _show_reference(self, request: Request) -> Response:
        groups = _group(self._document)
        return await run_in_threadpool(
            self._pages.show, request, "api_reference.html", title="API", groups=groups, info=self._document["info"]
        )


def routes(parts: ServerParts, others: Sequence[Endpoint]) -> list[BaseRoute]:
    """`others` are documented endpoints that are not below `/api/v3`."""
    static = StaticFiles()
    return ApiPages(static, Pages(static, parts.clock), describe_api(parts.settings.url, others)).routes


def _group(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations by their groups, as the template wants them."""
    found: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            around = {"method": method.upper(), "path": path, "description": "", "externalDocs": None}
            found[told["tags"][0]].append({**around, **told, **_examples(told)})
    words = {tag["name"]: tag["description"] for tag in document["tags"]}
    return [{"name": name, "words": words[name], "operations": each} for name, each in found.items() if each]


def _examples(told: dict[str, Any]) -> dict[str, str]:
    """What is sent and what comes back, as text."""
    answer = next(iter(told["responses"].values()))
    return {"sent": _show(told.get("requestBody", {})), "answered": _show(answer)}


def _show(part: dict[str, Any]) -> str:
    content = part.get("content", {}).get("application/json")
    return "" if content is None else msgspec.json.format(msgspec.json.encode(content["example"])).decode()

"""Serves the style sheets, modules and pictures of the pages: read once, addressed by what they hold, kept by browsers for ever."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeport.present.html_ansi import render_palette

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_SHORTLY = "public, max-age=300"


class StaticFiles:
    """All files of `static/`. `version` stands in their addresses, so that modules find one another beside themselves."""

    def __init__(self) -> None:
        self._files: Final = _read_files()
        digest = hashlib.sha256()
        for name, data in sorted(self._files.items()):
            digest.update(name.encode() + b"\0" + data)
        self.version: Final = digest.hexdigest()[:12]

    @property
    def routes(self) -> list[Route]:
        """`/static/<version>/<name>`; and what browsers ask for by themselves."""
        return [
            Route("/static/{version}/{name}", self._serve, methods=["GET"]),
            Route("/favicon.ico", self._favicon, methods=["GET"]),
        ]

    def address(self, name: str) -> str:
        """Where a file is to be fetched; KeyError where there is none."""
        assert name in self._files, name
        return f"/static/{self.version}/{name}"

    async def _serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        data = self._files.get(name)
        if data is None:
            return Response(status_code=404)
        is_current = request.path_params["version"] == self.version
        headers = {"cache-control": _FOR_EVER if is_current else _SHORTLY}
        return Response(data, headers=headers, media_type=_type_of(name))

    async def _favicon(self, _: Request) -> Response:
        return Response(self._files["mark.svg"], headers={"cache-control": _SHORTLY}, media_type="image/svg+xml")


def _read_files() -> Mapping[str, bytes]:
    folder = files("homeport.server") / "static"
    found = {file.name: file.read_bytes() for file in folder.iterdir() if _type_of(file.name)}
    return {**found, "ansi.css": render_palette().encode()}


def _type_of(name: str) -> str:
    return _TYPES.get(name[name.rfind(".") :], "")

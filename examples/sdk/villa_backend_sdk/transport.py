"""How a request travels: plain values, one Protocol, and the implementation over ``requests``."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import requests

from villa_backend_sdk._version import __version__
from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.errors import NetworkError, RequestTimeout, error_class

USER_AGENT = f"villa-backend-sdk/{__version__} python/{platform.python_version()}"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the backend."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    needs_user: bool = False
    """Whether the call is made for the signed-in user."""
    idempotent: bool = False
    """Whether sending it twice does what sending it once does."""

    def with_header(self, name: str, value: str) -> Request:
        """The same request with one more header."""
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True, slots=True)
class Response:
    """The backend's answer, with header names in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> JsonObject:
        """The body as a JSON object; ``DecodeError`` where it is none."""
        try:
            value: object = json.loads(self.body)
        except ValueError:
            value = self.body[:80].decode("utf-8", "replace")
        return JsonObject(value)


class Transport(Protocol):
    """Carries a request to the backend.

    ``send`` returns whatever the backend answered, error statuses included, and raises ``NetworkError`` where there
    was no answer. Transports wrap one another: retrying and signing are transports too.
    """

    def send(self, request: Request) -> Response:
        """Send once and return the answer."""
        ...


class RequestsTransport:
    """Sends with ``requests``; one instance keeps its connections open and belongs to one thread."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})

    def send(self, request: Request) -> Response:
        """Send once; redirects are not followed, because they would carry the user's token elsewhere."""
        try:
            answer = self._session.request(
                request.method,
                self._base_url + request.path,
                params=dict(request.query),
                json=request.body,
                headers=dict(request.headers),
                timeout=self._timeout_seconds,
                allow_redirects=False,
            )
        except requests.Timeout as error:
            raise RequestTimeout(
                f"{request.method} {request.path}: no answer in {self._timeout_seconds:g} s"
            ) from error
        except requests.RequestException as error:
            raise NetworkError(f"{request.method} {request.path}: {error}") from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, answer.content, headers)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def call(transport: Transport, request: Request) -> JsonObject:
    """Send ``request`` and return the answer's object; an error status becomes its ``ApiError``."""
    response = transport.send(request)
    if 200 <= response.status < 300:
        return response.json()
    code, message = _error_text(response)
    raise error_class(response.status)(response.status, code, message, response.headers.get("x-request-id"))


def _error_text(response: Response) -> tuple[str, str]:
    """The backend's own code and message, or what there is where a proxy answered in its place."""
    try:
        value = json.loads(response.body)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return str(value.get("code", "unknown")), str(value.get("message", "no message"))
    return "unknown", response.body[:200].decode("utf-8", "replace").strip() or "no message"

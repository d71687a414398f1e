"""`/webhooks/github` and `/webhooks/gitea`: deliveries of forges, durable before they are answered.

Nothing of a body is believed before its signature is: the name of the repository only says whose secret to look for. The address that
commits are fetched from is never in a body. What comes a second time, by its id or by its very bytes, is answered like the first time and
changes nothing.

Source: docs "Webhook events and payloads: Delivery headers" (25 MB), "Validating webhook deliveries"; Gitea's documentation, "Webhooks".
"""

import asyncio
from hashlib import sha256
from typing import Literal
from urllib.parse import parse_qs

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.forge.signatures import is_signed
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.repositories import StoreError
from homeport.ports.vault import Vault
from homeport.server.audit import Audit
from homeport.server.deliveries import Deliveries
from homeport.server.problems import answer_problem
from homeport.store.tables.deliveries import Delivery

LARGEST_BODY = 25 * 1024 * 1024
SERVER_SECRET = "webhook"  # noqa: S105 - what it is called
"""What the vault calls the secret that all repositories share"""

_LARGE = 1024 * 1024
_MOST_AT_ONCE = 256
_MOST_LARGE_AT_ONCE = 4
_KNOWN_SECONDS = 2.0
"""How long a repository and its secrets are remembered: a new secret is used after so long"""
_LONGEST_ID = 200
_BODY_SECONDS = 20.0
"""How long a body may take, once it is its turn: forges give up after ten seconds. Who is slower holds a place that others need"""

Source = Literal["github", "gitea"]


def secret_name(repository: HostedRepository) -> str:
    """What the vault calls a repository's own secret for webhooks."""
    return f"{SERVER_SECRET}/{repository.id}"


class _Named(msgspec.Struct, frozen=True):
    full_name: str = ""


class _Body(msgspec.Struct, frozen=True):
    """All that is read before the signature is checked."""

    repository: _Named | None = None


class _Known(msgspec.Struct, frozen=True):
    repository: HostedRepository | None
    secrets: tuple[str, ...]
    until: float


class _Headers(msgspec.Struct, frozen=True):
    event: str
    delivery: str
    signature: str


class Hooks:
    """The routes."""

    def __init__(
        self,
        deliveries: Deliveries,
        directory: RepositoryDirectory,
        vault: Vault,
        audit: Audit,
        clock: Clock,
        *,
        body_seconds: float = _BODY_SECONDS,
    ) -> None:
        self._body_seconds = body_seconds
        self._deliveries = deliveries
        self._directory = directory
        self._vault = vault
        self._audit = audit
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self._large_slots = asyncio.Semaphore(_MOST_LARGE_AT_ONCE)

    @property
    def routes(self) -> list[BaseRoute]:
        """Signed, so nobody has to be signed in."""
        return [
            Route("/webhooks/github", self._take_github, methods=["POST"]),
            Route("/webhooks/gitea", self._take_gitea, methods=["POST"]),
        ]

    async def _take_github(self, request: Request) -> Response:
        headers = request.headers
        told = _Headers(
            headers.get("x-github-event", ""),
            headers.get("x-github-delivery", ""),
            headers.get("x-hub-signature-256", ""),
        )
        return await self._take("github", told, request)

    async def _take_gitea(self, request: Request) -> Response:
        """Forgejo says everything under its own name too."""
        headers = request.headers

        def find(end: str) -> str:
            return headers.get(f"x-forgejo-{end}") or headers.get(f"x-gitea-{end}") or ""

        event = f"{find('event-type')} {find('event')}"
        told = _Headers(event if event.strip() else "", find("delivery"), find("signature"))
        return await self._take("gitea", told, request)

    async def _take(self, source: Source, told: _Headers, request: Request) -> Response:
        path = request.scope["path"]
        if (
            not told.event.strip()
            or not told.delivery
            or len(told.delivery) > _LONGEST_ID
            or len(told.event) > _LONGEST_ID
        ):
            return answer_problem(path, 400, f"this is no delivery of {source}: its headers are missing")
        length = request.headers.get("content-length", "")
        size = int(length) if length.isascii() and length.isdigit() else LARGEST_BODY
        if size > LARGEST_BODY:
            return answer_problem(path, 413, "a delivery has at most 25 MB", headers={"connection": "close"})
        slots = self._large_slots if size > _LARGE else self._slots
        try:
            async with slots:
                async with asyncio.timeout(self._body_seconds):
                    body = await _read(request)
                if body is None:
                    return answer_problem(path, 413, "a delivery has at most 25 MB", headers={"connection": "close"})
                return await self._take_body(source, told, body, request)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            words = f"the delivery took longer than {self._body_seconds:.0f} seconds to arrive"
            return answer_problem(path, 408, words, headers={"connection": "close"})
        except StoreError as error:
            return answer_problem(path, 503, str(error), headers={"retry-after": "10"})

    async def _take_body(self, source: Source, told: _Headers, body: bytes, request: Request) -> Response:
        path = request.scope["path"]
        json = _find_json(body, request.headers.get("content-type", ""))
        named = _read_name(json)
        known = await self._find_known(named or "")
        signed = {body} if source == "github" else {body, json}
        if not any(is_signed(told.signature, text, known.secrets) for text in signed):
            self._refuse(source, named or "", told, request)
            words = "the signature is missing or wrong" if told.signature else "the delivery is not signed"
            return answer_problem(path, 401, words)
        if named is None:
            return answer_problem(path, 400, "the body is no JSON object")
        if told.event.split()[0] == "ping":
            return JSONResponse({"state": "pong"}, 202)
        repository = known.repository
        if repository is None or repository.origin != source:
            return answer_problem(path, 404, f"{named or 'this'} is no repository of {source} that is known here")
        delivery = Delivery(
            source=source,
            delivery=told.delivery,
            digest=sha256(told.event.encode() + b"\0" + json).digest(),
            repository=repository.id,
            event=told.event,
            received_at=self._clock.now(),
            body=json,
        )
        is_new = await asyncio.wrap_future(self._deliveries.store.keep(delivery))
        if is_new:
            self._deliveries.wake(repository.id)
        return JSONResponse({"state": "accepted" if is_new else "already", "delivery": told.delivery}, 202)

    async def _find_known(self, name: str) -> _Known:
        """The repository of this name with the secrets that it may be signed with: its own and the server's."""
        key = name.lower()
        known = self._known.get(key)
        if known is not None and known.until > self._clock.monotonic():
            return known
        found = await run_in_threadpool(self._look_up, name)
        if len(self._known) > 1000:  # names are not believed yet: anybody may send many
            self._known.clear()
        self._known[key] = found
        return found

    def _look_up(self, name: str) -> _Known:
        repository = self._directory.find(name) if name else None
        names = [SERVER_SECRET] if repository is None else [secret_name(repository), SERVER_SECRET]
        secrets = tuple(secret for one in names if (secret := self._vault.find_system(one)))
        return _Known(repository, secrets, self._clock.monotonic() + _KNOWN_SECONDS)

    def _refuse(self, source: str, named: str, told: _Headers, request: Request) -> None:
        address = "" if request.client is None else request.client.host
        self._audit.note_soon(
            "",
            "signature.refused",
            named[:200],
            address=address,
            result="refused",
            detail=f"delivery {told.delivery} of {source}",
        )


async def _read(request: Request) -> bytes | None:
    """The body; None where it is too large."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST_BODY:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _find_json(body: bytes, content_type: str) -> bytes:
    """Both forges can be told to send a form with the JSON as its `payload`."""
    if not content_type.lower().startswith("application/x-www-form-urlencoded"):
        return body
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=10)
    except ValueError:
        return b""
    return fields.get("payload", [""])[0].encode("utf-8", "surrogateescape")


def _read_name(json: bytes) -> str | None:
    """Of the repository; empty where none is named, None for what is no delivery."""
    try:
        read = msgspec.json.decode(json, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return "" if read.repository is None else read.repository.full_name

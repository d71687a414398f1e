"""Speaks to the REST interface of a forge: one request, its answer as JSON, and every way in which that may go wrong in words."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar

import httpx
import msgspec

from homeport.forge.guard import ForgeGuard
from homeport.ports.clock import Clock
from homeport.ports.forge import ForgeAwayError, ForgeDeniedError, ForgeError, ForgeRefusedError, clip

Answer = TypeVar("Answer")

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_LARGEST_ANSWER = 16 << 20
_MOST_WORDS = 300
_LONGEST_WAIT_SECONDS = 3600.0


class Page(msgspec.Struct, Generic[Answer], frozen=True):
    """A part of a list. `tag` is the forge's name for this state of it, empty where it gives none."""

    content: Answer
    tag: str
    has_more: bool


class ForgeClient:
    """A forge's REST interface at one address, which comes from the server's own settings. Safe from any thread. Redirects are not
    followed: a credential goes to the host that it was given for, and nowhere else. `guard` judges each connection before it is used.
    """

    def __init__(self, base_url: str, clock: Clock, guard: ForgeGuard) -> None:
        self._guard = guard
        self._client = httpx.Client(
            base_url=base_url.rstrip("/") + "/",
            timeout=_TIMEOUT,
            follow_redirects=False,
            headers={"user-agent": "homeport"},
        )
        self._clock = clock

    def send(
        self,
        method: str,
        path: str,
        *,
        authorization: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        answer_type: type[Answer],
    ) -> Answer:
        """The part of the answer that this type asks for. Raises `ForgeError`."""
        told = {"accept": accept, "authorization": authorization, **(headers or {})}
        answer, content = self._exchange(method, path, body, query, told)
        if not answer.is_success:
            raise self._make_error(answer, content, secret=authorization.partition(" ")[2])
        return self._read_answer(content, answer_type)

    def ask(
        self,
        path: str,
        *,
        authorization: str,
        query: Mapping[str, str],
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        tag: str,
        answer_type: type[Answer],
    ) -> Page[Answer] | None:
        """A part of a list; None where it is as it was when it had this tag. Otherwise as `send`. Source: RFC 9110, "Conditional
        Requests"; RFC 8288 for the next part.
        """
        told = {"accept": accept, "authorization": authorization, **(headers or {})}
        if tag:
            told["if-none-match"] = tag
        answer, content = self._exchange("GET", path, None, query, told)
        if tag and answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        if not answer.is_success:
            raise self._make_error(answer, content, secret=authorization.partition(" ")[2])
        read = self._read_answer(content, answer_type)
        return Page(content=read, tag=answer.headers.get("etag", ""), has_more="next" in answer.links)

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def _exchange(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> tuple[httpx.Response, bytes]:
        request = self._client.build_request(
            method,
            path.lstrip("/"),
            params=query,
            content=None if body is None else msgspec.json.encode(body),
            headers={**({} if body is None else {"content-type": "application/json"}), **headers},
            extensions={"trace": self._guard.watch(self._host, self._client.base_url.raw_host.decode("ascii"))},
        )
        try:
            answer = self._client.send(request, stream=True)
            try:
                content = _read(answer)
            finally:
                answer.close()
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise ForgeAwayError(f"{self._host} cannot be reached: {str(error) or type(error).__name__}") from error
        return answer, content

    def _read_answer(self, content: bytes, answer_type: type[Answer]) -> Answer:
        try:
            return msgspec.json.decode(content or b"{}", type=answer_type)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ForgeAwayError(f"{self._host} answered something unexpected: {error}") from error

    @property
    def _host(self) -> str:
        return self._client.base_url.host

    def _make_error(self, answer: httpx.Response, content: bytes, secret: str) -> ForgeError:
        words = _find_words(content)
        message = f"{self._host} answered {answer.status_code}" + (f": {words}" if words else "")
        if secret:
            message = message.replace(secret, "***")
        status = answer.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.FORBIDDEN and _is_limit(answer, words)):
            return ForgeAwayError(message, find_wait(answer.headers, self._clock.now()))
        if answer.is_server_error or status == httpx.codes.REQUEST_TIMEOUT:
            return ForgeAwayError(message, find_wait(answer.headers, self._clock.now()))
        if answer.is_redirect:
            return ForgeDeniedError(f"{message} (a redirect, which is not followed: has the repository moved?)")
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            return ForgeDeniedError(message, is_missing=status == httpx.codes.NOT_FOUND)
        return ForgeRefusedError(message)


def find_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """How many seconds a forge wants to be left alone, by its headers; never more than an hour. Source: RFC 9110, "Retry-After"; GitHub
    docs, "Rate limits for the REST API".
    """
    seconds = _read_retry_after(headers.get("retry-after", ""), now)
    if seconds is None and headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        seconds = float(reset) - now.timestamp() if reset.isascii() and reset.isdigit() else None
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)


def _read_retry_after(text: str, now: datetime) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return (parsedate_to_datetime(text) - now).total_seconds() if text else None
    except (ValueError, TypeError):
        return None


def _is_limit(answer: httpx.Response, words: str) -> bool:
    """Whether a 403 is about how often was asked, not about rights."""
    headers = answer.headers
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or "rate limit" in words.lower()


def _read(answer: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > _LARGEST_ANSWER:
            raise httpx.DecodingError("the answer is too large")
        parts.append(part)
    return b"".join(parts)


def _find_words(content: bytes) -> str:
    """What the forge says of an error: `message`, and what it lists under `errors`."""
    try:
        said = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(said, dict):
        return ""
    listed = said.get("errors")
    words = [
        str(said.get("message") or ""),
        *(_name_error(error) for error in (listed if isinstance(listed, list) else ())),
    ]
    return clip("; ".join(" ".join(word.split()) for word in words if word), _MOST_WORDS)


def _name_error(error: Any) -> str:
    return str(error.get("message") or error.get("code") or "") if isinstance(error, dict) else str(error)

"""Reads and answers calls in Twirp's JSON form, as the generated clients of @actions/artifact and @actions/cache send them.

Source: the Twirp wire protocol (v7), proto3's JSON mapping (64-bit integers and wrappers as bare strings, timestamps as RFC 3339).
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from homeport.toolkit.answers import RefusalError
from homeport.toolkit.callers import Caller, find_caller
from homeport.toolkit.parts import Parts

PREFIX = "/twirp/github.actions.results.api.v1"
Answer = dict[str, Any]
_Message = TypeVar("_Message")


class Method(msgspec.Struct, frozen=True):
    """A method of a service: what its request looks like, and what it does. It is called in a thread of its own, with the host's request
    for signing addresses.
    """

    message: type[msgspec.Struct]
    call: Callable[[Caller, Any, Request], Answer]


async def answer_call(request: Request, parts: Parts, methods: Mapping[str, Method]) -> Response:
    """Carry out one call."""
    caller = find_caller(request, parts)
    name = str(request.path_params["method"])
    method = methods.get(name)
    if method is None:
        raise RefusalError(501, f"There is no method {name!r} here; there are: {', '.join(methods)}.")
    message = decode(await read_body(request, parts.limits.message_bytes), method.message)
    return JSONResponse(await run_in_threadpool(method.call, caller, message, request))


def decode(body: bytes, kind: type[_Message]) -> _Message:
    """A JSON body. Raises `RefusalError`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusalError(400, f"The request is malformed: {error}.") from error


async def read_body(request: Request, limit: int) -> bytes:
    """A body that is small enough to be kept in memory. Raises `RefusalError`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise RefusalError(413, f"The request is larger than {limit} bytes.")
    return bytes(body)


def read_number(text: str | int, what: str) -> int:
    """A 64-bit integer as proto3's JSON writes it. Raises `RefusalError`."""
    if isinstance(text, int) or (text.isascii() and text.isdigit() and len(text) < 20):
        return int(text)
    raise RefusalError(400, f"{what} is {text[:40]!r}, expected a whole number.")

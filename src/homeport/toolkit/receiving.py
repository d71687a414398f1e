"""Writes the body of a request to a file, a piece at a time: memory stays bounded, whatever its size."""

import os

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from homeport.toolkit.answers import RefusalError

_PIECE = 1 << 20


async def receive(request: Request, path: str, limit: int) -> int:
    """Write a new file; gives its size. It is removed where the body is cut off, is too long, or cannot be written.

    Raises `RefusalError`, `OSError`, and `starlette.requests.ClientDisconnect`.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise RefusalError(413, f"The upload is larger than {limit} bytes.")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    is_whole = False
    try:
        size = await _copy(request, descriptor, limit)
        is_whole = True
    finally:
        os.close(descriptor)
        if not is_whole:
            os.unlink(path)
    return size


async def _copy(request: Request, descriptor: int, limit: int) -> int:
    pieces, held, size = bytearray(), 0, 0
    async for chunk in request.stream():
        pieces += chunk
        held += len(chunk)
        size += len(chunk)
        if size > limit:
            raise RefusalError(413, f"The upload is larger than {limit} bytes.")
        if held >= _PIECE:
            await run_in_threadpool(_write, descriptor, bytes(pieces))
            pieces, held = bytearray(), 0
    if pieces:
        await run_in_threadpool(_write, descriptor, bytes(pieces))
    return size


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

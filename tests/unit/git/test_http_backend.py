"""Git's program for HTTP is never left behind, whoever gives up."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from homeport.git.hosted import make_hosted
from homeport.git.http_backend import BackendRequest, ask_backend

LONG = 60.0


def test_a_request_that_is_given_up_ends_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(tmp_path / "shop.git")
    make_hosted(folder, "main")
    begun: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def note(*words: Any, **options: Any) -> asyncio.subprocess.Process:
        begun.append(await start(*words, **options))
        return begun[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", note)
    request = BackendRequest(
        method="POST", end="/git-receive-pack", content_type="application/x-git-receive-pack-request", is_push=True
    )

    async def give_up() -> None:
        is_asked = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield b"00"  # the beginning of a push, of which no more comes
            is_asked.set()
            await asyncio.Event().wait()

        asking = asyncio.create_task(ask_backend(folder, request, body(), os.environ))
        await is_asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        (process,) = begun
        assert process.returncode is not None

    asyncio.run(asyncio.wait_for(give_up(), LONG))

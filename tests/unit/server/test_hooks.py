"""Deliveries that do not end, or are too large without saying so: they take no place from others."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from homeport.server.deliveries import Deliveries
from homeport.server.hooks import LARGEST_BODY, Hooks
from homeport.store.tables.deliveries import TableDeliveries
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from tests.support.access import House, open_house

LONG = 60.0
"""A bound for something that hangs, not an expectation"""


class Sender:
    """A client that sends what it is told, and then waits."""

    def __init__(self, *pieces: bytes, ends: bool = False) -> None:
        self._pieces = list(pieces)
        self._ends = ends
        self.status = 0
        self.taken = 0

    async def receive(self) -> dict[str, Any]:
        if not self._pieces:
            await asyncio.Event().wait()
        self.taken += 1
        piece = self._pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or not self._ends}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)

    async def deliver(self, app: Starlette, event: bytes = b"push") -> int:
        headers = [(b"x-github-event", event), (b"x-github-delivery", b"1")]
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/webhooks/github", "query_string": b""}
        await app({**scope, "headers": headers}, self.receive, self.send)
        return self.status


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Starlette]:
    with open_house(tmp_path) as house:
        yield Starlette(routes=hooks_of(house, body_seconds=0.2).routes)


def hooks_of(house: House, *, body_seconds: float) -> Hooks:
    """What is refused here never comes to the planner, nor to a forge."""
    nothing: Any = None
    directory, access = TableDirectory(house.database), house.access
    events = TableEvents(house.database, house.clock)
    deliveries = Deliveries(TableDeliveries(house.database), events, nothing, nothing)
    return Hooks(deliveries, directory, access.vault, access.audit, house.clock, body_seconds=body_seconds)


def test_bodies_that_never_end_keep_nobody_else_out(app: Starlette) -> None:
    """There are many more of them than places, and none says how long it will be: those have the fewest."""

    async def test() -> list[int]:
        slow = [asyncio.ensure_future(Sender(b"{").deliver(app)) for _ in range(20)]
        async with asyncio.timeout(LONG):
            assert await Sender(b"{}", ends=True).deliver(app) == 401  # unsigned, but it was its turn
            return await asyncio.gather(*slow)

    assert asyncio.run(test()) == [408] * 20


def test_a_body_that_is_larger_than_it_may_be_is_read_no_further(app: Starlette) -> None:
    piece = b" " * (1 << 20)
    sender = Sender(*[piece] * 100, ends=True)
    assert asyncio.run(sender.deliver(app)) == 413
    assert sender.taken == LARGEST_BODY // len(piece) + 1


def test_an_event_without_a_name_is_no_delivery(app: Starlette) -> None:
    """A space that is none in ASCII comes through what reads headers."""
    assert asyncio.run(Sender(b"{}", ends=True).deliver(app, "\xa0".encode("latin-1"))) == 400

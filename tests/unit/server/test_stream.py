"""Those who look on: all get every line, in order; who reads slowly costs nothing, who takes nothing is cut off."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from homeport.ports.history import HistoryJob
from homeport.ports.run_entries import JobEntry
from homeport.run.facts import JobFinished, LinesLogged
from homeport.server.event_streams import EventStream, Viewers, encode_event
from homeport.server.log_lines import ShownLines
from homeport.server.stream import Broadcasts, Streams
from tests.support.plans import NOW

LONG = 30.0


class GrowingLog:
    """A log of which lines come as the test says; counts how often it is read."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.reads = 0

    def show(self, _: HistoryJob, first: int) -> ShownLines:
        self.reads += 1
        lines = self.lines[first : first + 1000]
        event = encode_event("lines", json.dumps({"from": first + 1, "lines": lines}).encode(), first + len(lines))
        return ShownLines(first=first, count=len(lines), total=len(self.lines), event=event)


class OneJob:
    """History of one job, which goes on."""

    def __init__(self) -> None:
        entry = JobEntry(id=77, key="build", name="build", status="in_progress", created_at=NOW)
        self.found = HistoryJob(run="1", attempt=1, entry=entry)

    @property
    def history(self) -> "OneJob":
        return self

    def job(self, _: int) -> HistoryJob:
        return self.found


class Client:
    """What one viewer has received; `take` is called for each piece, and may be slow."""

    def __init__(self, take: Callable[[bytes], Awaitable[None]] | None = None) -> None:
        self.received: list[bytes] = []
        self.lines: list[str] = []
        self._take = take
        self.left = asyncio.Event()

    async def send(self, message: Any) -> None:
        body = message.get("body", b"")
        if body:
            if self._take is not None:
                await self._take(body)
            self.received.append(body)
            if b"event: lines" in body:
                self.lines += json.loads(body.partition(b"data: ")[2])["lines"]

    async def receive(self) -> dict[str, str]:
        await self.left.wait()
        return {"type": "http.disconnect"}


class Stage:
    """A log, those who follow it, and the engine's voice."""

    def __init__(self, viewers: Viewers | None = None) -> None:
        self.log = GrowingLog()
        self.broadcasts = Broadcasts()
        if viewers is not None:
            self.broadcasts.viewers = viewers
        jobs: Any = OneJob()
        reader: Any = self.log
        self.streams = Streams(jobs, reader, self.broadcasts)
        self.job = jobs.found

    def follow(self, client: Client, position: int = 0) -> "asyncio.Task[None]":
        stream = EventStream(self.streams._line_events(self.job, position), self.broadcasts.viewers)
        return asyncio.ensure_future(stream({"type": "http", "path": "/"}, client.receive, client.send))

    def say(self, lines: Sequence[str]) -> None:
        self.log.lines += lines
        self.broadcasts.hear([LinesLogged(at=NOW, run="1", job="build", step="a", text="\n".join(lines))])

    def end(self) -> None:
        fact = JobFinished(
            at=NOW,
            run="1",
            job="build",
            job_id="build",
            name="build",
            matrix=None,
            conclusion="success",
            outcome="success",
        )
        self.broadcasts.hear([fact])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG):
            while not condition():
                await asyncio.sleep(0.005)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), LONG))


def test_everybody_gets_every_line_once_and_lines_are_read_once_for_all() -> None:
    async def test() -> None:
        stage = Stage()
        stage.log.lines = [f"old {number}" for number in range(1500)]
        clients = [Client() for _ in range(50)]
        tasks = [stage.follow(client) for client in clients]
        await stage.until(lambda: all(len(client.lines) == 1500 for client in clients))
        before = stage.log.reads
        for number in range(40):
            stage.say([f"new {number}"])
            await stage.until(lambda: all(client.lines == stage.log.lines for client in clients))
        assert stage.log.reads - before < 50 * 4  # not one read for each viewer and line
        stage.end()
        await asyncio.gather(*tasks)
        assert all(client.lines == stage.log.lines for client in clients)
        assert all(b"event: end" in client.received[-1] for client in clients)
        assert stage.broadcasts.viewers.count == 0

    run(test)


def test_a_slow_client_is_behind_and_gets_everything_in_the_end() -> None:
    async def test() -> None:
        stage = Stage()
        gate = asyncio.Event()

        async def wait(_: bytes) -> None:
            await gate.wait()

        slow, quick = Client(wait), Client()
        tasks = [stage.follow(slow), stage.follow(quick)]
        for number in range(30):
            stage.say([f"{number}.{line}" for line in range(100)])
            await stage.until(lambda: quick.lines == stage.log.lines)
        assert slow.received == []
        gate.set()
        stage.end()
        await asyncio.gather(*tasks)
        assert slow.lines == quick.lines == stage.log.lines
        assert len(slow.received) < len(quick.received)  # what was missed comes together

    run(test)


def test_a_client_that_takes_nothing_is_cut_off() -> None:
    async def test() -> None:
        stage = Stage(Viewers(longest_write_seconds=0.05))

        async def never(_: bytes) -> None:
            await asyncio.Event().wait()

        stuck = stage.follow(Client(never))
        stage.say(["one"])
        await stuck
        assert stage.broadcasts.viewers.count == 0

    run(test)


def test_a_client_that_goes_away_is_forgotten() -> None:
    async def test() -> None:
        stage = Stage()
        client = Client()
        task = stage.follow(client)
        stage.say(["one"])
        await stage.until(lambda: client.lines == ["one"])
        client.left.set()
        await task
        assert stage.broadcasts.viewers.count == 0
        stage.say(["two"])
        assert client.lines == ["one"]

    run(test)


def test_a_fault_while_somebody_looks_on_is_told() -> None:
    """Where it is swallowed the stream ends as if all was well, and nobody ever knows."""

    async def broken() -> AsyncIterator[bytes]:
        yield encode_event("changed", b"{}")
        raise ZeroDivisionError

    async def test() -> None:
        viewers, client = Viewers(), Client()
        with pytest.raises(ZeroDivisionError):
            await EventStream(broken(), viewers)({"type": "http", "path": "/"}, client.receive, client.send)
        assert viewers.count == 0
        assert len(client.received) == 1

    asyncio.run(test())


def test_there_is_a_limit_to_how_many_look_on() -> None:
    async def test() -> None:
        stage = Stage(Viewers(most=1))
        first, second = Client(), Client()
        watching = stage.follow(first)
        stage.say(["one"])
        await stage.until(lambda: first.lines == ["one"])
        await stage.follow(second)
        assert b"too many viewers" in b"".join(second.received)
        stage.broadcasts.close()
        await watching
        assert first.lines == ["one"]

    run(test)


def test_a_viewer_that_comes_back_goes_on_after_the_line_it_had() -> None:
    async def test() -> None:
        stage = Stage()
        stage.log.lines = ["one", "two", "three"]
        client = Client()
        task = stage.follow(client, position=2)
        await stage.until(lambda: client.lines == ["three"])
        stage.end()
        await task

    run(test)


@pytest.mark.parametrize("number", [1, 1001])
def test_an_event_names_the_line_that_it_ends_with(number: int) -> None:
    assert encode_event("lines", b"{}", number) == b"id: %d\nevent: lines\ndata: {}\n\n" % number

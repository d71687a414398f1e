"""What happens, as it happens: facts and log lines that are durable, told to everybody who looks on.

Two streams of server-sent events, for whoever may read the repository:

- `/{owner}/{repo}/actions/runs/{run}/job/{number}/log/stream?from=LINE`: `lines`, with the object of `…/log` (`server.logs`), whenever
  there are new ones; its `id` is the number of the last line, so that a client which comes again (`Last-Event-ID`) goes on after it.
  `end` when the job is completed and everything was sent.
- `/{owner}/{repo}/actions/runs/{run}/stream`: `changed` whenever anything but lines has happened in the run (`{"sequence": n}`), at most
  ten times a second; `end` when it is completed.

Nothing is queued for a viewer: each asks for what comes after the line it has, and all who ask for the same get the same bytes. Who
reads slowly is behind, and costs nothing.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from homeport.ports.history import HistoryJob
from homeport.run.facts import Fact, JobFinished, LinesLogged, RunFinished, WorkflowNotStarted
from homeport.server.event_streams import HEARTBEAT, EventStream, Viewers, encode_event
from homeport.server.log_lines import LogReader, ShownLines
from homeport.server.run_requests import JOB_PATH, RUN_PATH, RunRequests

_HEARTBEAT_SECONDS = 15.0
_SHORTEST_PAUSE_SECONDS = 0.1
_READERS = 4
"""How many threads read logs for viewers: enough for the disk, and few enough to leave the others their turn"""
_REMEMBERED = 8


Read = Callable[[int], Awaitable[ShownLines]]
"""Reads a job's lines from one on (0-based)."""


class _Watched:
    """A run, or a job of it, that somebody looks at."""

    def __init__(self) -> None:
        self.version = 0
        self.viewers = 0
        self.beats = 0
        self.has_ended = False
        self.changed = asyncio.Event()

    def wake(self) -> None:
        """All viewers look again."""
        self.version += 1
        former, self.changed = self.changed, asyncio.Event()
        former.set()

    def beat(self) -> None:
        """All viewers say that they are there still."""
        self.beats += 1
        self.wake()

    def tell(self, *, has_ended: bool) -> None:
        """Something has happened."""
        self.has_ended = self.has_ended or has_ended
        self.wake()


class _WatchedLog(_Watched):
    """A job whose log somebody follows. New lines are read once, before the viewers are woken: those who have all lines before them find
    them ready.
    """

    def __init__(self, read: Read) -> None:
        super().__init__()
        self.shown: dict[int, ShownLines] = {}
        """the newest pieces, by the line that they begin with"""
        self.head: int | None = None
        """the line after the last that was read"""
        self._read = read
        self._is_stale = False
        self._reading: asyncio.Task[None] | None = None

    def tell(self, *, has_ended: bool) -> None:
        """There are more lines, or no more will come."""
        self.has_ended = self.has_ended or has_ended
        self._is_stale = True
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read_on())

    async def _read_on(self) -> None:
        try:
            while self._is_stale:
                self._is_stale = False
                if self.head is not None:
                    await self._read_more(self.head)
                self.wake()
        finally:
            self._reading = None

    async def _read_more(self, first: int) -> None:
        shown = await self._read(first)
        if shown.count:
            self.head = first + shown.count
            self.shown[first] = shown
            while len(self.shown) > _REMEMBERED:
                del self.shown[next(iter(self.shown))]
            self._is_stale = self._is_stale or self.head < shown.total


class Broadcasts:
    """Hears the engine, and wakes those who look on. All but `hear` belong to one event loop, that of the first viewer."""

    def __init__(self) -> None:
        self.viewers = Viewers()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: dict[tuple[str, str | None], _Watched] = {}
        self._lock = threading.Lock()
        self._news: dict[tuple[str, str | None], bool] = {}
        """what was heard of and not told: whether it has ended"""
        self._is_closed = False
        self._is_beating = False

    @property
    def is_closed(self) -> bool:
        """Whether the server is about to end."""
        return self._is_closed

    def hear(self, facts: Sequence[Fact]) -> None:
        """Called by the engine's thread, when facts are durable. Never blocks."""
        loop = self._loop
        if loop is None:
            return  # nobody has ever looked on
        with self._lock:
            is_first = not self._news
            for fact in facts:
                if isinstance(fact, WorkflowNotStarted):
                    continue
                if isinstance(fact, LinesLogged):
                    self._news.setdefault((fact.run, fact.job), False)
                    continue
                key = fact.run, None
                self._news[key] = self._news.get(key, False) or isinstance(fact, RunFinished)
                if isinstance(fact, JobFinished):
                    self._news[fact.run, fact.job] = True
            is_news = is_first and bool(self._news)
        if is_news:
            loop.call_soon_threadsafe(self._tell)

    def close(self) -> None:
        """The server is about to end: all streams do."""
        self._is_closed = True
        for watched in self._watched.values():
            watched.wake()

    def watch_run(self, run: str) -> _Watched:
        """Begin to look; every call is followed by one of `leave`."""
        watched = self._watched.get((run, None)) or _Watched()
        self._enter((run, None), watched)
        return watched

    def watch_log(self, run: str, job: str, read: Read) -> _WatchedLog:
        """The same for a job's lines."""
        watched = self._watched.get((run, job))
        if not isinstance(watched, _WatchedLog):
            watched = _WatchedLog(read)
        self._enter((run, job), watched)
        return watched

    def leave(self, run: str, job: str | None = None) -> None:
        """Look no longer."""
        watched = self._watched[run, job]
        watched.viewers -= 1
        if not watched.viewers:
            del self._watched[run, job]

    def _enter(self, key: tuple[str, str | None], watched: _Watched) -> None:
        self._loop = asyncio.get_running_loop()
        if not self._is_beating:
            self._is_beating = True
            self._loop.call_later(_HEARTBEAT_SECONDS, self._beat)
        self._watched[key] = watched
        watched.viewers += 1

    def _beat(self) -> None:
        """So that nothing between the server and its viewers takes them for gone."""
        for watched in self._watched.values():
            watched.beat()
        self._is_beating = bool(self._watched) and not self._is_closed
        if self._is_beating and self._loop is not None:
            self._loop.call_later(_HEARTBEAT_SECONDS, self._beat)

    def _tell(self) -> None:
        with self._lock:
            news, self._news = self._news, {}
        for key, has_ended in news.items():
            watched = self._watched.get(key)
            if watched is not None:
                watched.tell(has_ended=has_ended)


class Streams:
    """The routes."""

    def __init__(self, requests: RunRequests, reader: LogReader, broadcasts: Broadcasts) -> None:
        self._requests = requests
        self._reader = reader
        self._broadcasts = broadcasts
        self._limiter: CapacityLimiter | None = None

    @property
    def routes(self) -> list[BaseRoute]:
        """GET only."""
        return [
            Route(RUN_PATH + "/stream", self._stream_run, methods=["GET"]),
            Route(JOB_PATH + "/log/stream", self._stream_lines, methods=["GET"]),
        ]

    async def _stream_run(self, request: Request) -> Response:
        run = await to_thread.run_sync(self._requests.find_run, request)
        return EventStream(self._run_events(run.id), self._broadcasts.viewers)

    async def _stream_lines(self, request: Request) -> Response:
        job = await to_thread.run_sync(self._requests.find_job, request)
        last = request.headers.get("last-event-id", "")
        first = int(last) + 1 if last.isascii() and last.isdigit() and len(last) < 16 else _read_line(request)
        return EventStream(self._line_events(job, first - 1), self._broadcasts.viewers)

    async def _run_events(self, run: str) -> AsyncIterator[bytes]:
        watched = self._broadcasts.watch_run(run)
        try:
            while True:
                changed, version, beats = watched.changed, watched.version - watched.beats, watched.beats
                known = await to_thread.run_sync(self._requests.history.get, run)
                is_over = watched.has_ended or known is None or known.entry.status == "completed"
                yield encode_event("changed", b'{"sequence":%d}' % version)
                if is_over:
                    yield encode_event("end", b"{}")
                    return
                await asyncio.sleep(_SHORTEST_PAUSE_SECONDS)
                while not self._broadcasts.is_closed and watched.version - watched.beats == version:
                    await changed.wait()
                    changed = watched.changed
                    if watched.beats != beats:
                        beats = watched.beats
                        yield HEARTBEAT
                if self._broadcasts.is_closed:
                    return
        finally:
            self._broadcasts.leave(run)

    async def _line_events(self, job: HistoryJob, position: int) -> AsyncIterator[bytes]:
        watched = self._broadcasts.watch_log(job.run, job.entry.key, lambda first: self._read(job, first))
        try:
            known = await to_thread.run_sync(self._requests.history.job, job.entry.id)
            is_old = known is None or known.entry.status == "completed"
            while not self._broadcasts.is_closed:
                changed, beats = watched.changed, watched.beats
                is_over = is_old or watched.has_ended  # asked before reading: nothing comes after it
                shown = watched.shown.get(position)
                if shown is None and (is_over or watched.head is None or position < watched.head):
                    shown = await self._read(job, position)
                    if watched.head is None:
                        watched.head = shown.total  # who comes later to what is before reads it for himself
                if shown is not None and shown.count:
                    position += shown.count
                    yield shown.event
                elif shown is not None and is_over:
                    yield encode_event("end", b'{"total":%d}' % shown.total)
                    return
                else:
                    await changed.wait()
                    if watched.beats != beats:
                        yield HEARTBEAT
        finally:
            self._broadcasts.leave(job.run, job.entry.key)

    async def _read(self, job: HistoryJob, first: int) -> ShownLines:
        return await self._in_thread(lambda: self._reader.show(job, first))

    async def _in_thread(self, read: Callable[[], ShownLines]) -> ShownLines:
        if self._limiter is None:
            self._limiter = CapacityLimiter(_READERS)
        return await to_thread.run_sync(read, limiter=self._limiter)


def _read_line(request: Request) -> int:
    text = request.query_params.get("from", "1")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 16 else 1

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
from collections.abc import AsyncIterator, Callable, Sequence

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


class _Watched:
    """A run, or a job of it, that somebody looks at."""

    def __init__(self) -> None:
        self.version = 0
        self.viewers = 0
        self.has_ended = False
        self.changed = asyncio.Event()
        self.reads: dict[tuple[int, int], asyncio.Task[ShownLines]] = {}
        """by version and line: what is read once, for all who ask for it"""


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
            self._wake(watched)

    def watch(self, run: str, job: str | None = None) -> _Watched:
        """Begin to look; every call is followed by one of `leave`."""
        self._loop = asyncio.get_running_loop()
        watched = self._watched.setdefault((run, job), _Watched())
        watched.viewers += 1
        return watched

    def leave(self, run: str, job: str | None = None) -> None:
        """Look no longer."""
        watched = self._watched[run, job]
        watched.viewers -= 1
        if not watched.viewers:
            del self._watched[run, job]

    def _tell(self) -> None:
        with self._lock:
            news, self._news = self._news, {}
        for key, has_ended in news.items():
            watched = self._watched.get(key)
            if watched is not None:
                watched.has_ended = watched.has_ended or has_ended
                self._wake(watched)

    def _wake(self, watched: _Watched) -> None:
        watched.version += 1
        former, watched.changed = watched.changed, asyncio.Event()
        former.set()


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
        watched = self._broadcasts.watch(run)
        try:
            while True:
                changed, version = watched.changed, watched.version
                known = await to_thread.run_sync(self._requests.history.get, run)
                is_over = watched.has_ended or known is None or known.entry.status == "completed"
                yield encode_event("changed", b'{"sequence":%d}' % version)
                if is_over:
                    yield encode_event("end", b"{}")
                    return
                await asyncio.sleep(_SHORTEST_PAUSE_SECONDS)
                async for beat in self._await(changed):
                    yield beat
                if self._broadcasts.is_closed:
                    return
        finally:
            self._broadcasts.leave(run)

    async def _line_events(self, job: HistoryJob, position: int) -> AsyncIterator[bytes]:
        watched = self._broadcasts.watch(job.run, job.entry.key)
        try:
            known = await to_thread.run_sync(self._requests.history.job, job.entry.id)
            is_old = known is None or known.entry.status == "completed"
            while not self._broadcasts.is_closed:
                changed = watched.changed
                is_over = is_old or watched.has_ended  # asked before reading: nothing comes after it
                shown = await self._read(watched, job, position)
                if shown.count:
                    position = shown.first + shown.count
                    yield shown.event
                elif is_over:
                    yield encode_event("end", b'{"total":%d}' % shown.total)
                    return
                else:
                    async for beat in self._await(changed):
                        yield beat
        finally:
            self._broadcasts.leave(job.run, job.entry.key)

    async def _await(self, changed: asyncio.Event) -> AsyncIterator[bytes]:
        """Heartbeats, until something has changed."""
        while not self._broadcasts.is_closed:
            try:
                async with asyncio.timeout(_HEARTBEAT_SECONDS):
                    await changed.wait()
            except TimeoutError:
                yield HEARTBEAT
            else:
                return

    async def _read(self, watched: _Watched, job: HistoryJob, position: int) -> ShownLines:
        key = watched.version, position
        task = watched.reads.get(key)
        if task is None:
            while len(watched.reads) >= _REMEMBERED:
                del watched.reads[next(iter(watched.reads))]
            task = asyncio.ensure_future(self._in_thread(lambda: self._reader.show(job, position)))
            watched.reads[key] = task
        return await asyncio.shield(task)

    async def _in_thread(self, read: Callable[[], ShownLines]) -> ShownLines:
        if self._limiter is None:
            self._limiter = CapacityLimiter(_READERS)
        return await to_thread.run_sync(read, limiter=self._limiter)


def _read_line(request: Request) -> int:
    text = request.query_params.get("from", "1")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 16 else 1

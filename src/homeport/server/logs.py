"""The logs of jobs over HTTP. All are GET, for whoever may read the repository; lines are counted from 1 over the whole log of a job.

Below `/{owner}/{repo}/actions/runs/{run}/job/{number}`:

- `/log?from=LINE&count=N` → `{"total": lines so far, "is_complete": bool, "from": LINE, "lines": [[milliseconds since 1970, number of the
  step, "text"], …]}`. `count` is at most 5000, and there are fewer where lines are long; `from` beyond the end: no lines. `at=TIME`
  (RFC 3339) instead of `from` begins at that moment.
- `/log/outline` → `{"total", "is_complete", "is_cut", "steps": [[number, first line, count], …], "groups": [[first, last], …]}`.
- `/log/search?q=TEXT&from=LINE` → `{"lines": [LINE, …], "is_more": bool, "next": LINE or null}`: case is ignored; at most 5000 lines.
- `/log.txt` (GitHub: `/logs`) → the text, each line with its moment.

Below `/{owner}/{repo}/actions`:

- `/runs/{run}/logs.zip` (GitHub: `/logs`; `?attempt=N`) → GitHub's layout, made while it is sent.
- `/runs/{run}/log/search?q=TEXT` and `/logs/search?q=TEXT` (all runs, newest first; `workflow`, `branch` narrow it) → `{"found": [{"run",
  "attempt", "job", "job_name", "line", "text"}, …], "cursor": "…" or null}`: looks for about two seconds; `cursor` goes on from there.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from homeport.ports.history import HistoryJob, HistoryRun
from homeport.ports.logs import IndexedLogs
from homeport.server.api.log_archive import file_name, pack_logs
from homeport.server.log_lines import MOST_LINES, LogReader
from homeport.server.log_search import LogSearch
from homeport.server.parts import ServerParts
from homeport.server.pumping import pump
from homeport.server.run_requests import JOB_PATH, RUN_PATH, RunRequests
from homeport.server.stream import Streams

_SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
    "cache-control": "private, no-store",
}
"""What jobs say is never to act as a page of this server"""
_MOST_FOUND = 5000
_LONGEST_QUERY = 200


class FoundAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that hold a text."""

    lines: tuple[int, ...]
    is_more: bool
    next: int | None


class LogRoutes:
    """All but the streams."""

    def __init__(self, requests: RunRequests, reader: LogReader, logs: IndexedLogs) -> None:
        self._requests = requests
        self._reader = reader
        self._logs = logs
        self._search = LogSearch(logs, requests.history)

    @property
    def routes(self) -> list[BaseRoute]:
        """Each is answered in a thread."""
        return [
            Route(JOB_PATH + "/log", _threaded(self._give_lines), methods=["GET"]),
            Route(JOB_PATH + "/log/outline", _threaded(self._give_outline), methods=["GET"]),
            Route(JOB_PATH + "/log/search", _threaded(self._search_job), methods=["GET"]),
            Route(JOB_PATH + "/log.txt", _threaded(self._give_text), methods=["GET"]),
            Route(RUN_PATH + "/logs.zip", _threaded(self._give_zip), methods=["GET"]),
            Route(RUN_PATH + "/logs", _threaded(self._give_zip), methods=["GET"]),
            Route(JOB_PATH + "/logs", _threaded(self._give_text), methods=["GET"]),
            Route(RUN_PATH + "/log/search", _threaded(self._search_run), methods=["GET"]),
            Route("/{owner}/{repo}/actions/logs/search", _threaded(self._search_repository), methods=["GET"]),
        ]

    def _give_lines(self, request: Request) -> Response:
        job = self._requests.find_job(request)
        moment = request.query_params.get("at")
        if moment is None:
            first = _number(request, "from", 1, least=1) - 1
        else:
            first = self._logs.find_moment(job.run, job.entry.attempt, job.entry.key, _moment(moment))
        return _json(self._reader.read(job, first, _number(request, "count", 1000, least=0)))

    def _give_outline(self, request: Request) -> Response:
        return _json(self._reader.outline(self._requests.find_job(request)))

    def _search_job(self, request: Request) -> Response:
        job = self._requests.find_job(request)
        first = _number(request, "from", 1, least=1) - 1
        found = self._logs.search(
            job.run, job.entry.attempt, job.entry.key, _query(request), first=first, most=_MOST_FOUND
        )
        following = None if found.next is None else found.next + 1
        lines = tuple(line + 1 for line in found.lines)
        return _json(FoundAnswer(lines=lines, is_more=following is not None, next=following))

    def _search_run(self, request: Request) -> Response:
        run = self._requests.find_run(request)
        attempt = _number(request, "attempt", run.entry.attempt, least=1)
        return _json(self._search.in_run(run.id, attempt, _query(request), request.query_params.get("cursor", "")))

    def _search_repository(self, request: Request) -> Response:
        repository = self._requests.find_repository(request)
        chosen = {name: request.query_params.get(name, "") for name in ("workflow", "branch")}
        cursor = request.query_params.get("cursor", "")
        return _json(self._search.in_repository(repository.id, _query(request), cursor, **chosen))

    def _give_text(self, request: Request) -> Response:
        job = self._requests.find_job(request)
        self._demand_logs(self._requests.history.get(job.run, job.attempt))
        headers = {**_SAFE, "content-disposition": "inline"}
        return StreamingResponse(self._text_of(job), 200, headers, "text/plain; charset=utf-8")

    def _text_of(self, job: HistoryJob) -> Iterator[bytes]:
        entry = job.entry
        first = 0
        while lines := self._logs.part(job.run, entry.attempt, entry.key, first, MOST_LINES).lines:
            first += len(lines)
            shown = "".join(f"{line.at:%Y-%m-%dT%H:%M:%S.%f}0Z {line.text}\n" for line in lines)
            yield shown.encode("utf-8", "replace")

    def _give_zip(self, request: Request) -> Response:
        run = self._requests.find_run(request)
        attempt = _number(request, "attempt", run.entry.attempt, least=1)
        self._demand_logs(self._requests.history.get(run.id, attempt))
        jobs = [job.entry for job in self._requests.history.jobs(run.id, attempt)]
        name = file_name(f"logs_{run.id}" if attempt == 1 else f"logs_{run.id}_{attempt}")
        headers = {**_SAFE, "content-disposition": f'attachment; filename="{name}.zip"'}
        pieces = pump(lambda sink: pack_logs(sink, self._logs, int(run.id), jobs))
        return StreamingResponse(pieces, 200, headers, "application/zip")

    def _demand_logs(self, run: HistoryRun | None) -> None:
        if run is None:
            raise HTTPException(404)
        if not run.has_logs:
            raise HTTPException(410, "The logs of this run are gone: somebody deleted them, or they became too old.")


def routes(parts: ServerParts) -> list[BaseRoute]:
    """Logs and streams."""
    requests = RunRequests(parts.directory, parts.history)
    reader = LogReader(parts.logs, parts.history)
    return [
        *LogRoutes(requests, reader, parts.logs).routes,
        *Streams(requests, reader, parts.broadcasts).routes,
    ]


def _threaded(answer: Callable[[Request], Response]) -> Callable[[Request], object]:
    async def answered(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return answered


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), 200, {"cache-control": "no-store"}, "application/json")


def _number(request: Request, name: str, default: int, *, least: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise HTTPException(400, f"{name} is not a number")
    return max(int(text), least)


def _query(request: Request) -> str:
    text = request.query_params.get("q", "")
    if not text.strip() or len(text) > _LONGEST_QUERY:
        raise HTTPException(400, f"q is what to look for: up to {_LONGEST_QUERY} characters, not nothing")
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise HTTPException(400, "at is not a moment (RFC 3339)") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

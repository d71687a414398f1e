"""Addresses from which an artifact or a log can be fetched for some minutes by whoever has them, and what answers there.

GitHub answers a download with a redirect to such an address, and clients follow it without their token.
"""

import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import quote, urlencode

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from homeport.ports.artifacts import ZIP, Artifact, ArtifactStore
from homeport.ports.clock import Clock
from homeport.ports.history import RunHistory
from homeport.ports.logs import LogStore
from homeport.server.api.log_archive import file_name, pack_logs, write_log
from homeport.tokens.keys import SecretKey

LIFETIME = timedelta(minutes=10)
"""GitHub's are good for one minute (logs) and one hour or so (artifacts): enough for a slow client to begin"""
_PREFIX = "/api/downloads"
_SPOOLED = 8 << 20
_PIECE = 1 << 18
_Give = Callable[[Request], Response]


class Downloads:
    """Signs and serves. Safe from any thread."""

    def __init__(
        self, key: SecretKey, clock: Clock, artifacts: ArtifactStore, history: RunHistory, logs: LogStore
    ) -> None:
        self._key = key
        self._clock = clock
        self._artifacts = artifacts
        self._history = history
        self._logs = logs

    def sign_artifact(self, site: str, artifact: Artifact) -> str:
        """Where an artifact can be read. That of an archive ends with `.zip`, by which clients know it."""
        suffix = ".zip" if artifact.media_type == ZIP else ""
        return self._sign(site, f"{_PREFIX}/artifacts/{artifact.run}/{artifact.id}{suffix}")

    def sign_logs(self, site: str, run: int, attempt: int) -> str:
        """Where the zip of an attempt's logs can be read."""
        return self._sign(site, f"{_PREFIX}/logs/{run}/{attempt}.zip")

    def sign_job_log(self, site: str, job: int) -> str:
        """Where a job's log can be read as text."""
        return self._sign(site, f"{_PREFIX}/jobs/{job}.txt")

    @property
    def routes(self) -> list[Route]:
        """GET only; HEAD says how large it is."""
        return [
            Route(f"{_PREFIX}/artifacts/{{run}}/{{file}}", self._guard(self._give_artifact), methods=["GET"]),
            Route(f"{_PREFIX}/logs/{{run}}/{{file}}", self._guard(self._give_logs), methods=["GET"]),
            Route(f"{_PREFIX}/jobs/{{file}}", self._guard(self._give_job_log), methods=["GET"]),
        ]

    def _sign(self, site: str, path: str) -> str:
        expires = str(int((self._clock.now() + LIFETIME).timestamp()))
        query = urlencode({"se": expires, "sig": self._key.seal(f"{expires}\n{path}")})
        return f"{site}{quote(path)}?{query}"

    def _guard(self, give: _Give) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            expires, seal = request.query_params.get("se", ""), request.query_params.get("sig", "")
            path = request.url.path
            if not self._key.is_seal(f"{expires}\n{path}", seal):
                raise HTTPException(403, "The address is not signed.")
            if int(expires) <= self._clock.now().timestamp():
                raise HTTPException(403, "The address has expired: ask for it again.")
            return await run_in_threadpool(give, request)

        return answer

    def _give_artifact(self, request: Request) -> Response:
        number = request.path_params["file"].removesuffix(".zip")
        found = [each for each in self._artifacts.list(request.path_params["run"]) if each.id == number]
        if not found:
            raise HTTPException(404, "The artifact is gone.")
        name = file_name(found[0].name) + (".zip" if found[0].media_type == ZIP else "")
        path = self._artifacts.archive_path(found[0])
        return FileResponse(path, media_type=found[0].media_type, filename=name, headers=_SAFE)

    def _give_logs(self, request: Request) -> Response:
        run, attempt = request.path_params["run"], int(request.path_params["file"].removesuffix(".zip"))
        known = self._history.get(run, attempt)
        if known is None or not known.has_logs:
            raise HTTPException(410, "The logs are gone.")
        jobs = [job.entry for job in self._history.jobs(run, attempt)]
        file = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - closed when the answer is out
        pack_logs(file, self._logs, int(run), jobs)
        return _stream(file, "application/zip", f"logs_{run}.zip")

    def _give_job_log(self, request: Request) -> Response:
        job = self._history.job(int(request.path_params["file"].removesuffix(".txt")))
        known = None if job is None else self._history.get(job.run, job.attempt)
        if job is None or known is None or not known.has_logs:
            raise HTTPException(410, "The log is gone.")
        file = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - closed when the answer is out
        write_log(file, self._logs.read(job.run, job.entry.attempt, job.entry.key))
        return _stream(file, "text/plain; charset=utf-8", f"{file_name(job.entry.name)}.txt")


_SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
    "cache-control": "private, no-store",
}
"""What jobs have made is never to act as a page of this server"""


def _stream(file: "tempfile.SpooledTemporaryFile[bytes]", media_type: str, name: str) -> Response:
    size = file.tell()
    file.seek(0)
    headers = {
        **_SAFE,
        "content-length": str(size),
        "content-disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}",
    }
    pieces = iter(lambda: file.read(_PIECE), b"")
    return StreamingResponse(pieces, 200, headers, media_type, BackgroundTask(file.close))

"""The part of the forge's REST interface that actions call and that a local run can answer: its repository, its runs, their artifacts.

Everything else is refused with 501 and what to do about it. Source: GitHub docs, "REST API endpoints for artifacts", "… for workflow
runs", "… for workflow jobs", "Get a repository"; what the client packages read of the answers.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from homeport.ports.artifacts import Artifact
from homeport.ports.repositories import RunRecord
from homeport.toolkit.answers import RefusalError
from homeport.toolkit.artifact_service import sign_download
from homeport.toolkit.callers import read_token
from homeport.toolkit.jobs import OpenJob
from homeport.toolkit.parts import Parts
from homeport.toolkit.rest_runs import describe_artifact, describe_run, find_run, list_jobs

API = "/api/v3"
NOT_OFFERED = (
    "Homeport does not offer {method} {path} to local runs. To have actions call the forge itself, give them a token of it: "
    "`homeport run --secret GITHUB_TOKEN`."
)
_REPOSITORY = f"{API}/repos/{{owner}}/{{name}}"
_ACTIONS = f"{_REPOSITORY}/actions"
_MOST_OF_A_PAGE = 100
_Answer = Callable[[Request, OpenJob], Any]


class Rest:
    """The endpoints. A job sees what belongs to its own repository."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        reading = [
            (_REPOSITORY, "metadata", self.repository),
            (f"{_ACTIONS}/artifacts/{{id}}", "actions", self.artifact),
            (f"{_ACTIONS}/artifacts/{{id}}/zip", "actions", self.download),
            (f"{_ACTIONS}/runs/{{run}}", "actions", self.run),
            (f"{_ACTIONS}/runs/{{run}}/artifacts", "actions", self.artifacts),
            (f"{_ACTIONS}/runs/{{run}}/jobs", "actions", self.jobs),
            (f"{_ACTIONS}/runs/{{run}}/attempts/{{attempt}}", "actions", self.run),
            (f"{_ACTIONS}/runs/{{run}}/attempts/{{attempt}}/jobs", "actions", self.jobs),
            (f"{_ACTIONS}/jobs/{{id}}", "actions", self.job),
        ]
        self.routes = [
            *(Route(path, self._guard(scope, "read", answer), methods=["GET"]) for path, scope, answer in reading),
            Route(f"{_ACTIONS}/artifacts/{{id}}", self._guard("actions", "write", self.delete), methods=["DELETE"]),
            Route(f"{API}/{{path:path}}", self.refuse, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/api/graphql", self.refuse, methods=["POST"]),
        ]

    def repository(self, _: Request, job: OpenJob) -> Response:
        """As the event has it."""
        event = job.order.github.get("event")
        repository = event.get("repository") if isinstance(event, dict) else None
        known = repository if isinstance(repository, dict) else {}
        owner, __, name = job.repository.partition("/")
        return JSONResponse({"name": name, "full_name": job.repository, "owner": {"login": owner}, **_plain(known)})

    def artifacts(self, request: Request, job: OpenJob) -> Response:
        """Those of one run, newest first."""
        record, _ = self._find_run(request, job)
        wanted = request.query_params.get("name")
        found = [artifact for artifact in self._parts.artifacts.list(record.id) if wanted in {None, artifact.name}]
        found.sort(key=lambda artifact: -int(artifact.id))
        shown = [self._describe(request, job, artifact) for artifact in found]
        return _answer_page(request, "artifacts", shown)

    def artifact(self, request: Request, job: OpenJob) -> Response:
        """One of them."""
        return _answer(self._describe(request, job, self._find_artifact(request, job)))

    def download(self, request: Request, job: OpenJob) -> Response:
        """Leads to where it can be read."""
        return RedirectResponse(sign_download(request, self._parts, self._find_artifact(request, job)), 302)

    def delete(self, request: Request, job: OpenJob) -> Response:
        """Remove one."""
        self._parts.artifacts.delete(self._find_artifact(request, job))
        return Response(status_code=204)

    def run(self, request: Request, job: OpenJob) -> Response:
        """A run, or an attempt at it."""
        record, plan = self._find_run(request, job)
        return _answer(describe_run(self._parts.runs, record, plan, _base(request)))

    def jobs(self, request: Request, job: OpenJob) -> Response:
        """Those of a run's latest attempt, or of the one that is named."""
        record, plan = self._find_run(request, job)
        found = list_jobs(self._parts.runs, record, plan, _base(request))
        return _answer_page(request, "jobs", found)

    def job(self, request: Request, job: OpenJob) -> Response:
        """A job of the run that asks."""
        found = self._parts.runs.find(job.run, job.attempt)
        known = [] if found is None else list_jobs(self._parts.runs, *found, _base(request))
        for each in known:
            if str(each.id) == request.path_params["id"]:
                return _answer(each)
        raise RefusalError(404, "This run has no such job.")

    async def refuse(self, request: Request) -> Response:
        """What is not offered."""
        path = request.scope["path"].removeprefix(API)
        raise RefusalError(501, NOT_OFFERED.format(method=request.method, path=path[:200]))

    def _guard(self, scope: str, level: str, answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
        async def check(request: Request) -> Response:
            job = self._parts.jobs.find_by_token(read_token(request))
            if job is None:
                raise RefusalError(401, "Bad credentials: expected the token of a job that runs now.")
            asked = f"{request.path_params['owner']}/{request.path_params['name']}"
            if asked.lower() != job.repository.lower():
                raise RefusalError(404, f"Only {job.repository} is offered to this run. {_hint(request)}")
            if scope != "metadata" and not job.may(scope, level):
                raise RefusalError(
                    403, f"Resource not accessible by integration: needs `permissions: {scope}: {level}`."
                )
            response: Response = await run_in_threadpool(answer, request, job)
            return response

        return check

    def _find_run(self, request: Request, job: OpenJob) -> Any:
        attempt = request.path_params.get("attempt")
        if attempt is not None and not (attempt.isascii() and attempt.isdigit() and len(attempt) < 10):
            raise RefusalError(404, "There is no such attempt.")
        found = find_run(self._parts.runs, request.path_params["run"], int(attempt) if attempt else None)
        if found is None or not _is_of(found[0], job):
            raise RefusalError(404, f"{job.repository} has no such run on this machine.")
        return found

    def _find_artifact(self, request: Request, job: OpenJob) -> Artifact:
        """Any of the runs that are kept; that of the own run is found first."""
        wanted = request.path_params["id"]
        runs = [job.run, *(record.id for record in self._parts.runs.list(repository=job.repository, limit=1000))]
        for run in runs:
            for artifact in self._parts.artifacts.list(run):
                if artifact.id == wanted:
                    return artifact
        raise RefusalError(404, "There is no such artifact.")

    def _describe(self, request: Request, job: OpenJob, artifact: Artifact) -> Any:
        return describe_artifact(self._parts.runs, artifact, job, _base(request))


def _is_of(record: RunRecord, job: OpenJob) -> bool:
    return record.repository.lower() == job.repository.lower()


def _base(request: Request) -> str:
    return f"{request.base_url.scheme}://{request.url.netloc}{API}"


def _hint(request: Request) -> str:
    return NOT_OFFERED.format(method=request.method, path=request.scope["path"].removeprefix(API))


def _answer_page(request: Request, name: str, found: Sequence[msgspec.Struct]) -> Response:
    """One page of a list, with a header that leads to the next (docs: "Using pagination in the REST API")."""
    size = _read_number(request, "per_page", 30, _MOST_OF_A_PAGE)
    page = _read_number(request, "page", 1, 10**6)
    body = {"total_count": len(found), name: found[(page - 1) * size : page * size]}
    if page * size >= len(found):
        return _answer(body)
    following = request.url.include_query_params(page=page + 1)
    return _answer(body, {"link": f'<{following}>; rel="next"'})


def _answer(body: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json", headers=headers)


def _read_number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, "")
    return min(max(int(text), 1), most) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _plain(value: Any) -> Any:
    """A part of the event as JSON has it: whole numbers without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value

"""`/api/homeport/v1/runs`: runs as the command line reads them: their records, plans, journals and lines; and what it does to them.

- `GET /runs?repository=OWNER/NAME&workflow=FILE&limit=N` (no repository: all that the caller may see)
- `GET /runs/{run}?attempt=N`, `GET /runs/{run}/facts?attempt=N&from=N`, `GET /runs/{run}/lines?attempt=N&job=KEY&step=ID&from=N`
- `GET /runs/{run}/artifacts`, `GET /runs/{run}/artifacts/{id}` (the stored file)
- `POST /runs/{run}/rerun`, `POST /runs/{run}/cancel`, `PUT` and `DELETE /runs/{run}/pin`, `DELETE /runs/{run}`
"""

from itertools import islice

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.access import Caller, Role
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.directory import HostedRepository
from homeport.ports.history import HistoryRun, RunFilter
from homeport.ports.logs import LogStore
from homeport.ports.repositories import RunRepository
from homeport.ports.run_api import ABOVE, MOST_FACTS, CancelWish, FoundRun, ListedRun, RerunWish, SomeFacts, SomeLines
from homeport.server.api_people import actor_of, read_body, resource
from homeport.server.audit import Audit
from homeport.server.auth import demand
from homeport.server.log_lines import MOST_LINES
from homeport.server.operations import Operations
from homeport.server.parts import ServerParts
from homeport.server.run_requests import RunRequests
from homeport.store.artifacts_folder import FolderArtifacts

_RUN = "/runs/{run}"
_MOST_RUNS = 1000
_SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
    "cache-control": "private, no-store",
}


class RunsApi:
    """The routes."""

    def __init__(
        self,
        requests: RunRequests,
        runs: RunRepository,
        logs: LogStore,
        artifacts: ArtifactStore,
        operations: Operations,
        audit: Audit,
    ) -> None:
        self._requests = requests
        self._runs = runs
        self._logs = logs
        self._artifacts = artifacts
        self._operations = operations
        self._audit = audit

    @property
    def routes(self) -> list[BaseRoute]:
        """All below `/api/homeport/v1`."""
        return [
            *resource("/runs", GET=self._list),
            *resource(_RUN, GET=self._find, DELETE=self._delete),
            *resource(_RUN + "/facts", GET=self._read_facts),
            *resource(_RUN + "/lines", GET=self._read_lines),
            *resource(_RUN + "/artifacts", GET=self._list_artifacts),
            *resource(_RUN + "/rerun", POST=self._rerun),
            *resource(_RUN + "/cancel", POST=self._cancel),
            *resource(_RUN + "/pin", PUT=self._pin, DELETE=self._unpin),
            Route(f"{ABOVE}/{{run}}/artifacts/{{artifact}}", self._give_artifact, methods=["GET"]),
        ]

    # --- reading ----------------------------------------------------------------------------------------------------------

    def _list(self, request: Request, _: bytes) -> object:
        caller: Caller = request.state.caller
        wanted = request.query_params.get("repository", "").lower()
        visible = [
            each.id
            for each in self._requests.directory.list()
            if _may_read(caller, each) and wanted in ("", each.full_name.lower())
        ]
        if wanted and not visible:
            raise HTTPException(404, f"There is no repository {wanted} here, or you may not see it.")
        chosen = RunFilter(repositories=tuple(visible), workflow=request.query_params.get("workflow", ""))
        limit = min(_number(request, "limit", 20), _MOST_RUNS)
        found = self._requests.history.find(chosen, limit=limit).runs
        return [listed for run in found if (listed := self._describe(run)) is not None]

    def _describe(self, run: HistoryRun) -> ListedRun | None:
        found = self._runs.find(run.id, run.entry.attempt)
        if found is None:
            return None
        return ListedRun(
            record=found[0],
            is_open=run.entry.status != "completed",
            first=next(iter(self._runs.facts(run.id, run.entry.attempt)), None),
            ending=self._runs.ending(run.id, run.entry.attempt),
        )

    def _find(self, request: Request, _: bytes) -> object:
        repository, run = self._get(request)
        found = self._runs.find(run.id, run.entry.attempt)
        if found is None:
            raise HTTPException(404)
        record, plan = found
        caller: Caller = request.state.caller
        if not caller.may("writer", repository):
            plan = msgspec.structs.replace(plan, variables={})
        return FoundRun(record=record, plan=plan, is_open=run.entry.status != "completed")

    def _read_facts(self, request: Request, _: bytes) -> object:
        run = self._get(request)[1]
        first = _number(request, "from", 0)
        facts = list(islice(self._runs.facts(run.id, run.entry.attempt), first, first + MOST_FACTS))
        return SomeFacts(facts=facts, following=first + len(facts) if len(facts) == MOST_FACTS else None)

    def _read_lines(self, request: Request, _: bytes) -> object:
        run = self._get(request)[1]
        first = _number(request, "from", 0)
        job, step = request.query_params.get("job", ""), request.query_params.get("step")
        lines = islice(self._logs.read(run.id, run.entry.attempt, job, step=step, start=first), MOST_LINES)
        return SomeLines(lines=[(line.at, line.step, line.text) for line in lines])

    def _list_artifacts(self, request: Request, _: bytes) -> object:
        run = self._get(request, latest=True)[1]
        attempt = _number(request, "attempt", 0) or None
        return self._artifacts.list(run.id, attempt=attempt, records=True)

    async def _give_artifact(self, request: Request) -> Response:
        return await run_in_threadpool(self._open_artifact, request)

    def _open_artifact(self, request: Request) -> Response:
        run = self._get(request, latest=True)[1]
        for artifact in self._artifacts.list(run.id, records=True):
            if artifact.id == request.path_params["artifact"]:
                path = self._artifacts.archive_path(artifact)
                return FileResponse(path, media_type="application/octet-stream", headers=_SAFE)
        raise HTTPException(404)

    # --- doing ------------------------------------------------------------------------------------------------------------

    def _rerun(self, request: Request, body: bytes) -> object:
        wish = read_body(body, RerunWish)
        caller, run = self._begin(request, "run.rerun")
        jobs = self._requests.history.jobs(run.id, run.entry.attempt)
        if wish.what == "job" and all(wish.job != job.entry.key for job in jobs):
            raise HTTPException(422, f"The run has no job {wish.job!r}.")
        has_begun = self._operations.rerun(caller, run.entry.id, wish, may_wait=True)
        return {"run": run.id, "attempt": run.entry.attempt + 1, "waits": not has_begun}

    def _cancel(self, request: Request, body: bytes) -> object:
        wish = read_body(body, CancelWish)
        caller, run = self._begin(request, "run.cancel")
        self._operations.cancel(caller, run.entry.id, force=wish.force)
        return {"run": run.id, "cancelled": True, "force": wish.force}

    def _pin(self, request: Request, _: bytes) -> object:
        caller, run = self._begin(request, "run.pin")
        self._operations.pin(caller, run.entry.id, is_pinned=True)
        return None

    def _unpin(self, request: Request, _: bytes) -> object:
        caller, run = self._begin(request, "run.unpin")
        self._operations.pin(caller, run.entry.id, is_pinned=False)
        return None

    def _delete(self, request: Request, _: bytes) -> object:
        caller, run = self._begin(request, "run.delete")
        self._operations.delete(caller, run.entry.id)
        return None

    def _begin(self, request: Request, action: str) -> tuple[Caller, HistoryRun]:
        run = self._get(request, "writer", latest=True)[1]
        actor = actor_of(request)
        self._audit.note(actor.caller, action, f"run {run.id}", address=actor.address)
        return actor.caller, run

    def _get(
        self, request: Request, role: Role = "reader", *, latest: bool = False
    ) -> tuple[HostedRepository, HistoryRun]:
        attempt = None if latest else _number(request, "attempt", 0) or None
        run = self._requests.history.get(request.path_params["run"], attempt)
        repository = None if run is None else self._requests.directory.get(run.repository_id)
        demand(request, role, repository, permission="actions")
        assert run is not None
        assert repository is not None
        return repository, run


def _may_read(caller: Caller, repository: HostedRepository) -> bool:
    """A job's token reads runs of its own repository only with `actions`, as everywhere."""
    if caller.kind == "job" and repository.is_private:
        return caller.may_use("actions", "read", repository)
    return caller.may("reader", repository)


def routes(parts: ServerParts) -> list[BaseRoute]:
    """All of them."""
    requests = RunRequests(parts.directory, parts.history)
    artifacts = FolderArtifacts(parts.folder.path, parts.clock)
    runs, logs = parts.stores.runs, parts.stores.logs
    return RunsApi(requests, runs, logs, artifacts, parts.operations, parts.access.audit).routes


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default

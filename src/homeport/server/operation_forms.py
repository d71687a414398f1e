"""The forms of a run's page, all of them POST, for writers. They lead back to the run, with `?done=…`.

- `/{owner}/{repo}/actions/runs/{run}/rerun`: `what` is all, failed, job (`job`: its key or number) or step (`step`: its number, of that
  job); `debug` for debug logging
- `…/cancel`: `force` for an end without cleanup
- `…/pin`: `pin` empty: not any more
- `…/delete`, `…/logs/delete`
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.access import Caller
from homeport.ports.history import HistoryRun
from homeport.ports.run_api import RerunWish
from homeport.ports.run_entries import JobEntry
from homeport.server.audit import Audit
from homeport.server.form_fields import read_fields
from homeport.server.limits import client_address
from homeport.server.operations import OperationError, Operations
from homeport.server.parts import ServerParts
from homeport.server.run_requests import RUN_PATH, RunRequests

Form = Mapping[str, str]
_MOST_DIGITS = 6


class OperationForms:
    """The routes."""

    def __init__(self, requests: RunRequests, operations: Operations, audit: Audit) -> None:
        self._requests = requests
        self._operations = operations
        self._audit = audit

    @property
    def routes(self) -> list[BaseRoute]:
        """Before those of pages."""
        return [
            Route(RUN_PATH + "/rerun", self._answer(self._rerun, "run.rerun"), methods=["POST"]),
            Route(RUN_PATH + "/cancel", self._answer(self._cancel, "run.cancel"), methods=["POST"]),
            Route(RUN_PATH + "/pin", self._answer(self._pin, "run.pin"), methods=["POST"]),
            Route(RUN_PATH + "/delete", self._answer(self._delete, "run.delete"), methods=["POST"]),
            Route(RUN_PATH + "/logs/delete", self._answer(self._delete_logs, "run.delete-logs"), methods=["POST"]),
        ]

    def _answer(
        self, work: Callable[[Caller, HistoryRun, Form], str], action: str
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            form = await read_fields(request)
            return await run_in_threadpool(self._carry_out, request, form, work, action)

        return answered

    def _carry_out(
        self, request: Request, form: Form, work: Callable[[Caller, HistoryRun, Form], str], action: str
    ) -> Response:
        run = self._requests.find_run(request, "writer")
        caller: Caller = request.state.caller
        place = work(caller, run, form)
        self._audit.note(caller, action, f"run {run.id}", address=client_address(request.scope))
        above = "/".join(quote(request.path_params[name], safe="") for name in ("owner", "repo"))
        return RedirectResponse(f"/{above}/actions{place}", HTTPStatus.SEE_OTHER)

    def _rerun(self, caller: Caller, run: HistoryRun, form: Form) -> str:
        has_begun = self._operations.rerun(caller, run.entry.id, self._read_wish(run, form), may_wait=True)
        return f"/runs/{run.id}{'?done=rerun' if has_begun else ''}"  # what waits is shown by the page itself

    def _read_wish(self, run: HistoryRun, form: Form) -> RerunWish:
        debug = bool(form.get("debug"))
        match form.get("what", "all"):
            case "all" | "failed" as what:
                return RerunWish(what=what, debug=debug)
            case "job":
                return RerunWish(what="job", job=self._find_job(run, form.get("job", "")).key, debug=debug)
            case "step":
                job, step = self._find_job(run, form.get("job", "")), form.get("step", "")
                if not (step.isascii() and step.isdigit() and len(step) < _MOST_DIGITS):
                    raise OperationError(HTTPStatus.BAD_REQUEST, "step: the number of a step was expected")
                return RerunWish(what="step", job=job.key, step=int(step), debug=debug)
            case other:
                message = f"what is to run again: all, failed, job or step, not {other}"
                raise OperationError(HTTPStatus.BAD_REQUEST, message)

    def _find_job(self, run: HistoryRun, wanted: str) -> JobEntry:
        for job in self._requests.history.jobs(run.id, run.entry.attempt):
            if wanted in (job.entry.key, str(job.entry.id)):
                return job.entry
        raise OperationError(HTTPStatus.NOT_FOUND, "The run has no such job.")

    def _cancel(self, caller: Caller, run: HistoryRun, form: Form) -> str:
        self._operations.cancel(caller, run.entry.id, force=bool(form.get("force")))
        return f"/runs/{run.id}?done=cancelled"

    def _pin(self, caller: Caller, run: HistoryRun, form: Form) -> str:
        self._operations.pin(caller, run.entry.id, is_pinned=bool(form.get("pin")))
        return f"/runs/{run.id}?done=saved"

    def _delete(self, caller: Caller, run: HistoryRun, _: Form) -> str:
        self._operations.delete(caller, run.entry.id)
        return "?done=removed"

    def _delete_logs(self, caller: Caller, run: HistoryRun, _: Form) -> str:
        self._operations.delete_logs(caller, run.entry.id)
        return f"/runs/{run.id}?done=removed"


def routes(parts: ServerParts) -> list[BaseRoute]:
    """The forms."""
    requests = RunRequests(parts.directory, parts.history)
    return OperationForms(requests, parts.operations, parts.access.audit).routes

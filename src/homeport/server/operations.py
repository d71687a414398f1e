"""What people do to runs: run them again, end them, keep them for ever, delete them.

A part of a run that has failed while others still run may be asked for again at once: it begins when the run has ended (decision 53).

Sources: GitHub docs, "Re-running workflows and jobs" (a run that goes on is not run again; debug logging for one attempt; 50 re-runs of a
run at most), "Canceling a workflow run", "Deleting a workflow run", "Using workflow run logs".
"""

from http import HTTPStatus
from typing import assert_never

import msgspec
from starlette.exceptions import HTTPException

from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.journal import recall
from homeport.plan.model import Plan
from homeport.ports.access import Caller
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.clock import Clock
from homeport.ports.history import HistoryRun, RunHistory
from homeport.ports.kept_workspaces import KeptWorkspace, KeptWorkspaces
from homeport.ports.logs import IndexedLogs
from homeport.ports.repositories import RunRecord, RunRepository
from homeport.ports.run_api import RerunWish
from homeport.run.rerun import FromStep, OneJob, RerunError, Selection
from homeport.run.state import RunState
from homeport.server.audit import name_of
from homeport.server.awaited_reruns import AwaitedReruns
from homeport.server.chains import Chains
from homeport.server.engine import ServerEngine
from homeport.server.forks import ApprovalError, Forks
from homeport.store.tables.awaited_reruns import AwaitedRerun

MOST_ATTEMPTS = 51
_SECONDS = 60.0
"""How long a request waits for the engine at most"""
_NOTHING_KEPT = "What this job left is not kept (any more), so it cannot go on from a step: run the job again."
_DEBUG = ("ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG")
_DEBUG_OPTION = "debug_variables"
"""in a record: those that were set for this attempt alone"""


class OperationError(HTTPException):
    """Why something is not done to a run, in words."""


class Operations:
    """Whether somebody may is the caller's to ask. Not for the event loop; safe from any thread. Everything is durable when it returns.

    All may raise `OperationError` and `StoreError`.
    """

    def __init__(
        self,
        engine: ServerEngine,
        runs: RunRepository,
        history: RunHistory,
        logs: IndexedLogs,
        artifacts: ArtifactStore,
        forks: Forks,
        clock: Clock,
        kept: KeptWorkspaces,
        chains: Chains,
        awaited: AwaitedReruns,
    ) -> None:
        self._engine = engine
        self._runs = runs
        self._history = history
        self._logs = logs
        self._artifacts = artifacts
        self._forks = forks
        self._clock = clock
        self._kept = kept
        self._chains = chains
        self._awaited = awaited

    # --- again ----------------------------------------------------------------------------------------------------------------

    def rerun(self, caller: Caller, run: int, wish: RerunWish, *, may_wait: bool = False) -> bool:
        """Begin another attempt, of what is wished for and of what needs it. To go on from a step of a job without a key means the one job
        of the run that this can be done with.

        With `may_wait`, a part of a run that has ended may be asked for while others still run; False then: it begins after them.
        """
        if wish.what == "step" and not wish.job:
            wish = msgspec.structs.replace(wish, job=self._choose_kept(run))
        return self._begin_attempt(name_of(caller), str(run), wish, may_wait=may_wait)

    def begin_awaited(self, awaited: AwaitedRerun) -> None:
        """The one that had to wait for the end of its run; what is in its way now is noted with it."""
        recalled = recall(self._runs, awaited.run)
        if recalled is None or recalled[0].attempt != awaited.attempt:
            self._awaited.refuse(awaited, "another attempt was begun meanwhile")
        elif recalled[1].cancel is not None:
            self._awaited.refuse(awaited, "the run was cancelled")
        else:
            try:
                self._begin_attempt(awaited.by, awaited.run, awaited.wish, may_wait=False)
            except OperationError as error:
                self._awaited.refuse(awaited, error.detail)

    def find_awaited(self, run: int, attempt: int) -> AwaitedRerun | None:
        """What waits for the end of an attempt, or did not begin after it."""
        return self._awaited.find(str(run), attempt)

    def find_kept(self, run: int, attempt: int, job: str) -> KeptWorkspace | None:
        """What is kept of a job of an attempt."""
        return self._kept.find(str(run), attempt, job)

    def _choose_kept(self, run: int) -> str:
        found = sorted({each.job for each in self._kept.list(str(run))})
        if len(found) != 1:
            message = f"Which job? These can be gone on with: {', '.join(found)}." if found else _NOTHING_KEPT
            raise OperationError(HTTPStatus.CONFLICT, message)
        return found[0]

    def _check_kept(self, previous: RunState, selection: FromStep) -> None:
        job = previous.jobs.get(selection.key)
        kept = None if job is None else self._kept.find(previous.id, job.attempt, job.key)
        if kept is None:
            raise OperationError(HTTPStatus.CONFLICT, _NOTHING_KEPT)
        if selection.number not in kept.steps:
            numbers = ", ".join(map(str, kept.steps))
            message = f"Job '{selection.key}' cannot go on from step {selection.number}, only from one of: {numbers}."
            raise OperationError(HTTPStatus.CONFLICT, message)

    def _begin_attempt(self, who: str, run: str, wish: RerunWish, *, may_wait: bool) -> bool:
        recalled = recall(self._runs, run)
        if recalled is None:
            raise OperationError(HTTPStatus.NOT_FOUND, "What this run was made of is not there any more.")
        record, previous = recalled
        selection = _read_selection(wish)
        if isinstance(selection, FromStep):
            self._check_kept(previous, selection)
        if record.attempt >= MOST_ATTEMPTS:
            raise OperationError(HTTPStatus.FORBIDDEN, f"A run is run again {MOST_ATTEMPTS - 1} times at most.")
        attempt, plan = _next_attempt(record, previous.plan, who, self._clock, debug=wish.debug)

        is_awaited = self._chains.has_listeners(record.repository_id)

        def begin(coordinator: Coordinator) -> bool:
            going_on = coordinator.find_run(run)
            if going_on is not None and may_wait and _has_ended(going_on, selection):
                self._let_wait(AwaitedRerun(run=run, attempt=going_on.attempt, wish=wish, by=who))
                return False
            latest = self._runs.find(run)
            if going_on is not None or latest is None or latest[0].attempt != record.attempt:
                raise OperationError(HTTPStatus.FORBIDDEN, "This workflow is already running")
            coordinator.resubmit(previous, attempt, selection, plan=plan)
            self._awaited.forget(run)
            if is_awaited:
                self._chains.watch(attempt)  # in the same transaction: a server that dies now forgets both or neither
            return True

        try:
            return self._engine.ask(begin).result(_SECONDS)
        except RerunError as error:
            raise OperationError(HTTPStatus.FORBIDDEN, f"{error}".capitalize()) from error

    def _let_wait(self, awaited: AwaitedRerun) -> None:
        known = self._awaited.get(awaited.run)
        if known is not None and known.wish != awaited.wish:
            message = f"Another re-run waits for the end of this run already; {known.by} has asked for it."
            raise OperationError(HTTPStatus.CONFLICT, message)
        self._awaited.keep(awaited)

    # --- no further -------------------------------------------------------------------------------------------------------------

    def cancel(self, caller: Caller, run: int, *, force: bool = False) -> None:
        """Ask for its end; `always()` steps still run, unless with force. One that waits for approval is rejected."""
        who, number = name_of(caller), str(run)

        def ask(coordinator: Coordinator) -> bool:
            if coordinator.find_run(number) is None:
                return False
            coordinator.cancel(number, who, f"{who} cancelled the run", force=force)
            return True

        if self._engine.ask(ask).result(_SECONDS):
            return
        if self._forks.find_plan(number) is None:
            raise OperationError(HTTPStatus.CONFLICT, "Cannot cancel a workflow run that is completed.")
        try:
            self._forks.reject(number, caller)
        except ApprovalError as error:
            raise OperationError(HTTPStatus.CONFLICT, str(error)) from error

    def approve(self, caller: Caller, run: int) -> None:
        """Let a run of a fork's pull request start."""
        try:
            self._forks.approve(str(run), caller)
        except ApprovalError as error:
            raise OperationError(HTTPStatus.FORBIDDEN, str(error)) from error

    # --- keeping and deleting -----------------------------------------------------------------------------------------------------

    def pin(self, caller: Caller, run: int, *, is_pinned: bool) -> None:
        """Keep it from retention, or not any more."""
        self._get(run)
        self._history.pin(str(run), name_of(caller), self._clock.now(), is_pinned=is_pinned)

    def delete(self, caller: Caller, run: int) -> None:  # noqa: ARG002 - who it was is in the audit log
        """The run with all its attempts, logs and artifacts. First it is forgotten, then what is kept for it goes: a server that dies
        in between has something to sweep, and nothing that points to what is gone.
        """
        known = self._get_completed(run)
        artifacts = self._artifacts.list(known.id, records=True)
        self._history.forget(known.id)
        self._runs.delete(known.id)
        self._logs.delete(known.id)
        self._kept.forget(known.id)
        for artifact in artifacts:
            self._artifacts.delete(artifact)

    def delete_logs(self, caller: Caller, run: int) -> None:
        """Of all attempts."""
        known = self._get_completed(run)
        self._history.note_logs_gone(known.id, name_of(caller), self._clock.now())
        self._logs.delete(known.id)

    def _get(self, run: int) -> HistoryRun:
        known = self._history.get(str(run))
        if known is None:
            raise OperationError(HTTPStatus.NOT_FOUND, "Not Found")
        return known

    def _get_completed(self, run: int) -> HistoryRun:
        known = self._get(run)
        number = known.id
        is_open = self._engine.ask(lambda coordinator: coordinator.find_run(number) is not None).result(_SECONDS)
        if is_open or known.entry.status != "completed":
            raise OperationError(HTTPStatus.FORBIDDEN, "The run is not completed: cancel it, or wait for its end.")
        return known


def _read_selection(wish: RerunWish) -> Selection:
    match wish.what:
        case "all" | "failed":
            return wish.what
        case "job":
            return OneJob(wish.job)
        case "step":
            return FromStep(wish.job, wish.step)
        case _:
            assert_never(wish.what)


def _has_ended(run: RunState, selection: Selection) -> bool:
    """Whether what is selected has ended, in a run that goes on: something has failed, or all legs of the job are over."""
    match selection:
        case "all":
            return False
        case "failed":
            return any(job.outcome == "failure" for job in run.jobs.values())
        case OneJob(key) | FromStep(key=key):
            legs = run.families[key].legs if key in run.families and key not in run.jobs else (key,)
            jobs = [run.jobs[leg] for leg in legs if leg in run.jobs]
            return bool(jobs) and all(job.status == "completed" for job in jobs)
        case _:
            assert_never(selection)


def _next_attempt(record: RunRecord, plan: Plan, who: str, clock: Clock, *, debug: bool) -> tuple[RunRecord, Plan]:
    """Debug logging is of one attempt: what it switched on in the last one is off again."""
    options = {**record.options, "triggering_actor": who}
    added = options.pop(_DEBUG_OPTION, "").split()
    variables = {name: value for name, value in plan.variables.items() if name not in added}
    if debug:
        fresh = [name for name in _DEBUG if name not in variables]
        options[_DEBUG_OPTION] = " ".join(fresh)
        variables.update(dict.fromkeys(fresh, "true"))
    attempt = msgspec.structs.replace(record, attempt=record.attempt + 1, created_at=clock.now(), options=options)
    return attempt, msgspec.structs.replace(plan, variables=variables)

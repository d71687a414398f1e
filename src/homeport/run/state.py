"""Where a run stands: a value, changed only by `transition.apply`, one fact at a time."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from homeport.plan.model import Leg, Plan, PlannedJob
from homeport.run.facts import Conclusion, KeptJob, ResumePoint, StopReason

ClaimStatus = Literal["none", "requested", "waiting", "granted", "released"]
PENDING_CLAIMS: frozenset[ClaimStatus] = frozenset({"requested", "waiting", "granted"})
"""A claim that somebody still has to give back."""


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """A leg, a call, or a job that is not expanded yet.

    `scope` is the key of the call leg it stands inside (empty at the top), `id` its id in that scope's workflow. `leg` is None
    until the job is expanded; an expanded job with a matrix is replaced by its legs.
    """

    key: str
    scope: str
    id: str
    status: Literal["waiting", "ready", "queued", "running", "completed"] = "waiting"
    """waiting: for needs · ready: expanded, not offered (max-parallel, concurrency) · queued: offered · running · completed"""
    leg: Leg | None = None
    claims: dict[str, ClaimStatus] = {}
    """by concurrency group, as written: the leg's own, and for a call that of the called workflow"""
    lease: str = ""
    stop: StopReason | None = None
    forced: bool = False
    """whether it was told to end without cleanup steps"""
    paused: int | None = None
    """the number of the step before which it waits for `homeport retry`"""
    open_families: int | None = None
    """for a call that has started: how many of its inner jobs are not completed"""
    conclusion: Conclusion | None = None
    outcome: Conclusion | None = None
    outputs: dict[str, str] = {}
    reason: str | None = None
    attempt: int = 1
    """the attempt in which it ran: an earlier one where a re-run kept it"""
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def is_stopped(self, *, forced: bool) -> bool:
        """Whether it was told to stop; `forced`: to do so without cleanup."""
        return self.stop is not None and (self.forced or not forced)


class FamilyState(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is written, in one scope: all its legs together, counted, so that a decision need not look at each of them.

    `key` is the scope's key and the job's id. `needs` and `dependants` are the keys of other families of the scope.
    """

    key: str
    scope: str
    id: str
    planned: PlannedJob
    needs: tuple[str, ...] = ()
    dependants: tuple[str, ...] = ()
    unmet: int = 0
    """how many of its needs are not completed"""
    status: Literal["waiting", "expanded", "completed"] = "waiting"
    legs: tuple[str, ...] = ()
    """keys in `RunState.jobs`; its own where it was never expanded"""
    ready: tuple[str, ...] = ()
    """legs that have not been offered and claim nothing yet"""
    active: int = 0
    """legs that count for `max-parallel`: claiming, queued or running"""
    open: int = 1
    """legs that are not completed; a job that is not expanded counts as one"""
    unstopped: int = 0
    """open legs that nobody asked to stop (with force, where the run's cancellation is forced)"""
    failing: bool = False
    """a leg failed and `fail-fast` is on"""
    spared: bool = False
    """its condition holds although the run is cancelled"""
    result: Conclusion | None = None
    """what `needs` sees, once completed"""
    outputs: dict[str, str] = {}

    def free_slots(self, max_parallel: int | None) -> int:
        """How many more of its ready legs may start now."""
        if max_parallel is None:
            return len(self.ready)
        return max(0, min(len(self.ready), max_parallel - self.active))


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at carrying out a plan. `jobs` is in the order of the plan, legs in the order of the matrix; the inside of a call
    follows what was there when the call began.

    `kept` holds, for a re-run, what earlier attempts concluded for jobs that do not run again (by key). The last six fields
    are derived from the others and keep decisions cheap.
    """

    id: str
    plan: Plan
    number: int = 1
    attempt: int = 1
    status: Literal["queued", "waiting", "running", "completed"] = "queued"
    conclusion: Conclusion | None = None
    claim: ClaimStatus = "none"
    cancel: str | None = None
    """why the run was cancelled; None while nobody asked"""
    forced: bool = False
    jobs: dict[str, JobState] = {}
    kept: dict[str, KeptJob] = {}
    resumed: dict[str, ResumePoint] = {}
    """by key, jobs that go on where an earlier attempt failed"""
    github: dict[str, Any] = {}
    """the run's share of the `github` context (ids, numbers, names, event): what job conditions may see"""
    resolved: dict[str, str] = {}
    """the commits of the actions that jobs have used, by `owner/repo@ref` in lower case: the same for all of the run"""
    repository_id: int = 0
    """of the server's repository that it belongs to; 0 for local runs"""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    families: dict[str, FamilyState] = {}
    open_families: int = 0
    """how many jobs of the top-level workflow are not completed"""
    leases: int = 0
    """how many leases this attempt has given out"""
    agenda: dict[str, None] = {}
    """families that a decision may have to look at, in order"""
    attention: dict[str, None] = {}
    """legs that a decision may have to look at, in order"""
    waits: dict[str, None] = {}
    """legs that wait for a concurrency group, in the order in which they began to"""

    def holds(self, job: str, lease: str) -> bool:
        """Whether a lease is the open one of a job: what is reported under any other lease is to be dropped."""
        state = self.jobs.get(job)
        return state is not None and state.lease == lease and state.status in ("queued", "running")

    def family_of(self, job: JobState) -> FamilyState:
        """The written job that a leg belongs to."""
        return self.families[family_key(job.scope, job.id)]

    def find_stop(self, scope: str) -> StopReason | None:
        """Why the jobs of a scope are to stop: the run is cancelled, or a call around them was told to; None while they may go on."""
        if self.cancel is not None:
            return "cancelled"
        while scope:
            call = self.jobs[scope]
            if call.stop is not None:
                return call.stop
            scope = call.scope
        return None

    def is_inside(self, scope: str, call: str) -> bool:
        """Whether a scope is that of a call leg, or lies within it."""
        while scope and scope != call:
            scope = self.jobs[scope].scope
        return scope == call


def family_key(scope: str, job_id: str) -> str:
    """The key of a job without its own matrix values."""
    return f"{scope}/{job_id}" if scope else job_id

"""Where a run stands: a value, changed only by `transition.apply`, one fact at a time."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from homeport.plan.model import Leg, Plan
from homeport.run.facts import Conclusion, StopReason

ClaimStatus = Literal["none", "requested", "waiting", "granted", "released"]


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
    claim: ClaimStatus = "none"
    lease: str = ""
    stop: StopReason | None = None
    conclusion: Conclusion | None = None
    outcome: Conclusion | None = None
    outputs: dict[str, str] = {}
    started_at: datetime | None = None
    finished_at: datetime | None = None


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at carrying out a plan. `jobs` is in the order of the plan, legs in the order of the matrix.

    `kept` holds, for a re-run, what earlier attempts concluded for jobs that do not run again (by key, as completed states).
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
    github: dict[str, Any] = {}
    """the run's share of the `github` context (ids, numbers, names, event): what job conditions may see"""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

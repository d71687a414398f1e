"""What the command line and a server say to one another about runs (`/api/homeport/v1/runs`), as JSON."""

from datetime import datetime
from typing import Literal

import msgspec

from homeport.plan.model import Plan
from homeport.ports.repositories import RunRecord
from homeport.run.facts import RunFact, RunFinished

ABOVE = "/api/homeport/v1/runs"
MOST_FACTS = 5000


class ListedRun(msgspec.Struct, frozen=True, kw_only=True):
    """The latest attempt of a run."""

    record: RunRecord
    is_open: bool
    first: RunFact | None = None
    """the first of its facts"""
    ending: RunFinished | None = None


class FoundRun(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. Whoever may not write sees no values of variables in the plan."""

    record: RunRecord
    plan: Plan
    is_open: bool


class SomeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a journal; `following` asks for the next, None: this is the end of what there is."""

    facts: list[RunFact]
    following: int | None


class SomeLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a job's log; each is its moment, its step's id, its text."""

    lines: list[tuple[datetime, str, str]]


class RerunWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to run again; `job` is a job's key, `step` the number of the step of that job to go on from."""

    what: Literal["all", "failed", "job", "step"] = "all"
    job: str = ""
    """for `step` it may be empty: the one job that can be gone on with"""
    step: int = 0
    debug: bool = False


class CancelWish(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is to end."""

    force: bool = False

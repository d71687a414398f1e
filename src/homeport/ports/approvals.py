"""Runs that wait for somebody's word before they start: those of pull requests from forks."""

from datetime import datetime
from typing import Literal

import msgspec

Decision = Literal["waiting", "approved", "rejected", "expired"]
"""`expired`: nobody decided in time, and nobody can any more. GitHub shows such a run as completed, with the conclusion `action_required`, until it is approved."""


class HeldRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has its number and its plan, and is not begun. What is approved is the head commit: everything that it starts."""

    run: str
    repository: int
    """of the `HostedRepository`"""
    pull_request: int
    head_sha: str
    author: str
    """who opened the pull request, as the forge calls them"""
    held_at: datetime
    decision: Decision = "waiting"
    decided_by: str = ""
    decided_at: datetime | None = None

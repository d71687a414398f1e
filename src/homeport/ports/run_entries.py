"""Runs, jobs and steps as they stand, wherever they were read: what stores give, and what answers and pages show."""

from datetime import datetime
from typing import Literal

import msgspec

from homeport.run.facts import Conclusion

RunStatus = Literal["queued", "pending", "waiting", "in_progress", "completed"]
"""pending: for its concurrency group; waiting: for a person's approval"""
JobStatus = Literal["queued", "pending", "waiting", "in_progress", "completed"]
RunConclusion = Conclusion | Literal["action_required", "startup_failure", "timed_out", "neutral", "stale"]


class PersonEntry(msgspec.Struct, frozen=True):
    """Somebody. `id` 0: it is not known."""

    login: str
    id: int = 0
    kind: Literal["User", "Organization", "Bot"] = "User"


class RepositoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as far as answers show it."""

    id: int
    owner: PersonEntry
    name: str
    is_private: bool = True
    default_branch: str = "main"
    clone_url: str = ""
    """empty: that of the server which answers"""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"


class CommitEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The commit at the head of what was run."""

    sha: str
    tree: str = ""
    message: str = ""
    timestamp: str = ""
    author_name: str = ""
    author_email: str = ""
    committer_name: str = ""
    committer_email: str = ""


class PullRequestEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The pull request that a run belongs to."""

    id: int
    number: int
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str


class RunEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a run. `workflow` is the file; `title` what the list shows (the run's name, else that of the event)."""

    id: int
    attempt: int
    number: int
    workflow: str
    workflow_id: int
    workflow_name: str
    title: str
    event: str
    status: RunStatus
    conclusion: RunConclusion | None
    head_branch: str | None
    head_sha: str
    actor: PersonEntry
    triggering_actor: PersonEntry
    created_at: datetime
    """of the run: the same for all attempts"""
    started_at: datetime
    """of this attempt"""
    updated_at: datetime
    head_commit: CommitEntry | None = None
    pull_requests: tuple[PullRequestEntry, ...] = ()


class StepEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One step."""

    number: int
    name: str
    status: Literal["queued", "in_progress", "completed"]
    conclusion: Conclusion | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    id: str = ""
    """as logs name it"""


class JobEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One job of one attempt. `conclusion` is the one before `continue-on-error`: that is what GitHub's interface shows."""

    id: int
    key: str
    name: str
    status: JobStatus
    conclusion: RunConclusion | None = None
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    labels: tuple[str, ...] = ()
    runner: str = ""
    reason: str = ""
    attempt: int = 1
    """the attempt in which it ran: an earlier one where a re-run kept it"""
    steps: tuple[StepEntry, ...] = ()

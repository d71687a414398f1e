"""What the shapes are made from, as stores give it."""

from homeport.ports.run_entries import (
    CommitEntry,
    JobEntry,
    JobStatus,
    PersonEntry,
    PullRequestEntry,
    RepositoryEntry,
    RunConclusion,
    RunEntry,
    RunStatus,
    StepEntry,
)

__all__ = [
    "CommitEntry",
    "JobEntry",
    "JobStatus",
    "PersonEntry",
    "PullRequestEntry",
    "RepositoryEntry",
    "RunConclusion",
    "RunEntry",
    "RunStatus",
    "StepEntry",
]

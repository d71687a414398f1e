"""What happened in a server's repositories, what came of it, and the workflows that are known there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.event import Event

EventState = Literal["pending", "planned"]
"""Not looked at yet · looked at: what came of it is known."""
StartOutcome = Literal["started", "not-started", "refused", "disabled"]
"""Has a run · a filter kept it away · GitHub would refuse it · it was switched off."""
WorkflowState = Literal["active", "disabled_manually", "disabled_inactivity", "deleted"]
"""GitHub's own words."""


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was taken in. `id` counts up over all repositories."""

    id: int
    repository: int
    """of the `HostedRepository`"""
    delivery: str
    """names the occurrence: the forge's own id, or one of Homeport's"""
    accepted_at: datetime
    state: EventState
    note: str = ""
    """why nothing at all came of it"""
    event: Event


class WorkflowStart(msgspec.Struct, frozen=True, kw_only=True):
    """What one event meant for one workflow file."""

    workflow: str
    """the file"""
    name: str
    outcome: StartOutcome
    run: str = ""
    """of a started one"""
    number: int = 0
    reason: str = ""
    """why it did not start, in words"""
    diagnostics: tuple[Diagnostic, ...] = ()
    """of a refused one"""


class EventLog(Protocol):
    """The events of all repositories, for those who show them. Safe from any thread. All may raise `StoreError`."""

    def find(self, event: int) -> StoredEvent | None:
        """By its number."""
        ...

    def find_by_run(self, run: str) -> StoredEvent | None:
        """The event that a run was started by."""
        ...

    def list(self, repository: int, *, before: int | None = None, limit: int = 50) -> Sequence[StoredEvent]:
        """Newest first; those with a smaller number than `before`."""
        ...

    def starts(self, event: int) -> Sequence[WorkflowStart]:
        """What it meant for each workflow, by file."""
        ...


class KnownWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow file that was seen in a repository. `id` stays while the path does, over all repositories."""

    id: int
    repository: int
    path: str
    name: str
    state: WorkflowState = "active"
    created_at: datetime
    updated_at: datetime


class WorkflowRegistry(Protocol):
    """The workflows of all repositories: as they are on the default branch, and what else was ever started. Safe from any thread."""

    def list(self, repository: int) -> Sequence[KnownWorkflow]:
        """By path; those that are gone from the default branch too (`deleted`)."""
        ...

    def find(self, repository: int, workflow: int | str) -> KnownWorkflow | None:
        """By id, by path (`.github/workflows/ci.yml`) or by the name of its file (`ci.yml`)."""
        ...

    def switch(self, repository: int, workflow: int, state: WorkflowState) -> None:
        """Enable (`active`) or disable one."""
        ...

    def note(self, repository: int, names: Mapping[str, str], *, is_default_branch: bool) -> Sequence[KnownWorkflow]:
        """These files (by path, with their names) were seen: new ones get an id. Seen on the default branch, those that are not among
        them are deleted there. Gives all that is known of the files.
        """
        ...

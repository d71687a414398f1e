"""What the interface stands on: a few of the server's parts, by name."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from homeport.git.repository import GitRepository
from homeport.ports.access import Caller
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.events import KnownWorkflow, WorkflowRegistry
from homeport.ports.forge import Status
from homeport.ports.people import People
from homeport.ports.vault import Vault
from homeport.rest.entries import JobEntry
from homeport.server.api.downloads import Downloads
from homeport.server.api.rates import Rates
from homeport.server.api.reading import Reading
from homeport.server.audit import Audit
from homeport.server.sealed_values import SealedValues
from homeport.server.settings import ServerSettings
from homeport.store.tables.statuses import CommitStatus, TableStatuses


class Operations(Protocol):
    """What can be done to runs. Refusals are `ApiRefusalError`s."""

    def rerun(self, caller: Caller, run: int, *, debug: bool) -> None:
        """All jobs."""
        ...

    def rerun_failed(self, caller: Caller, run: int, *, debug: bool) -> None:
        """Those that failed, and what needs them."""
        ...

    def rerun_job(self, caller: Caller, run: int, job: JobEntry, *, debug: bool) -> None:
        """One, and what needs it."""
        ...

    def cancel(self, caller: Caller, run: int, *, force: bool) -> None:
        """End it."""
        ...

    def approve(self, caller: Caller, run: int) -> None:
        """Let it start."""
        ...

    def delete(self, caller: Caller, run: int) -> None:
        """With all that is kept for it."""
        ...

    def delete_logs(self, caller: Caller, run: int) -> None:
        """Of all attempts."""
        ...


class Dispatches(Protocol):
    """How runs are started by hand. Refusals are `ApiRefusalError`s."""

    def start_workflow(
        self,
        caller: Caller,
        repository: HostedRepository,
        workflow: KnownWorkflow,
        ref: str,
        inputs: Mapping[str, Any],
    ) -> None:
        """A `workflow_dispatch`."""
        ...

    def start_repository(
        self, caller: Caller, repository: HostedRepository, event_type: str, payload: Mapping[str, Any]
    ) -> None:
        """A `repository_dispatch`."""
        ...


class ApiParts(msgspec.Struct, frozen=True, kw_only=True):
    """All of it may be used from any thread."""

    settings: ServerSettings
    clock: Clock
    directory: RepositoryDirectory
    workflows: WorkflowRegistry
    people: People
    audit: Audit
    vault: Vault
    sealed_values: SealedValues
    reading: Reading
    statuses: TableStatuses
    set_status: Callable[[HostedRepository, Status, str], CommitStatus]
    """the last is who sets it"""
    artifacts: ArtifactStore
    caches: Callable[[str], CacheStore]
    """by `owner/name`"""
    find_git: Callable[[HostedRepository], GitRepository | None]
    downloads: Downloads
    rates: Rates

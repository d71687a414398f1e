"""What the interface stands on: a few of the server's parts, by name."""

from collections.abc import Callable

import msgspec

from homeport.git.repository import GitRepository
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.events import EventLog, WorkflowRegistry
from homeport.ports.forge import Status
from homeport.ports.people import People
from homeport.ports.vault import Vault
from homeport.server.api.downloads import Downloads
from homeport.server.api.rates import Rates
from homeport.server.api.reading import Reading
from homeport.server.audit import Audit
from homeport.server.dispatches import Dispatches
from homeport.server.forks import Forks
from homeport.server.operations import Operations
from homeport.server.planning import Planner
from homeport.server.sealed_values import SealedValues
from homeport.server.settings import ServerSettings
from homeport.store.tables.made_checks import TableMadeChecks
from homeport.store.tables.statuses import CommitStatus, TableStatuses


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
    made_checks: TableMadeChecks
    set_status: Callable[[HostedRepository, Status, str], CommitStatus]
    """the last is who sets it"""
    artifacts: ArtifactStore
    caches: Callable[[str], CacheStore]
    """by `owner/name`"""
    find_git: Callable[[HostedRepository], GitRepository | None]
    downloads: Downloads
    rates: Rates
    operations: Operations
    dispatches: Dispatches
    planner: Planner
    events: EventLog
    """tell what came of a dispatch"""
    forks: Forks

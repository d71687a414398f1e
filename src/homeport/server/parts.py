"""What the routes of the server stand on: put together once, at its start, and handed to every front door."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from homeport.coordinator.surroundings import Stores
from homeport.ports.clock import Clock
from homeport.ports.directory import RepositoryDirectory
from homeport.ports.history import RunHistory
from homeport.ports.logs import IndexedLogs
from homeport.run.facts import Fact
from homeport.server.access import Access
from homeport.server.engine import ServerEngine
from homeport.server.forks import Forks
from homeport.server.happenings import Happenings
from homeport.server.metrics import Metrics
from homeport.server.operations import Operations
from homeport.server.results import Results
from homeport.server.settings import ServerSettings
from homeport.server.stream import Broadcasts
from homeport.server.waiting import Bell
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database

Listener = Callable[[Sequence[Fact]], None]
"""Is told what is durable, in order; called by the engine's thread, so it must not block."""


class BackgroundPart(Protocol):
    """What goes on beside requests: schedules, polling, deliveries to forges. Threads are its own."""

    def start(self) -> None:
        """Begin; the engine runs already."""
        ...

    def stop(self) -> None:
        """End, and wait for the end. What is under way is finished, or left so that the next process goes on with it."""
        ...


class ServerParts(msgspec.Struct, frozen=True, kw_only=True):
    """Every field is safe to use from any thread, unless it says otherwise."""

    settings: ServerSettings
    """with the port that is really listened at"""
    folder: DataFolder
    clock: Clock
    database: Database
    stores: Stores
    engine: ServerEngine
    bell: Bell
    """rings when runners may have news"""
    access: Access
    """who calls, and what they may do"""
    history: RunHistory
    """runs and jobs, by what people ask for"""
    logs: IndexedLogs
    """what jobs say; the engine's thread appends"""
    broadcasts: Broadcasts
    """wakes those who look on"""
    operations: Operations
    """what people do to runs"""
    results: Results
    """what commits and forges are told of runs"""
    directory: RepositoryDirectory
    forks: Forks
    """runs of pull requests from forks that wait for approval"""
    metrics: Metrics
    find_runner_problem: Callable[[], str | None]
    """why the built-in runner does not come, in words for everybody"""
    happenings: Happenings
    """what takes events in, and what came of them"""
    background: tuple[BackgroundPart, ...] = ()
    """started in this order, stopped in the opposite one"""

"""Puts a server together: its engine, its runner, and everything that hangs on them."""

import os
from collections.abc import Callable, Mapping, Sequence

import msgspec
from starlette.routing import BaseRoute

from homeport import __version__
from homeport.cli.builtin_runner import BuiltinRunner, Recipe
from homeport.cli.server_events import open_happenings
from homeport.cli.server_ground import Ground, open_ground
from homeport.cli.server_results import open_results
from homeport.coordinator.dispatch import Labels, machine_labels
from homeport.coordinator.surroundings import Policy
from homeport.ports.directory import HostedRepository
from homeport.run.facts import Fact
from homeport.server.awaited_reruns import AwaitedReruns, RerunStarter
from homeport.server.chains import Chains
from homeport.server.engine import ServerEngine
from homeport.server.forks import Forks, start_with
from homeport.server.grants import ServerGrants
from homeport.server.metrics import Metrics, gauges
from homeport.server.operations import Operations
from homeport.server.own_log import note_runs
from homeport.server.parts import Listener, ServerParts
from homeport.server.retention import Retention, Sweeper, measure_free
from homeport.server.runner_api import RunnerApi
from homeport.server.settings import ServerSettings
from homeport.server.stream import Broadcasts
from homeport.server.waiting import Bell
from homeport.store.caches_folder import FolderCaches
from homeport.store.kept_workspaces import FolderKeptWorkspaces
from homeport.store.tables.awaited_reruns import TableAwaitedReruns
from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import TableDeliveries
from homeport.store.tables.held_runs import TableHeldRuns
from homeport.store.tables.leases import TableLeases


class Server(msgspec.Struct, frozen=True):
    """All of a server; nothing of it runs yet."""

    parts: ServerParts
    runner_routes: list[BaseRoute]
    """what the built-in runner calls, at a socket of its own"""


def build_server(settings: ServerSettings, database: Database, bell: Bell, environment: Mapping[str, str]) -> Server:
    """`environment` is the server's own. To be called by the one owner of the data folder. Raises `StoreError`, `UsageError`."""
    ground = open_ground(settings, database, environment)
    listeners: list[Listener] = []
    engine = _make_engine(ground, bell, listeners)
    runner = BuiltinRunner(ground.folder, _write_recipe(settings), builtin_labels(), environment, ground.clock)
    results = open_results(ground)
    start = start_with(engine, ground.stores.runs)
    forks = Forks(TableHeldRuns(database), start, ground.clock, ground.access.audit)
    happenings = open_happenings(ground, results, forks, start)
    metrics, broadcasts = Metrics(), Broadcasts()
    metrics.watch(lambda: gauges(engine, database))
    metrics.watch(runner.gauges)
    awaited = AwaitedReruns(TableAwaitedReruns(database))
    operations = _make_operations(ground, engine, forks, happenings.chains, awaited)
    reruns = RerunStarter(awaited, ground.stores.runs, operations.begin_awaited)
    listeners += [metrics.hear, note_runs, results.reporter.hear, broadcasts.hear, happenings.chains.hear, reruns.hear]
    parts = ServerParts(
        settings=settings,
        folder=ground.folder,
        clock=ground.clock,
        database=database,
        stores=ground.stores,
        engine=engine,
        bell=bell,
        access=ground.access,
        history=ground.history,
        logs=ground.logs,
        broadcasts=broadcasts,
        operations=operations,
        forks=forks,
        directory=ground.directory,
        results=results,
        metrics=metrics,
        find_runner_problem=lambda: runner.problem,
        happenings=happenings,
        background=(runner, forks, results.reporter, *happenings.background, reruns, _make_sweeper(ground, forks)),
    )
    return Server(parts, list(RunnerApi(engine.board, bell, runner.find_runner).routes))


def builtin_labels() -> Labels:
    """What the built-in runner answers to."""
    system = os.uname()
    return Labels(machine_labels(system.sysname, system.machine))


def _make_engine(ground: Ground, bell: Bell, listeners: Sequence[Listener]) -> ServerEngine:
    """`listeners` may grow until the engine is started."""
    access = ground.access
    leases = TableLeases(ground.database)
    access.job_tokens.keep_only([lease.id for lease in leases.list()])
    return ServerEngine(
        ground.stores,
        leases,
        ground.clock,
        policy=Policy(
            labels=builtin_labels(),
            grants=ServerGrants(ground.directory, access.vault, access.job_tokens, ground.folder),
        ),
        batch=ground.database.batch,
        broadcast=_tell_all(listeners),
        on_change=bell.ring,
        begin_anew=ground.begin_anew,
    )


def _make_operations(
    ground: Ground, engine: ServerEngine, forks: Forks, chains: Chains, awaited: AwaitedReruns
) -> Operations:
    return Operations(
        engine,
        ground.stores.runs,
        ground.history,
        ground.logs,
        ground.artifacts,
        forks,
        ground.clock,
        FolderKeptWorkspaces(ground.folder.runner, ground.clock),
        chains,
        awaited,
    )


def _make_sweeper(ground: Ground, forks: Forks) -> Sweeper:
    def open_caches(repository: HostedRepository, quota: int) -> FolderCaches:
        name = repository.full_name.lower()
        return FolderCaches(ground.folder.path, name, ground.clock, search_path="", quota_bytes=quota)

    retention = Retention(
        ground.directory,
        ground.history,
        ground.stores.runs,
        ground.logs,
        ground.artifacts,
        open_caches,
        ground.clock,
        measure_free(ground.folder.path),
        forget_deliveries=TableDeliveries(ground.database).prune,
        forget_events=ground.events.prune,
    )
    return Sweeper(retention, ground.logs, ground.clock, forks.expire)


def _write_recipe(settings: ServerSettings) -> Recipe:
    return Recipe(
        version=__version__,
        data=settings.data,
        url=settings.url,
        parallel=settings.parallel,
        executor=settings.executor or "process",
        keep_failed_minutes=settings.keep_failed_minutes,
    )


def _tell_all(listeners: Sequence[Listener]) -> Callable[[Sequence[Fact]], None]:
    def tell(facts: Sequence[Fact]) -> None:
        for listener in listeners:
            listener(facts)

    return tell

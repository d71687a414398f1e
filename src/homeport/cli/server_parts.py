"""Puts a server together: its database, its stores, its engine, and everything that hangs on them."""

import os
from collections.abc import Callable, Mapping, Sequence

import msgspec
from starlette.routing import BaseRoute

from homeport import __version__
from homeport.cli.builtin_runner import BuiltinRunner, Recipe
from homeport.cli.clock import SystemClock
from homeport.cli.server_access import open_access
from homeport.cli.server_events import open_happenings
from homeport.cli.server_results import open_results
from homeport.coordinator.dispatch import Labels, machine_labels
from homeport.coordinator.surroundings import Policy, Stores
from homeport.run.facts import Fact
from homeport.server.closed_controls import ClosedControls
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
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.caches_folder import FolderCaches
from homeport.store.data_folder import DataFolder
from homeport.store.kept_workspaces import FolderKeptWorkspaces
from homeport.store.logs_packed import PackedLogs
from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import TableDeliveries
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from homeport.store.tables.groups import TableConcurrencyGroups
from homeport.store.tables.held_runs import TableHeldRuns
from homeport.store.tables.history import TableHistory
from homeport.store.tables.history_fold import HistoryFolds
from homeport.store.tables.history_upkeep import bring_history_up_to_date
from homeport.store.tables.job_tokens import end_tokens
from homeport.store.tables.leases import TableLeases
from homeport.store.tables.reports import mark_news
from homeport.store.tables.runs import TableRuns


def open_database(settings: ServerSettings) -> Database:
    """The database that the settings name, as this version writes it. To be called by the one owner of the data folder. Raises
    `StoreError`.
    """
    database = Database(settings.database_url or DataFolder(settings.data).database_url)
    try:
        bring_history_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return database


class Server(msgspec.Struct, frozen=True):
    """All of a server; nothing of it runs yet."""

    parts: ServerParts
    runner_routes: list[BaseRoute]
    """what the built-in runner calls, at a socket of its own"""


def build_server(settings: ServerSettings, database: Database, bell: Bell, environment: Mapping[str, str]) -> Server:
    """`environment` is the server's own. To be called by the one owner of the data folder."""
    folder = DataFolder(settings.data)
    clock = SystemClock()
    logs = PackedLogs(os.path.join(folder.path, "logs"))
    folds = HistoryFolds()
    runs = _open_runs(database, folds)
    stores = _open_stores(runs, database, logs)
    access = open_access(folder, database, clock, settings.url, environment)
    directory = TableDirectory(database)
    events = TableEvents(database, clock)
    results = open_results(database, stores.runs, directory, events, access.vault, clock, folder, settings)
    metrics = Metrics()
    broadcasts = Broadcasts()
    listeners: list[Listener] = [
        metrics.hear,
        note_runs,
        results.reporter.hear,
        broadcasts.hear,
    ]
    leases = TableLeases(database)
    access.job_tokens.keep_only([lease.id for lease in leases.list()])
    engine = ServerEngine(
        stores,
        leases,
        clock,
        policy=Policy(
            labels=builtin_labels(),
            grants=ServerGrants(directory, access.vault, access.job_tokens, folder),
        ),
        batch=database.batch,
        broadcast=_tell_all(listeners),
        on_change=bell.ring,
        begin_anew=lambda: _begin_anew(runs, folds),
    )
    metrics.watch(lambda: gauges(engine, database))
    runner = BuiltinRunner(folder, _write_recipe(settings), builtin_labels(), environment, clock)
    metrics.watch(runner.gauges)
    forks = Forks(TableHeldRuns(database), start_with(engine, stores.runs), clock, access.audit)
    happenings = open_happenings(
        settings,
        database,
        clock,
        environment,
        access=access,
        directory=directory,
        events=events,
        results=results,
        forks=forks,
        runs=stores.runs,
        start=start_with(engine, stores.runs),
    )
    listeners.append(happenings.chains.hear)
    history = TableHistory(database)
    artifacts = FolderArtifacts(folder.path, clock)
    retention = Retention(
        directory,
        history,
        stores.runs,
        logs,
        artifacts,
        lambda repository, quota: FolderCaches(
            folder.path, repository.full_name.lower(), clock, search_path="", quota_bytes=quota
        ),
        clock,
        measure_free(folder.path),
        forget_deliveries=TableDeliveries(database).prune,
        forget_events=events.prune,
    )
    parts = ServerParts(
        settings=settings,
        folder=folder,
        clock=clock,
        database=database,
        stores=stores,
        engine=engine,
        bell=bell,
        access=access,
        history=history,
        logs=logs,
        broadcasts=broadcasts,
        operations=Operations(
            engine,
            stores.runs,
            history,
            logs,
            artifacts,
            forks,
            clock,
            FolderKeptWorkspaces(folder.runner, clock),
            happenings.chains,
        ),
        forks=forks,
        directory=directory,
        results=results,
        metrics=metrics,
        find_runner_problem=lambda: runner.problem,
        happenings=happenings,
        background=(
            runner,
            forks,
            results.reporter,
            *happenings.background,
            Sweeper(retention, logs, clock, forks.expire),
        ),
    )
    return Server(parts, list(RunnerApi(engine.board, bell, runner.find_runner).routes))


def _write_recipe(settings: ServerSettings) -> Recipe:
    return Recipe(
        version=__version__,
        data=settings.data,
        url=settings.url,
        parallel=settings.parallel,
        executor=settings.executor or "process",
        keep_failed_minutes=settings.keep_failed_minutes,
    )


def builtin_labels() -> Labels:
    """What the built-in runner answers to."""
    system = os.uname()
    return Labels(machine_labels(system.sysname, system.machine))


def _open_runs(database: Database, folds: HistoryFolds) -> TableRuns:
    # whoever else wrote in this database is dead: the folder's lock says so
    owner = f"server-{os.getpid()}-{os.urandom(4).hex()}"
    return TableRuns(database, owner, lambda _: False, (end_tokens, mark_news, folds.follow))


def _begin_anew(runs: TableRuns, folds: HistoryFolds) -> None:
    """After a failure of the database: what is in memory may be ahead of what is in there."""
    runs.begin_anew()
    folds.begin_anew()


def _open_stores(runs: TableRuns, database: Database, logs: PackedLogs) -> Stores:
    return Stores(
        runs=runs,
        logs=logs,
        groups=lambda repository: TableConcurrencyGroups(database, repository, runs.is_open),
        controls=ClosedControls(),
    )


def _tell_all(listeners: Sequence[Listener]) -> Callable[[Sequence[Fact]], None]:
    def tell(facts: Sequence[Fact]) -> None:
        for listener in listeners:
            listener(facts)

    return tell

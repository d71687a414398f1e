"""What all parts of a server stand on: its database, its folder, its stores, and who may do what."""

import os
from collections.abc import Callable, Mapping

import msgspec

from homeport.cli.clock import SystemClock
from homeport.cli.server_access import open_access
from homeport.coordinator.surroundings import Stores
from homeport.ports.clock import Clock
from homeport.server.access import Access
from homeport.server.closed_controls import ClosedControls
from homeport.server.settings import ServerSettings
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.data_folder import DataFolder
from homeport.store.logs_packed import PackedLogs
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from homeport.store.tables.groups import TableConcurrencyGroups
from homeport.store.tables.history import TableHistory
from homeport.store.tables.history_fold import HistoryFolds
from homeport.store.tables.history_upkeep import bring_history_up_to_date
from homeport.store.tables.job_tokens import end_tokens
from homeport.store.tables.reports import mark_news
from homeport.store.tables.runs import TableRuns


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Opened once, and handed to whoever puts a part of the server together."""

    settings: ServerSettings
    environment: Mapping[str, str]
    """the server's own"""
    clock: Clock
    folder: DataFolder
    database: Database
    access: Access
    directory: TableDirectory
    events: TableEvents
    stores: Stores
    logs: PackedLogs
    """those of `stores`, which has no words for what a server does with them besides"""
    history: TableHistory
    artifacts: FolderArtifacts
    begin_anew: Callable[[], None]
    """after a failure of the database: what is in memory may be ahead of what is in there"""


def open_database(settings: ServerSettings) -> Database:
    """The database that the settings name, as this version writes it. To be called by the one owner of the data folder. Raises
    `StoreError`.
    """
    database = Database(settings.database_url or DataFolder(settings.data).database_url, is_server=True)
    try:
        bring_history_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return database


def open_ground(settings: ServerSettings, database: Database, environment: Mapping[str, str]) -> Ground:
    """`environment` is the server's own. To be called by the one owner of the data folder. Raises `StoreError`."""
    folder, clock = DataFolder(settings.data), SystemClock()
    logs = PackedLogs(os.path.join(folder.path, "logs"))
    folds = HistoryFolds()
    runs = _open_runs(database, folds)

    def begin_anew() -> None:
        runs.begin_anew()
        folds.begin_anew()

    return Ground(
        settings=settings,
        environment=environment,
        clock=clock,
        folder=folder,
        database=database,
        access=open_access(folder, database, clock, settings.url, environment),
        directory=TableDirectory(database),
        events=TableEvents(database, clock),
        stores=Stores(
            runs=runs,
            logs=logs,
            groups=lambda repository: TableConcurrencyGroups(database, repository, runs.is_open),
            controls=ClosedControls(),
        ),
        logs=logs,
        history=TableHistory(database),
        artifacts=FolderArtifacts(folder.path, clock),
        begin_anew=begin_anew,
    )


def _open_runs(database: Database, folds: HistoryFolds) -> TableRuns:
    # whoever else wrote in this database is dead: the folder's lock says so
    owner = f"server-{os.getpid()}-{os.urandom(4).hex()}"
    return TableRuns(database, owner, lambda _: False, (end_tokens, mark_news, folds.follow))

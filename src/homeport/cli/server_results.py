"""Puts together how a server tells forges what became of runs."""

import os

from homeport.forge.connections import ConnectedForges
from homeport.ports.clock import Clock
from homeport.ports.directory import RepositoryDirectory
from homeport.ports.events import EventLog
from homeport.ports.repositories import RunRepository
from homeport.ports.vault import Vault
from homeport.server.badge_key import BadgeKey
from homeport.server.delivery import Delivery
from homeport.server.forge_credentials import VaultForgeCredentials
from homeport.server.outbox import ForgeReporter
from homeport.server.reporting import Reporting
from homeport.server.results import Results
from homeport.server.settings import ServerSettings
from homeport.store.data_folder import DataFolder
from homeport.store.key_files import load_or_make_key
from homeport.store.tables.database import Database
from homeport.store.tables.held_runs import TableHeldRuns
from homeport.store.tables.journal_reader import JournalReader
from homeport.store.tables.outbox import TableOutbox
from homeport.store.tables.reports import TableReports
from homeport.store.tables.statuses import TableStatuses


def open_results(
    database: Database,
    runs: RunRepository,
    directory: RepositoryDirectory,
    events: EventLog,
    vault: Vault,
    clock: Clock,
    folder: DataFolder,
    settings: ServerSettings,
) -> Results:
    """`runs` must leave marks of their facts (`store.tables.reports.mark_news`). Raises `StoreError`."""
    outbox = TableOutbox(database)
    credentials = VaultForgeCredentials(vault)
    forges = ConnectedForges(credentials, clock, settings.internal_forges)
    reporting = Reporting(
        TableReports(database),
        JournalReader(database),
        runs,
        directory,
        clock,
        settings.url,
        events,
        TableHeldRuns(database).find,
    )
    delivery = Delivery(outbox, directory, forges, clock, reporting.find_details)
    return Results(
        statuses=TableStatuses(database),
        reporting=reporting,
        delivery=delivery,
        credentials=credentials,
        forges=forges,
        reporter=ForgeReporter(reporting, delivery, forges.close),
        badge_key=BadgeKey(load_or_make_key(os.path.join(folder.keys, "badge.key"))),
    )

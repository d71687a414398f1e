"""Puts together how a server tells forges what became of runs."""

import os

from homeport.cli.server_ground import Ground
from homeport.forge.connections import ConnectedForges
from homeport.server.badge_key import BadgeKey
from homeport.server.delivery import Delivery
from homeport.server.forge_credentials import VaultForgeCredentials
from homeport.server.outbox import ForgeReporter
from homeport.server.reporting import Reporting
from homeport.server.results import Results
from homeport.store.key_files import load_or_make_key
from homeport.store.tables.held_runs import TableHeldRuns
from homeport.store.tables.journal_reader import JournalReader
from homeport.store.tables.made_checks import TableMadeChecks
from homeport.store.tables.outbox import TableOutbox
from homeport.store.tables.reports import TableReports
from homeport.store.tables.statuses import TableStatuses


def open_results(ground: Ground) -> Results:
    """The runs of `ground` must leave marks of their facts (`store.tables.reports.mark_news`). Raises `StoreError`."""
    database, directory, clock = ground.database, ground.directory, ground.clock
    outbox = TableOutbox(database)
    credentials = VaultForgeCredentials(ground.access.vault)
    forges = ConnectedForges(credentials, clock, ground.settings.internal_forges)
    reporting = Reporting(
        TableReports(database),
        JournalReader(database),
        ground.stores.runs,
        directory,
        clock,
        ground.settings.url,
        ground.events,
        TableHeldRuns(database).find,
        made_checks=TableMadeChecks(database),
    )
    delivery = Delivery(outbox, directory, forges, clock, reporting.find_details)
    return Results(
        statuses=TableStatuses(database),
        reporting=reporting,
        delivery=delivery,
        credentials=credentials,
        forges=forges,
        reporter=ForgeReporter(reporting, delivery, forges.close),
        badge_key=BadgeKey(load_or_make_key(os.path.join(ground.folder.keys, "badge.key"))),
    )

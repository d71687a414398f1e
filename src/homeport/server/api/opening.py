"""Puts the interface together from the server's parts."""

import os
from collections.abc import Sequence

from starlette.routing import BaseRoute

from homeport.run.facts import RunFact
from homeport.server.api.downloads import Downloads
from homeport.server.api.graphql import graphql_route
from homeport.server.api.guard import route_of
from homeport.server.api.parts import ApiParts
from homeport.server.api.rates import Rates
from homeport.server.api.reading import Reading
from homeport.server.api.table import ENDPOINTS
from homeport.server.parts import ServerParts
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.caches_folder import FolderCaches
from homeport.store.key_files import load_or_make_key
from homeport.store.tables.journal_reader import JournalReader
from homeport.store.tables.made_checks import TableMadeChecks
from homeport.tokens.keys import SecretKey


def routes_of(api: ApiParts) -> list[BaseRoute]:
    """`/api/v3`, `/api/graphql` and what downloads lead to."""
    return [*(route_of(each, api) for each in ENDPOINTS), graphql_route(api), *api.downloads.routes]


def open_api(parts: ServerParts) -> ApiParts:
    """What the interface stands on."""
    artifacts = FolderArtifacts(parts.folder.path, parts.clock)
    journals = JournalReader(parts.database)
    workflows = parts.happenings.workflows
    key = SecretKey(load_or_make_key(os.path.join(parts.folder.keys, "downloads.key")))

    def read_facts(run: str, attempt: int, types: Sequence[str]) -> Sequence[RunFact]:
        return [fact for _, fact in journals.read(run, attempt, after=-1, types=types)]

    return ApiParts(
        settings=parts.settings,
        clock=parts.clock,
        directory=parts.directory,
        workflows=workflows,
        people=parts.access.people,
        audit=parts.access.audit,
        vault=parts.access.vault,
        sealed_values=parts.access.sealed_values,
        reading=Reading(parts.history, workflows, parts.access.people, artifacts, read_facts),
        statuses=parts.results.statuses,
        made_checks=TableMadeChecks(parts.database),
        set_status=parts.results.reporting.set_status,
        artifacts=artifacts,
        # nothing is packed or unpacked here, so no program for that is looked for
        caches=lambda name: FolderCaches(parts.folder.path, name.lower(), parts.clock, search_path=""),
        find_git=parts.happenings.planner.find_git,
        downloads=Downloads(key, parts.clock, artifacts, parts.history, parts.logs),
        operations=parts.operations,
        dispatches=parts.happenings.dispatches,
        planner=parts.happenings.planner,
        events=parts.happenings.events,
        forks=parts.forks,
        rates=Rates(parts.clock),
    )

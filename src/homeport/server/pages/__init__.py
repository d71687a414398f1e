"""The server's web pages: rendered here, made livelier by a few modules in `static/`; nothing has to be built.

What the log viewer and the run page ask the server for beside pages (`server/logs.py` and `server/stream.py` answer). All are GET, for
whoever may read the repository; lines are counted from 1 over the whole log of a job, in one attempt:

- `/{owner}/{repo}/actions/runs/{run}/job/{number}/log?from=LINE&count=N` → `{"total": lines so far, "is_complete": bool, "from": LINE,
  "lines": [[milliseconds since 1970, number of the step, "text"], …]}`. `count` is at most 5000; `from` beyond the end: no lines.
- `…/job/{number}/log/outline` → `{"total": …, "is_complete": …, "steps": [[number, first line, count], …],
  "groups": [[line of ##[group], line of its ##[endgroup]], …]}`: the groups of the first level, at most 20,000, in order.
- `…/job/{number}/log/search?q=TEXT` → `{"lines": [LINE, …], "is_more": bool}`: case is ignored; at most 5000 lines.
- `…/job/{number}/log/stream?from=LINE` → server-sent events: `lines`, with the same object as the first, whenever there are new ones
  (its `id` is the last line, so that a browser goes on from there by `Last-Event-ID`), and `end` when the job is completed and
  everything was sent.
- `/{owner}/{repo}/actions/runs/{run}/stream` → server-sent events: `changed` whenever anything but lines has happened in the run
  (data: `{"sequence": n}`), at most ten times a second, and `end` when it is completed.
"""

from collections.abc import Callable

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from homeport import __version__
from homeport.ports.caches import CacheStore
from homeport.server.forge_administration import open_forges
from homeport.server.log_search import LogSearch
from homeport.server.pages.administration import AdministrationPages
from homeport.server.pages.approvals import Approvals
from homeport.server.pages.artifact_files import ArtifactFiles
from homeport.server.pages.cache_pages import CachePages
from homeport.server.pages.errors import ProblemPages
from homeport.server.pages.event_pages import EventPages
from homeport.server.pages.forge_forms import ServerForges
from homeport.server.pages.home import Home
from homeport.server.pages.job_pages import JobPages
from homeport.server.pages.owner_settings import OwnerSettingsPages
from homeport.server.pages.profile import Profile
from homeport.server.pages.rendering import Pages
from homeport.server.pages.repository_lists import RepositoryLists
from homeport.server.pages.repository_settings import RepositorySettingsPages
from homeport.server.pages.roles import RolePages
from homeport.server.pages.run_lists import RunLists
from homeport.server.pages.run_pages import RunPages
from homeport.server.pages.run_reader import RunReader
from homeport.server.pages.search_pages import SearchPages
from homeport.server.pages.signing_in import SigningIn
from homeport.server.pages.starting import Starting
from homeport.server.pages.static_files import StaticFiles
from homeport.server.parts import ServerParts
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.caches_folder import FolderCaches
from homeport.store.tables.leases import TableLeases
from homeport.store.tables.made_checks import TableMadeChecks
from homeport.store.tables.refused_workflows import TableRefusedWorkflows


def open_pages(parts: ServerParts) -> Pages:
    """What shows all pages, those of problems too."""
    return Pages(StaticFiles(), parts.clock)


def routes(parts: ServerParts, pages: Pages) -> list[BaseRoute]:
    """All pages. They come last: `/{owner}/{repo}` takes whatever nobody else has."""
    clock, directory, history = parts.clock, parts.directory, parts.history
    reader = RunReader(parts.stores.runs, parts.database)
    approvals = Approvals(pages, directory, parts.forks)
    artifacts = FolderArtifacts(parts.folder.path, clock)
    forges = open_forges(parts)
    refused = TableRefusedWorkflows(parts.database)
    made_checks = TableMadeChecks(parts.database)
    return [
        *pages.static.routes,
        *SigningIn(parts.access, pages).routes,
        *Home(pages, directory, history, refused, parts.results.delivery, parts.forks, clock).routes,
        *RepositoryLists(pages, directory, history, parts.access.audit, clock, parts.settings.url).routes,
        *Profile(pages, parts.access).routes,
        *AdministrationPages(
            pages,
            parts.access,
            directory,
            parts.results.delivery,
            parts.engine,
            TableLeases(parts.database),
            parts.settings,
            clock,
            __version__,
        ).routes,
        *ServerForges(pages, directory, parts.results.delivery, forges, parts.settings.url).routes,
        *OwnerSettingsPages(pages, directory, parts.access, forges, clock).routes,
        *RolePages(pages, directory, parts.access.administration).routes,
        *RepositorySettingsPages(
            pages, directory, parts.access, parts.results, forges, clock, parts.settings.url
        ).routes,
        *Starting(pages, directory, parts.happenings, parts.access).routes,
        *ArtifactFiles(directory, history, artifacts, parts.access.audit).routes,
        *RunLists(pages, directory, history, parts.happenings.workflows, refused, clock).routes,
        *EventPages(pages, directory, history, parts.happenings.events, parts.happenings.deliveries.store).routes,
        *SearchPages(pages, directory, history, LogSearch(parts.logs, history)).routes,
        *CachePages(pages, directory, _caches_of(parts), parts.access.audit).routes,
        *approvals.routes,
        *RunPages(pages, reader, directory, history, artifacts, approvals, made_checks, parts.operations, clock).routes,
        *JobPages(pages, reader, directory, history, parts.logs, clock, parts.operations).routes,
    ]


def _caches_of(parts: ServerParts) -> Callable[[str], CacheStore]:
    """To look at and to remove: nothing is packed or unpacked here, so no program for that is looked for."""
    return lambda name: FolderCaches(parts.folder.path, name.lower(), parts.clock, search_path="")


def middleware(pages: Pages) -> Middleware:
    """Makes pages of problems, for browsers; it belongs outside of whatever answers one."""
    return Middleware(ProblemPages, pages=pages)

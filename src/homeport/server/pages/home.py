"""The first page: what needs somebody's attention, the repositories, and what was run lately."""

from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.history import HistoryRun, RunFilter, RunHistory
from homeport.server.auth import find_identity
from homeport.server.delivery import Delivery
from homeport.server.forks import Forks
from homeport.server.pages.rendering import Pages, repository_path
from homeport.server.pages.run_lists import RunRow, describe_run, see_repositories
from homeport.store.tables.refused_workflows import TableRefusedWorkflows

_RECENT = 12
_STRIP = 16
_STUCK_SECONDS = 60
_MOST_REPOSITORIES = 12


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """Something that somebody should look at."""

    state: str
    title: str
    link: str
    detail: str
    repository: str
    run: RunRow | None = None


class RepositoryCard(msgspec.Struct, frozen=True):
    """A repository with its latest runs, the oldest first."""

    repository: HostedRepository
    runs: Sequence[RunRow]


class Home:
    """The route of `/`."""

    def __init__(
        self,
        pages: Pages,
        directory: RepositoryDirectory,
        history: RunHistory,
        refused: TableRefusedWorkflows,
        delivery: Delivery,
        forks: Forks,
        clock: Clock,
    ) -> None:
        self._pages = pages
        self._directory = directory
        self._history = history
        self._refused = refused
        self._delivery = delivery
        self._forks = forks
        self._clock = clock

    @property
    def routes(self) -> list[BaseRoute]:
        """One."""
        return [Route("/", self._show, methods=["GET"])]

    def _show(self, request: Request) -> Response:
        visible = see_repositories(request, self._directory)
        if find_identity(request).caller.kind == "anonymous" and not visible:
            return RedirectResponse("/login", 303)
        recent = self._history.find(RunFilter(repositories=tuple(visible)), limit=_RECENT)
        return self._pages.show(
            request,
            "home.html",
            title="Home",
            concerns=self._find_concerns(visible),
            cards=self._describe_repositories(visible),
            more_repositories=max(len(visible) - _MOST_REPOSITORIES, 0),
            runs=[describe_run(run, visible.get(run.repository_id)) for run in recent.runs],
        )

    def _describe_repositories(self, visible: Mapping[int, HostedRepository]) -> list[RepositoryCard]:
        shown = list(visible.values())[:_MOST_REPOSITORIES]
        recent = self._history.recent([each.id for each in shown], most=_STRIP)
        return [RepositoryCard(each, [describe_run(run, each) for run in reversed(recent[each.id])]) for each in shown]

    def _find_concerns(self, visible: Mapping[int, HostedRepository]) -> list[Concern]:
        branches = [(one.id, one.default_branch) for one in visible.values()]
        runs = self._history.attention(branches) if branches else ()
        return [
            *self._find_held(visible),
            *self._find_refused(visible),
            *(_describe_concern(run, visible.get(run.repository_id)) for run in runs),
            *self._find_stuck(visible),
            *self._find_unheard(visible),
        ]

    def _find_held(self, visible: Mapping[int, HostedRepository]) -> list[Concern]:
        """Runs of pull requests from forks that wait for a maintainer."""
        return [
            Concern(
                state="action_required",
                title=f"Pull request #{held.pull_request} by {held.author}",
                link=f"{repository_path(visible[held.repository])}/actions/runs/{held.run}",
                detail="comes from a fork, and waits for approval",
                repository=visible[held.repository].full_name,
            )
            for held in self._forks.waiting()
            if held.repository in visible
        ]

    def _find_refused(self, visible: Mapping[int, HostedRepository]) -> list[Concern]:
        """Workflows that the latest push to a default branch has left unreadable: nothing starts them, so no run shows it."""
        return [
            Concern(
                state="startup_failure",
                title=f"{refused.name} cannot start",
                link=f"{repository_path(visible[refused.repository])}/actions/events/{refused.event}",
                detail=refused.reason,
                repository=visible[refused.repository].full_name,
            )
            for refused in self._refused.list(tuple(visible))
        ]

    def _find_stuck(self, visible: Mapping[int, HostedRepository]) -> list[Concern]:
        """Runs that no runner has taken up for a while."""
        queued = self._history.find(RunFilter(repositories=tuple(visible), states=("queued",)), limit=10)
        now = self._clock.now()
        return [
            _concern(run, visible.get(run.repository_id), "no runner has taken it up yet")
            for run in queued.runs
            if (now - run.entry.updated_at).total_seconds() > _STUCK_SECONDS
        ]

    def _find_unheard(self, visible: Mapping[int, HostedRepository]) -> list[Concern]:
        """Repositories whose forge does not hear of results."""
        return [
            Concern(
                state="warning",
                title="Results do not reach the forge",
                link=f"{repository_path(repository)}/settings/forge",
                detail=message,
                repository=repository.full_name,
            )
            for repository, message in self._delivery.find_unheard(visible.values())
        ]


def _describe_concern(run: HistoryRun, repository: HostedRepository | None) -> Concern:
    is_waiting = run.entry.status != "completed"
    return _concern(run, repository, "waits for a person" if is_waiting else f"went wrong on {run.entry.head_branch}")


def _concern(run: HistoryRun, repository: HostedRepository | None, detail: str) -> Concern:
    row = describe_run(run, repository)
    return Concern(
        state=row.state,
        title=f"{row.workflow_name} #{row.number}: {row.title}",
        link=row.link,
        detail=detail,
        repository=row.repository,
        run=row,
    )

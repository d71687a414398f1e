"""What happened in a repository, and what came of it: for each event which workflows started, and why the others did not."""

from collections.abc import Sequence

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from homeport.event import Event
from homeport.ports.directory import RepositoryDirectory
from homeport.ports.events import EventLog, StoredEvent, WorkflowStart
from homeport.ports.history import RunHistory
from homeport.rest.journal import head_sha_of, title_of
from homeport.server.pages.rendering import Pages
from homeport.server.pages.run_lists import state_of_entry
from homeport.server.pages.run_paths import find_repository
from homeport.store.tables.deliveries import TableDeliveries

_PAGE = 40
_STATES = {"started": "completed", "not-started": "skipped", "refused": "startup_failure", "disabled": "skipped"}


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event, with what came of it."""

    id: int
    name: str
    title: str
    stored: StoredEvent
    event: Event
    sha: str
    starts: Sequence[WorkflowStart]
    state: str


class EventPages:
    """The routes of `/{owner}/{repo}/actions/events`."""

    def __init__(
        self,
        pages: Pages,
        directory: RepositoryDirectory,
        history: RunHistory,
        events: EventLog,
        deliveries: TableDeliveries,
    ) -> None:
        self._pages = pages
        self._directory = directory
        self._history = history
        self._events = events
        self._deliveries = deliveries

    @property
    def routes(self) -> list[BaseRoute]:
        """The list, what forges sent before it was an event, and one event."""
        path = "/{owner}/{repo}/actions/events"
        return [
            Route(path, self._show_all, methods=["GET"]),
            Route(f"{path}/deliveries", self._show_deliveries, methods=["GET"]),
            Route(f"{path}/{{event:int}}", self._show, methods=["GET"]),
        ]

    def _show_all(self, request: Request) -> Response:
        repository = find_repository(request, self._directory)
        found = self._events.list(repository.id, before=_read_before(request), limit=_PAGE)
        return self._pages.show(
            request,
            "events.html",
            title="Events",
            repository=repository,
            section="events",
            events=[_describe(stored, self._events.starts(stored.id)) for stored in found],
            older=found[-1].id if len(found) == _PAGE else 0,
        )

    def _show_deliveries(self, request: Request) -> Response:
        """Where a webhook or a fetch went wrong there is no event: it is seen here."""
        repository = find_repository(request, self._directory)
        found = self._deliveries.list_heads(repository.id, before=_read_before(request), limit=_PAGE)
        return self._pages.show(
            request,
            "deliveries.html",
            title="Deliveries",
            repository=repository,
            section="events",
            deliveries=found,
            older=found[-1].id if len(found) == _PAGE else 0,
        )

    def _show(self, request: Request) -> Response:
        repository = find_repository(request, self._directory)
        stored = self._events.find(request.path_params["event"])
        if stored is None or stored.repository != repository.id:
            raise HTTPException(404, "Not Found")
        row = _describe(stored, self._events.starts(stored.id))
        payload = msgspec.json.format(msgspec.json.encode(stored.event.payload), indent=2).decode()
        return self._pages.show(
            request,
            "event.html",
            title=f"{row.name}: {row.title}" if row.title else row.name,
            repository=repository,
            section="events",
            row=row,
            payload=payload[:200_000],
            states={start.workflow: self._find_state(start) for start in row.starts},
        )

    def _find_state(self, start: WorkflowStart) -> str:
        """Of a workflow that was started, how its run stands."""
        run = self._history.get(start.run) if start.run else None
        if run is None:
            return _STATES[start.outcome]
        return state_of_entry(run.entry.status, run.entry.conclusion)


def _read_before(request: Request) -> int | None:
    text = request.query_params.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _describe(stored: StoredEvent, starts: Sequence[WorkflowStart]) -> EventRow:
    event = stored.event
    outcomes = {start.outcome for start in starts}
    if stored.state != "planned":
        state = "queued"
    elif "refused" in outcomes:
        state = "startup_failure"
    else:
        state = "completed" if "started" in outcomes else "skipped"
    return EventRow(
        id=stored.id,
        name=f"{event.name}.{event.action}" if event.action else event.name,
        title=title_of(event),
        stored=stored,
        event=event,
        sha=head_sha_of(event),
        starts=starts,
        state=state,
    )

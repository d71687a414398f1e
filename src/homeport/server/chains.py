"""Tells workflows with `on: workflow_run` of the runs that they wait for: requested, in progress, completed.

That the end of an attempt has to be told is in the database from before it begins (with a re-run: in the transaction in which it begins)
until the event is kept, so no end gets lost between the two. Where git cannot be asked, it is tried again for about a minute; an end that
could not be told even then, or for a fault, is told by the next process. What is of one run is told in its order, and holds up no other
run. A re-run is told of too, but for `requested`. A chain may have three links: the planner counts (`plan.trigger`).

Source: docs "Events that trigger workflows: workflow_run", "Webhook events and payloads: workflow_run".
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from homeport.event import Event
from homeport.git.hosted import NO_SHA
from homeport.git.process import GitError
from homeport.plan.contexts import split_ref
from homeport.plan.model import Plan
from homeport.plan.permissions import is_from_fork
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.repositories import RunRecord, RunRepository, StoreError
from homeport.rest.journal import number, pull_requests_of, title_of
from homeport.run.facts import Fact, RunFinished, RunQueued, RunStarted
from homeport.server.lanes import AT_ONCE, Lanes
from homeport.server.own_events import OwnEvents
from homeport.server.planning import Planner
from homeport.store.tables.events import TableEvents, forget_watched

Action = Literal["requested", "in_progress", "completed"]
_FIRST_WAIT_SECONDS = 1.0
_MOST_TRIES = 6
"""How often something is tried to be told, each time after twice as long: about a minute together"""
_NOT_TOLD = "that a run has moved on cannot be told"


class Chains:
    """A `BackgroundPart`; `hear` is to be called with what is durable."""

    def __init__(
        self,
        events: TableEvents,
        planner: Planner,
        directory: RepositoryDirectory,
        runs: RunRepository,
        url: str,
        *,
        first_wait_seconds: float = _FIRST_WAIT_SECONDS,
    ) -> None:
        self._events = events
        self._planner = planner
        self._directory = directory
        self._runs = runs
        self._url = url
        self._lock = threading.Lock()
        self._waiting: dict[int, deque[Callable[[], None]]] = {}
        """what is to be told, by run"""
        self._tries: dict[int, int] = {}
        """how often the first of them could not be told, by run"""
        self._first_wait = first_wait_seconds
        self._attempts: dict[str, int] = {}
        """of runs that go on, which attempt it is; for the thread only"""
        self._lanes = Lanes("chains", self._tell_next, threads=1)
        self._log = logging.getLogger("homeport.chains")

    def start(self) -> None:
        """Begin with the ends that the last process did not tell."""
        for run, attempt in self._events.watched():
            self._add(run, partial(self._tell_left, run, attempt))
        self._lanes.start()

    def stop(self) -> None:
        """What was not told yet is told by the next process."""
        self._lanes.stop()

    def has_listeners(self, repository: int) -> bool:
        """Whether somebody waits for the runs of a repository. It asks git."""
        found = self._directory.get(repository)
        return found is not None and self._planner.has_listeners(found)

    def watch(self, record: RunRecord) -> None:
        """The end of an attempt that begins is to be told. For the batch in which it begins."""
        self._events.watch(record.id, record.attempt, record.repository_id)

    def hear(self, facts: Sequence[Fact]) -> None:
        """Never blocks."""
        for fact in facts:
            if isinstance(fact, RunQueued | RunStarted | RunFinished):
                self._add(fact.run, partial(self._follow, fact))

    def _add(self, run: str, work: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.setdefault(int(run), deque()).append(work)
        self._lanes.wake(int(run))

    def _tell_next(self, run: int) -> float | None:
        with self._lock:
            waiting = self._waiting.get(run)
        if waiting is None:
            return None
        seconds = self._try_to_tell(run, waiting[0])
        if seconds is not None:
            return seconds
        with self._lock:
            waiting.popleft()
            if not waiting:
                del self._waiting[run]
                return None
        return AT_ONCE

    def _try_to_tell(self, run: int, work: Callable[[], None]) -> float | None:
        """In how many seconds to try again; None where nothing more is to be done by this process."""
        about, tries = {"run": run}, self._tries.pop(run, 0) + 1
        try:
            work()
        except StoreError as error:
            self._log.error("%s: %s", _NOT_TOLD, error, extra=about)
            raise
        except (GitError, OSError) as error:  # git cannot be asked just now
            if tries < _MOST_TRIES:
                self._tries[run] = tries
                self._log.warning("%s yet: %s", _NOT_TOLD, error, extra=about)
                return self._first_wait * 2.0**tries
            self._log.error("%s by this process: %s", _NOT_TOLD, error, extra=about)
        except Exception:  # the other runs have to be told of
            self._log.exception("%s by this process: a fault of Homeport's own", _NOT_TOLD, extra=about)
        return None

    def _tell_left(self, run: str, attempt: int) -> None:
        ending = self._runs.ending(run, attempt)
        if ending is not None:
            self._tell(run, attempt, "completed", ending)

    def _follow(self, fact: Fact) -> None:
        match fact:
            case RunQueued(run=run, attempt=attempt):
                self._attempts[run] = attempt
                if attempt == 1:
                    self._tell(run, attempt, "requested", None)
            case RunStarted(run=run):
                self._tell(run, self._find_attempt(run, None), "in_progress", None)
            case RunFinished(run=run):
                self._tell(run, self._find_attempt(run, fact), "completed", fact)
                self._attempts.pop(run, None)
            case _:
                return

    def _find_attempt(self, run: str, finished: RunFinished | None) -> int:
        """Which attempt a fact is of. Of one that an earlier process began: the latest, or the one that ended so, where there is another
        by now.
        """
        if run in self._attempts:
            return self._attempts[run]
        found = self._runs.find(run)
        latest = 1 if found is None else found[0].attempt
        if finished is not None:
            return next((each for each in range(latest, 0, -1) if self._runs.ending(run, each) == finished), latest)
        return latest

    def _tell(self, run: str, attempt: int, action: Action, finished: RunFinished | None) -> None:
        if not self._events.is_watched(run, attempt):
            return
        found = self._runs.find(run, attempt)
        repository = None if found is None else self._directory.get(found[0].repository_id)
        events: list[tuple[int, str, Event]] = []
        if found is not None and repository is not None:
            record, plan = found
            event = self._make(repository, record, plan, action, finished)
            events = [(repository.id, f"workflow_run/{run}/{attempt}/{action}", event)]
        if finished is None:
            self._events.accept(events)
        else:
            self._events.accept(events, lambda connection: forget_watched(connection, run, attempt))
        if events and repository is not None:
            self._planner.wake(repository.id)

    def _make(
        self,
        repository: HostedRepository,
        record: RunRecord,
        plan: Plan,
        action: Action,
        finished: RunFinished | None,
    ) -> Event:
        git = self._planner.find_git(repository)
        if git is None:
            raise GitError("the repository is not here any more")
        at = record.created_at if finished is None else finished.at
        origin = plan.event
        makes = OwnEvents(git, repository, self._url, actor=origin.actor, now=at.isoformat())
        workflow = self._planner.find_workflow(repository, record.workflow)
        told = self._describe(repository, record, plan, workflow, action, finished)
        payload = {"workflow_run": told, "workflow": workflow}
        event = makes.on_default_branch("workflow_run", payload, action=action)
        if event.sha == NO_SHA and git.find_ref(event.ref) is not None:
            raise GitError("git does not say what the newest commit is")  # it has ended as if there was none
        told["repository"] = told["head_repository"] = event.payload["repository"]
        told["actor"] = told["triggering_actor"] = event.payload["sender"]
        if isinstance(head := _find_head_repository(origin), dict):
            told["head_repository"] = head
        return msgspec.structs.replace(
            event, payload={"action": action, **event.payload}, chain_length=origin.chain_length + 1
        )

    def _describe(
        self,
        repository: HostedRepository,
        record: RunRecord,
        plan: Plan,
        workflow: dict[str, Any],
        action: Action,
        finished: RunFinished | None,
    ) -> dict[str, Any]:
        origin = plan.event
        pull = origin.payload.get("pull_request")
        head = pull.get("head") if isinstance(pull, dict) else None
        page = f"{self._url}/{repository.full_name}/actions/runs/{record.id}"
        api = f"{self._url}/api/v3/repos/{repository.full_name}/actions/runs/{record.id}"
        return {
            "id": int(record.id),
            "name": plan.workflow.name,
            "node_id": "",
            "display_title": plan.run_name or title_of(origin) or plan.workflow.name,
            "path": record.workflow,
            "workflow_id": workflow["id"],
            "run_number": record.number,
            "run_attempt": record.attempt,
            "event": origin.name,
            "status": {"requested": "queued", "in_progress": "in_progress", "completed": "completed"}[action],
            "conclusion": None if finished is None else finished.conclusion,
            "head_branch": origin.head_ref or split_ref(origin.ref)[1],
            "head_sha": head["sha"] if isinstance(head, dict) and isinstance(head.get("sha"), str) else origin.sha,
            "head_commit": origin.payload.get("head_commit"),
            "pull_requests": list_pull_requests(origin, f"{self._url}/api/v3/repos/{repository.full_name}"),
            "created_at": record.created_at.isoformat(),
            "run_started_at": record.created_at.isoformat(),
            "updated_at": (record.created_at if finished is None else finished.at).isoformat(),
            "html_url": page,
            "url": api,
            "jobs_url": f"{api}/jobs",
            "logs_url": f"{api}/logs",
            "artifacts_url": f"{api}/artifacts",
        }


def list_pull_requests(origin: Event, address: str) -> list[dict[str, Any]]:
    """The one that a run was about, where its head is in the same repository; `address` is that of the repository in the interface.

    Source: docs "Webhook events and payloads: workflow_run" (`pull_requests`), which is empty for pull requests from forks
    (actions/runner#3444).
    """
    if is_from_fork(origin):
        return []
    place = {"id": number(origin.repository.id), "url": address, "name": origin.repository.name}
    return [
        {
            "id": pull.id,
            "number": pull.number,
            "url": f"{address}/pulls/{pull.number}",
            "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": place},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": place},
        }
        for pull in pull_requests_of(origin)
    ]


def _find_head_repository(origin: Event) -> object:
    match origin.payload:
        case {"pull_request": {"head": {"repo": repository}}}:
            return repository
        case _:
            return None

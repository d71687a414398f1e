"""Asks forges that cannot reach this server: what is different from the last look becomes events, as if it had been pushed.

The first look only notes what is there. What is seen is written in the same transaction as the events that follow from it, so nothing is
seen twice and nothing gets lost. Git is asked for branches and tags, the forge's interface for pull requests (see `pull_polling`): issues
and the like need webhooks. Who has pushed is not known either: the repository's owner counts as the actor.
"""

import logging
import threading
from collections.abc import Mapping

from homeport.git.hosted import delete_ref
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.forge import ForgeAwayError, ForgeError
from homeport.server.carrying_on import carry_on
from homeport.server.fetching import Fetcher, FetchError
from homeport.server.lanes import Lanes
from homeport.server.own_events import OwnEvents, RefChange
from homeport.server.planning import Planner
from homeport.server.pull_polling import PullPolling
from homeport.store.data_folder import DataFolder
from homeport.store.tables.events import TableEvents
from homeport.store.tables.seen_refs import TableSeenRefs, write_seen_refs

SHORTEST_SECONDS = 10
"""Asking a forge more often than this is rude."""
_SECONDS_AFTER_REFUSAL = 300.0
"""A token that may not see pull requests is not good enough in ten seconds either"""
_NONE = "0" * 40


class Polling:
    """A `BackgroundPart`."""

    def __init__(
        self,
        seen: TableSeenRefs,
        events: TableEvents,
        planner: Planner,
        directory: RepositoryDirectory,
        folder: DataFolder,
        fetcher: Fetcher,
        clock: Clock,
        environment: Mapping[str, str],
        url: str,
        *,
        pulls: PullPolling,
        look_seconds: float = 1.0,
    ) -> None:
        self._seen = seen
        self._events = events
        self._planner = planner
        self._directory = directory
        self._folder = folder
        self._fetcher = fetcher
        self._clock = clock
        self._environment = environment
        self._url = url
        self._pulls = pulls
        self._look_seconds = look_seconds
        self._asked: dict[int, float] = {}
        """when, by the monotonic clock"""
        self._left_alone: dict[int, float] = {}
        """until when the interface of a repository's forge wants to be, by the monotonic clock"""
        self._stopping = threading.Event()
        self._lanes = Lanes("polling", self._look, threads=2)
        self._thread = threading.Thread(target=self._work, name="polling")
        self._log = logging.getLogger("homeport.polling")

    def start(self) -> None:
        """Begin with a look at each."""
        self._lanes.start()
        self._thread.start()

    def stop(self) -> None:
        """Finish what is under way."""
        self._stopping.set()
        self._thread.join()
        self._lanes.stop()

    def _work(self) -> None:
        while not self._stopping.wait(self._look_seconds):
            carry_on(self._log, "it cannot be looked up which forges to ask", self._wake_due)

    def _wake_due(self) -> None:
        repositories = self._directory.list()
        now = self._clock.monotonic()
        for repository in repositories:
            seconds = repository.settings.poll_seconds
            if repository.origin == "own" or seconds <= 0:
                continue
            asked = self._asked.get(repository.id)
            if asked is None or now - asked >= max(seconds, SHORTEST_SECONDS):
                self._asked[repository.id] = now
                self._lanes.wake(repository.id)

    def _look(self, number: int) -> float | None:
        repository = self._directory.get(number)
        if repository is None or repository.origin == "own":
            return None
        about = {"repository": repository.full_name}
        try:
            self._compare(repository)
        except FetchError as error:
            self._log.warning("a forge cannot be asked: %s", error, extra=about)
        try:
            self._look_at_pulls(repository)
        except ForgeError as error:
            self._log.warning("a forge cannot be asked for pull requests: %s", error, extra=about)
        return None

    def _look_at_pulls(self, repository: HostedRepository) -> None:
        """After the refs: what a pull request is about is here then. Raises `ForgeError`."""
        if self._clock.monotonic() < self._left_alone.get(repository.id, 0.0):
            return
        try:
            self._pulls.look(repository)
        except ForgeError as error:
            asked = (error.retry_seconds or 0.0) if isinstance(error, ForgeAwayError) else _SECONDS_AFTER_REFUSAL
            self._left_alone[repository.id] = self._clock.monotonic() + asked
            raise

    def _compare(self, repository: HostedRepository) -> None:
        before = self._seen.read(repository.id)
        now = self._fetcher.list_refs(repository)
        if now == before:
            return
        default = f"refs/heads/{repository.default_branch}"
        if before is None:  # the first look
            self._fetcher.fetch(repository, [default] if default in now else [])
            self._events.accept([], lambda connection: write_seen_refs(connection, repository.id, now))
            self._planner.note_tip(repository, repository.owner)
            return
        changed = [ref for ref, sha in now.items() if before.get(ref) != sha]
        gone = [ref for ref in before if ref not in now]
        self._fetcher.fetch(repository, [default, *changed] if default in now else changed)
        for ref in gone:
            delete_ref(self._folder.repository(repository.id), ref, self._environment)
        changes = [RefChange(before.get(ref, _NONE), now.get(ref, _NONE), ref) for ref in (*changed, *gone)]
        self._accept(repository, changes, now)

    def _accept(self, repository: HostedRepository, changes: list[RefChange], now: Mapping[str, str]) -> None:
        git = self._planner.find_git(repository)
        if git is None:
            return
        at = self._clock.now().isoformat()
        makes = OwnEvents(git, repository, self._url, actor=repository.owner, now=at)
        events = [(repository.id, f"poll/{at}/{key}", event) for key, event in makes.of_push(changes)]
        self._events.accept(events, lambda connection: write_seen_refs(connection, repository.id, now))
        self._planner.wake(repository.id)

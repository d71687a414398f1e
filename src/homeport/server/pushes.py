"""From a push to its events, without losing any: what git is asked to do is noted before git is asked.

A push is three steps: its commands are written into the database; git changes the refs; the events of what was really changed are kept,
and the note is removed, in one transaction. Whoever dies between the second and the third step has left the note: the next process looks
for each command whether git has carried it out (the log of the ref says so) and goes on from there. Of a push that was still under way
git may go on for a moment without us, so a note is looked at again for a minute before it is taken for a push that never came about. As
long is tried to make the events where git cannot be asked for what was pushed.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from homeport.event import Event
from homeport.git.hosted import find_hosted_ref, open_hosted, set_default_branch, was_applied
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.repositories import StoreError
from homeport.server.carrying_on import carry_on
from homeport.server.lanes import AT_ONCE, Lanes
from homeport.server.own_events import OwnEvents, RefChange
from homeport.server.planning import Planner
from homeport.store.data_folder import DataFolder
from homeport.store.tables.events import TableEvents
from homeport.store.tables.pushes import Push, RefCommand, TablePushes, finish_push

_SECONDS_TO_COME_ABOUT = 60.0
_HEADS = "refs/heads/"
_FIRST_WAIT_SECONDS = 1.0
_MOST_TRIES = 6
"""How often the events of a push are tried to be made, each time after twice as long: about a minute together"""
_NOT_RECOVERED = "it cannot be looked up what became of a push, and is tried again"


class Pushes:
    """A `BackgroundPart`: `begin` before git is asked, `end` when it has answered or was ended, however."""

    def __init__(
        self,
        store: TablePushes,
        events: TableEvents,
        planner: Planner,
        directory: RepositoryDirectory,
        folder: DataFolder,
        clock: Clock,
        environment: Mapping[str, str],
        url: str,
        *,
        first_wait_seconds: float = _FIRST_WAIT_SECONDS,
    ) -> None:
        self._store = store
        self._events = events
        self._planner = planner
        self._directory = directory
        self._folder = folder
        self._clock = clock
        self._environment = environment
        self._url = url
        self._lock = threading.Lock()
        self._ended: dict[int, list[int]] = {}
        """pushes by repository"""
        self._tries: dict[int, int] = {}
        """how often the events of a push could not be made"""
        self._first_wait = first_wait_seconds
        self._left: list[int] = []
        """by the last process, in order"""
        self._stopping = threading.Event()
        self._lanes = Lanes("pushes", self._settle_next, threads=1)
        self._recovery = threading.Thread(target=self._recover, name="push-recovery")
        self._log = logging.getLogger("homeport.pushes")

    def start(self) -> None:
        """Begin with what the last process left."""
        self._left = list(self._store.unfinished())
        self._lanes.start()
        self._recovery.start()

    def stop(self) -> None:
        """What has ended is settled; the rest is found by the next process."""
        self._stopping.set()
        self._recovery.join()
        self._lanes.stop()

    def begin(
        self, repository: HostedRepository, actor: str, commands: Sequence[RefCommand], *, is_silent: bool
    ) -> int:
        """Note what git will be asked to do; durable when it returns."""
        return self._store.begin(repository.id, actor, self._clock.now(), commands, is_silent=is_silent)

    def end(self, repository: int, push: int) -> None:
        """Git is done with a push. May be called on the event loop."""
        with self._lock:
            self._ended.setdefault(repository, []).append(push)
        self._lanes.wake(repository)

    # --- settling -----------------------------------------------------------------------------------------------------

    def _settle_next(self, repository: int) -> float | None:
        with self._lock:
            waiting = self._ended.get(repository, [])
            push = waiting[0] if waiting else None
        if push is None:
            return None
        found = self._store.find(push)
        seconds = None if found is None else self._try_to_settle(found)
        if seconds is not None:
            return seconds
        with self._lock:
            self._ended[repository].remove(push)
            if not self._ended[repository]:
                del self._ended[repository]
                return None
        return AT_ONCE

    def _try_to_settle(self, push: Push) -> float | None:
        """In how many seconds to try again; None where nothing more is to be done."""
        try:
            self._settle(push)
        except StoreError:
            raise
        except (
            Exception
        ) as error:  # git cannot be asked just now, or a fault: what is behind this push must not wait for ever
            tries = self._tries.pop(push.id, 0) + 1
            about = {"repository": push.repository, "push": push.id}
            if tries < _MOST_TRIES:
                self._tries[push.id] = tries
                self._log.warning("the events of a push cannot be made yet: %s", error, extra=about)
                return self._first_wait * 2.0**tries
            self._log.exception("the events of a push cannot be made, and are given up", extra=about)
            self._events.accept([], lambda connection: finish_push(connection, push.id))
        self._tries.pop(push.id, None)
        return None

    def _recover(self) -> None:
        """In the order in which they came; those that git may still be busy with a little later."""
        left = self._left
        deadline = self._clock.monotonic() + _SECONDS_TO_COME_ABOUT
        while left and not self._stopping.is_set():
            is_last_look = self._clock.monotonic() >= deadline
            look = partial(self._recover_one, is_last_look=is_last_look)
            left = [push for push in left if not carry_on(self._log, _NOT_RECOVERED, partial(look, push))]
            if left:
                self._stopping.wait(1.0)

    def _recover_one(self, push: int, *, is_last_look: bool) -> bool:
        """Whether nothing more is to be done about it."""
        found = self._store.find(push)
        if found is None:
            return True
        git_dir = self._folder.repository(found.repository)
        if not is_last_look and not all(_is_done(git_dir, push, command) for command in found.commands):
            return False
        self.end(found.repository, push)
        return True

    def _settle(self, push: Push) -> None:
        repository = self._directory.get(push.repository)
        events: list[tuple[int, str, Event]] = []
        if repository is not None:
            git_dir = self._folder.repository(repository.id)
            changes = [
                RefChange(command.old, command.new, command.ref)
                for command in push.commands
                if _is_done(git_dir, push.id, command)
            ]
            repository = self._choose_default_branch(repository, changes)
            if not push.is_silent:
                events = self._make_events(repository, push, changes)
            elif any(change.ref == f"{_HEADS}{repository.default_branch}" for change in changes):
                self._planner.note_tip(repository, push.actor)
        self._events.accept(events, lambda connection: finish_push(connection, push.id))
        if events:
            self._planner.wake(push.repository)

    def _make_events(
        self, repository: HostedRepository, push: Push, changes: Sequence[RefChange]
    ) -> list[tuple[int, str, Event]]:
        git = open_hosted(self._folder.repository(repository.id), self._environment)
        if git is None:
            return []
        makes = OwnEvents(git, repository, self._url, actor=push.actor, now=push.received_at.isoformat())
        with git.reading():
            return [(repository.id, f"push/{push.id}/{key}", event) for key, event in makes.of_push(changes)]

    def _choose_default_branch(self, repository: HostedRepository, changes: Sequence[RefChange]) -> HostedRepository:
        """The first push says what it is: main, master, or the first branch that it brings."""
        git_dir = self._folder.repository(repository.id)
        if find_hosted_ref(git_dir, f"{_HEADS}{repository.default_branch}") is not None:
            return repository
        brought = [
            change.ref.removeprefix(_HEADS)
            for change in changes
            if change.ref.startswith(_HEADS) and change.new.strip("0")
        ]
        if not brought:
            return repository
        chosen = next((name for name in ("main", "master") if name in brought), brought[0])
        set_default_branch(git_dir, chosen)
        return self._directory.change(
            repository.id, lambda known: msgspec.structs.replace(known, default_branch=chosen)
        )


def name_in_log(push: int) -> str:
    """Who git notes as the one who has changed a ref: each push is told apart."""
    return f"push-{push}"


def _is_done(git_dir: str, push: int, command: RefCommand) -> bool:
    return was_applied(git_dir, command.old, command.new, command.ref, name_in_log(push))

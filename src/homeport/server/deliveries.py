"""From a forge's delivery to its events: translated, its commits fetched, its events kept, in the order in which they came.

A delivery is durable before the forge is told that it was taken in. It is looked at until its events are known: a forge that is away is
asked again, less and less often, for an hour; then the delivery is given up, with the reason, as a failing check of the commit where
there is one.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from homeport.event import Event
from homeport.forge.gitea_events import translate_gitea
from homeport.forge.github_events import translate_github
from homeport.forge.translation import ForgeEvent, Translation
from homeport.git.hosted import delete_ref, merge_for_test, open_hosted, set_default_branch, write_ref
from homeport.git.process import GitError
from homeport.git.repository import GitRepository
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.repositories import StoreError
from homeport.server.fetching import Fetcher, FetchError
from homeport.server.lanes import AT_ONCE, Lanes
from homeport.server.own_events import describe_repository
from homeport.server.planning import Planner, Reporter
from homeport.store.data_folder import DataFolder
from homeport.store.tables.deliveries import Delivery, TableDeliveries, conclude_deliveries
from homeport.store.tables.events import TableEvents

_THREADS = 4
_MOST_AT_ONCE = 64
_GIVEN_UP_AFTER = timedelta(hours=1)
_LONGEST_WAIT_SECONDS = 60.0


class DeliveryParts(msgspec.Struct, frozen=True, kw_only=True):
    """What deliveries need of the rest of the server."""

    directory: RepositoryDirectory
    folder: DataFolder
    clock: Clock
    fetcher: Fetcher
    reporter: Reporter
    environment: Mapping[str, str]
    url: str


class Deliveries:
    """A `BackgroundPart`."""

    def __init__(self, store: TableDeliveries, events: TableEvents, planner: Planner, parts: DeliveryParts) -> None:
        self.store = store
        self._events = events
        self._planner = planner
        self._parts = parts
        self._lanes = Lanes("deliveries", self._take_next, threads=_THREADS)
        self._waits: dict[int, float] = {}
        """how long was waited before a delivery was tried again, by its number"""
        self._log = logging.getLogger("homeport.deliveries")

    def start(self) -> None:
        """Begin with what the last process had accepted."""
        for repository in self.store.repositories_with_pending():
            self._lanes.wake(repository)
        self._lanes.start()

    def stop(self) -> None:
        """Finish what is under way; the others wait in the database."""
        self._lanes.stop()

    def wake(self, repository: int) -> None:
        """A delivery was kept."""
        self._lanes.wake(repository)

    # --- one delivery -------------------------------------------------------------------------------------------------

    def _take_next(self, number: int) -> float | None:
        """Those that mean nothing are put aside together, up to the first that means something."""
        waiting = self.store.pending(number, _MOST_AT_ONCE)
        if not waiting:
            return None
        repository = self._parts.directory.get(number)
        if repository is None:
            self._conclude(dict.fromkeys((one.id for one in waiting), "the repository is not here any more"))
            return AT_ONCE
        nothing: dict[int, str] = {}
        for delivery in waiting:
            translation = self._translate(delivery)
            if translation.events:
                self._conclude(nothing)
                return self._take(delivery, repository, translation)
            nothing[delivery.id] = translation.ignored
        self._conclude(nothing)
        return AT_ONCE

    def _take(self, delivery: Delivery, repository: HostedRepository, translation: Translation) -> float:
        try:
            return self._keep_events(delivery, repository, translation)
        except StoreError:
            raise
        except Exception as error:  # whatever it was, the deliveries behind this one must not wait for ever
            about = {"delivery": delivery.delivery, "repository": repository.full_name}
            self._log.exception("a delivery cannot be carried out", extra=about)
            self._conclude({delivery.id: f"a fault of Homeport's own: {type(error).__name__}: {error}"})
            return AT_ONCE

    def _keep_events(self, delivery: Delivery, repository: HostedRepository, translation: Translation) -> float:
        repository = self._follow_default_branch(repository, translation)
        try:
            made = [self._make_event(event, translation, repository) for event in translation.events]
        except (FetchError, GitError) as error:
            return self._try_later(delivery, repository, translation, error)
        self._waits.pop(delivery.id, None)
        named = [(f"{delivery.source}/{delivery.delivery}/{event.name}", event) for event in made]
        self._events.accept(
            [(repository.id, key, event) for key, event in named],
            conclude_deliveries({delivery.id: ""}),
        )
        self._planner.wake(repository.id)
        return AT_ONCE

    def _translate(self, delivery: Delivery) -> Translation:
        try:
            payload = msgspec.json.decode(delivery.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Translation(ignored=f"its body cannot be read: {error}")
        if delivery.source == "github":
            return translate_github(delivery.event, payload, self._parts.url)
        exact, _, rough = delivery.event.partition(" ")
        return translate_gitea(exact, rough, payload, self._parts.url)

    def _try_later(
        self, delivery: Delivery, repository: HostedRepository, translation: Translation, error: Exception
    ) -> float:
        age = self._parts.clock.now() - delivery.received_at
        if isinstance(error, FetchError) and error.may_pass and age < _GIVEN_UP_AFTER:
            wait = min(_LONGEST_WAIT_SECONDS, 2 * self._waits.get(delivery.id, 0.5))
            self._waits[delivery.id] = wait
            return wait
        self._waits.pop(delivery.id, None)
        words = f"its commit cannot be fetched: {error}"
        for event in translation.events:
            sha = event.head_sha or event.sha
            if sha:
                self._parts.reporter.report_problem(repository, sha, event.name, words, number=delivery.id)
        self._conclude({delivery.id: words})
        return AT_ONCE

    def _conclude(self, notes: Mapping[int, str]) -> None:
        """There is nothing more to do about these deliveries."""
        if not notes:
            return
        self._events.accept([], conclude_deliveries(notes))

    def _follow_default_branch(self, repository: HostedRepository, translation: Translation) -> HostedRepository:
        branch = translation.default_branch
        if not branch or branch == repository.default_branch:
            return repository
        changed = self._parts.directory.change(
            repository.id, lambda known: msgspec.structs.replace(known, default_branch=branch)
        )
        if open_hosted(self._git_dir(repository), self._parts.environment) is not None:
            set_default_branch(self._git_dir(repository), branch)
        return changed

    # --- one event ----------------------------------------------------------------------------------------------------

    def _make_event(self, event: ForgeEvent, translation: Translation, repository: HostedRepository) -> Event:
        default = f"refs/heads/{repository.default_branch}"
        self._bring(event, repository, default)
        git = open_hosted(self._git_dir(repository), self._parts.environment)
        if git is None:
            raise FetchError("the repository is not here", may_pass=True)
        with git.reading():
            return self._describe(event, translation, repository, git, default)

    def _describe(
        self,
        event: ForgeEvent,
        translation: Translation,
        repository: HostedRepository,
        git: GitRepository,
        default: str,
    ) -> Event:
        if event.pull:
            event = self._merge(event, repository, git)
        ref = _find_full_ref(git, event.ref) or default
        sha = git.resolve(event.sha or ref) or git.resolve(default)
        if sha is None:
            raise FetchError(f"{event.sha or ref} is not there any more", may_pass=False)
        commit = git.read_commit(event.head_sha or sha)
        described = describe_repository(repository, self._parts.url)
        ids = {"id": translation.repository_id, "owner_id": translation.owner_id}
        return Event(
            name=event.name,
            action=event.action,
            repository=msgspec.structs.replace(described, **{key: value for key, value in ids.items() if value != "0"}),
            ref=ref,
            sha=sha,
            before=event.before,
            base_ref=event.base_ref,
            head_ref=event.head_ref,
            actor=translation.actor,
            actor_id=translation.actor_id,
            payload=event.payload,
            head_message=None if commit is None else commit.message,
        )

    def _bring(self, event: ForgeEvent, repository: HostedRepository, default: str) -> None:
        """The default branch is always brought: what else is there says little without it."""
        fetcher = self._parts.fetcher
        wanted = [default]
        if event.ref.startswith(("refs/heads/", "refs/tags/")):
            wanted.append(event.ref)
        elif event.ref and not event.pull:
            wanted += [f"refs/heads/{event.ref}", f"refs/tags/{event.ref}"]
        if event.pull:
            wanted += [f"refs/heads/{event.base_ref}", *(f"refs/pull/{event.pull}/{end}" for end in ("head", "merge"))]
        is_gone = bool(event.payload.get("deleted", event.name == "delete"))
        are_likely = event.ref.startswith(("refs/heads/", "refs/tags/")) and not event.pull and not is_gone
        fetcher.fetch(repository, [], optional=wanted, are_likely=are_likely)
        git = open_hosted(self._git_dir(repository), self._parts.environment)
        missing = [
            sha
            for sha in dict.fromkeys((event.sha, event.head_sha))
            if sha and git is not None and not git.resolve(sha)
        ]
        if missing:  # a newer push has taken it off its ref
            fetcher.fetch(repository, missing)
        if event.name in {"push", "delete"} and is_gone:
            self._forget_ref(event, repository)

    def _forget_ref(self, event: ForgeEvent, repository: HostedRepository) -> None:
        ref = event.payload.get("ref")
        if isinstance(ref, str) and ref.startswith(("refs/heads/", "refs/tags/")):
            delete_ref(self._git_dir(repository), ref, self._parts.environment)

    def _merge(self, event: ForgeEvent, repository: HostedRepository, git: GitRepository) -> ForgeEvent:
        """The forge's own test merge where it is of this head, else one that is made here. What git finds is said in the payload, whatever
        the forge thought: Gitea says that a pull request cannot be merged until it has looked at it (go-gitea/gitea#19755).
        """
        found = git.resolve(event.ref)
        commit = None if found is None else git.read_commit(found)
        if found is not None and commit is not None and commit.parents[1:] == (event.head_sha,):
            return _say_mergeable(event, found, is_mergeable=True)
        base = git.resolve(f"refs/heads/{event.base_ref}")
        if base is None:
            raise FetchError(f"the branch {event.base_ref} is not there any more", may_pass=False)
        merged = merge_for_test(self._git_dir(repository), base, event.head_sha, self._parts.environment)
        if merged is None:
            return _say_mergeable(event, event.head_sha, is_mergeable=False)
        write_ref(self._git_dir(repository), event.ref, merged, self._parts.environment)
        return _say_mergeable(event, merged, is_mergeable=True)

    def _git_dir(self, repository: HostedRepository) -> str:
        return self._parts.folder.repository(repository.id)


def _say_mergeable(event: ForgeEvent, sha: str, *, is_mergeable: bool) -> ForgeEvent:
    pull = {**event.payload["pull_request"], "mergeable": is_mergeable}
    return msgspec.structs.replace(event, sha=sha, payload={**event.payload, "pull_request": pull})


def _find_full_ref(git: GitRepository, ref: str) -> str | None:
    """A short name is a branch, else a tag."""
    if not ref or ref.startswith("refs/"):
        return ref or None
    return next((full for full in (f"refs/heads/{ref}", f"refs/tags/{ref}") if git.find_ref(full) is not None), None)

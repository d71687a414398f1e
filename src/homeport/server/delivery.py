"""Tells forges what is in the outbox: in order for each check, the latest state only, and again until it is heard."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.forge import (
    OPEN,
    CheckDetails,
    Forge,
    ForgeAwayError,
    ForgeDeniedError,
    ForgeError,
    ForgeRefusedError,
    Forges,
    Status,
    state_of,
)
from homeport.store.tables.outbox import Message, Refusal, TableOutbox

_FIRST_WAIT_SECONDS = 2.0
_LONGEST_WAIT_SECONDS = 300.0
_LONGEST_DENIED_SECONDS = 900.0
_WITHOUT_TOKEN_SECONDS = 60.0
"""how long until it is looked again whether there is a credential"""
_TIDY_SECONDS = 3600.0
_KEPT = timedelta(days=90)
"""what was told, and the refusals that are shown"""
OLDEST = timedelta(days=7)
"""What a forge could not be told for so long is of no use there any more."""

Trouble = Literal["away", "denied", "no-token"]


class ReportingState(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a repository's results outside of this server, for its page."""

    way: Literal["own", "none", "statuses", "checks"]
    """this server's own repository · no credential · commit statuses · check runs"""
    trouble: Literal["", "away", "denied"] = ""
    message: str
    """in a sentence, for people"""
    since: datetime | None = None
    """of the trouble"""
    waiting: int = 0
    """how many checks the forge has not been told of"""
    refusals: tuple[Refusal, ...] = ()
    """what it will not take, newest first"""


class _Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing is sent for a while."""

    trouble: Trouble
    message: str
    since: datetime
    tries: int
    until: float
    """of the monotonic clock"""


class Delivery:
    """Sends. `send` for one repository is called by one thread at a time, for several by several; the rest may be called from any.

    `told`, `failed` and `refused` count messages over the life of the process, for metrics.
    """

    def __init__(
        self,
        outbox: TableOutbox,
        directory: RepositoryDirectory,
        forges: Forges,
        clock: Clock,
        find_details: Callable[[Status], CheckDetails],
    ) -> None:
        self.told = 0
        self.failed = 0
        self.refused = 0
        self._outbox = outbox
        self._directory = directory
        self._forges = forges
        self._clock = clock
        self._find_details = find_details
        self._tidy_at = clock.monotonic()
        self._lock = threading.Lock()
        self._holds: dict[str, _Hold] = {}
        """by repository (its number) and by forge (its address)"""
        self._uncertain = set(outbox.list_due_ids())
        """messages that the forge may have heard although this process does not know: whatever was left by the last one, to begin with"""

    def find_due(self) -> list[HostedRepository]:
        """The repositories whose forges are to be told something now. Raises `StoreError`."""
        found = []
        for number in self._outbox.repositories_due():
            repository = self._directory.get(number)
            if repository is None:
                self._give_up(number, "the repository is not known here any more")
            elif not self._is_held(repository):
                found.append(repository)
        return found

    def send(self, repository: HostedRepository, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Tell all that is due, until something is in the way. Raises `StoreError`."""
        try:
            forge = self._forges.find(repository)
            if forge is None:
                self._hold(repository, "no-token", "nobody has given a token for it")
                self._give_up_old(repository, "no token was given in time")
                return
            while messages := self._outbox.due(repository.id):
                # what is still open is told first, so that a commit is never green in between
                for message in sorted(messages, key=lambda each: each.status.verdict not in OPEN):
                    if is_stopping():
                        return
                    self._tell(forge, message)
        except ForgeAwayError as error:
            self._hold(repository, "away", str(error), error.retry_seconds)
        except ForgeDeniedError as error:
            self._hold(repository, "denied", str(error))
        else:
            self._release(repository)

    def tidy(self) -> None:
        """Once an hour, forget what was settled long ago. Raises `StoreError`."""
        now = self._clock.monotonic()
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_SECONDS
            self._outbox.forget(self._clock.now() - _KEPT)

    def postpone(self, repository: HostedRepository, message: str) -> None:
        """Something went wrong here that is not the forge's fault: leave it for a while."""
        self._hold(repository, "denied", message)

    def try_now(self, repository: HostedRepository) -> None:
        """Forget what was in the way: a credential was given, or somebody wants to see."""
        self._release(repository)

    def find_state(self, repository: HostedRepository) -> ReportingState:
        """For the pages of the repository. Raises `StoreError`."""
        if repository.origin == "own":
            words = "This repository is Homeport's own: results are shown here and by the interface, and nobody else is told."
            return ReportingState(way="own", message=words)
        waiting = self._outbox.count_due(repository.id)
        refusals = tuple(self._outbox.refusals(repository.id))
        hold = self._find_hold(repository)
        if hold is not None and hold.trouble == "no-token":
            words = f"Nobody has given a token for {repository.server_url}: results are shown here only."
            return ReportingState(way="none", message=words, since=hold.since, waiting=waiting, refusals=refusals)
        if hold is not None:
            words = _WORDS[hold.trouble].format(repository.server_url, hold.message)
            return ReportingState(
                way=self._ask_way(repository),
                trouble="away" if hold.trouble == "away" else "denied",
                message=words,
                since=hold.since,
                waiting=waiting,
                refusals=refusals,
            )
        way = self._ask_way(repository)
        words = _WAYS[way].format(repository.server_url)
        return ReportingState(way=way, message=words, waiting=waiting, refusals=refusals)

    def find_unheard(self, repositories: Iterable[HostedRepository]) -> list[tuple[HostedRepository, str]]:
        """Those whose forge does not hear of results, and why: for a page of many. Raises `StoreError`."""
        waiting = self._outbox.count_due_each()
        found = []
        for repository in repositories:
            hold = None if repository.origin == "own" else self._find_hold(repository)
            if hold is None:
                continue
            if hold.trouble != "no-token":
                found.append((repository, _WORDS[hold.trouble].format(repository.server_url, hold.message)))
            elif waiting.get(repository.id):
                found.append((repository, _WAYS["none"].format(repository.server_url)))
        return found

    # --- one message ----------------------------------------------------------------------------------------------------

    def _tell(self, forge: Forge, message: Message) -> None:
        if self._clock.now() - message.changed_at > OLDEST:
            self._refuse(message, f"it could not be told for {OLDEST.days} days")
            return
        is_uncertain = message.id in self._uncertain
        is_known = message.told is not None and _says_the_same(message.told, message.status) and not is_uncertain
        if forge.way == "statuses" and is_known:
            self._outbox.acknowledge(message, message.known)
            return
        try:
            told = forge.tell(
                message.status,
                lambda: self._find_details(message.status),
                known=message.known,
                is_uncertain=is_uncertain,
            )
        except ForgeAwayError:
            self._count("failed")
            self._uncertain.add(message.id)
            raise
        except ForgeDeniedError:
            self._count("failed")
            raise
        except ForgeRefusedError as error:
            self._refuse(message, str(error))
            return
        self._outbox.acknowledge(message, told)
        self._uncertain.discard(message.id)
        self._count("told")

    def _refuse(self, message: Message, problem: str) -> None:
        self._count("refused")
        self._outbox.refuse(message, problem)
        self._uncertain.discard(message.id)

    def _count(self, name: Literal["told", "failed", "refused"]) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)

    def _give_up(self, repository: int, problem: str) -> None:
        while messages := self._outbox.due(repository):
            for message in messages:
                self._refuse(message, problem)

    def _give_up_old(self, repository: HostedRepository, problem: str) -> None:
        earliest = self._clock.now() - OLDEST
        for message in self._outbox.due(repository.id):
            if message.changed_at < earliest:
                self._refuse(message, problem)

    # --- what is in the way -----------------------------------------------------------------------------------------------

    def _hold(
        self, repository: HostedRepository, trouble: Trouble, message: str, asked_seconds: float | None = None
    ) -> None:
        """A forge that is away is left alone by all of its repositories; rights are a matter of each."""
        key = repository.server_url if trouble == "away" else str(repository.id)
        with self._lock:
            before = self._holds.get(key)
            is_same = before is not None and before.trouble == trouble
            tries = before.tries + 1 if before is not None and is_same else 1
            self._holds[key] = _Hold(
                trouble=trouble,
                message=message,
                since=before.since if before is not None and is_same else self._clock.now(),
                tries=tries,
                until=self._clock.monotonic() + _wait_seconds(trouble, tries, asked_seconds),
            )

    def _release(self, repository: HostedRepository) -> None:
        with self._lock:
            self._holds.pop(str(repository.id), None)
            self._holds.pop(repository.server_url, None)

    def _find_hold(self, repository: HostedRepository) -> _Hold | None:
        with self._lock:
            return self._holds.get(str(repository.id)) or self._holds.get(repository.server_url)

    def _is_held(self, repository: HostedRepository) -> bool:
        now = self._clock.monotonic()
        with self._lock:
            holds = (self._holds.get(str(repository.id)), self._holds.get(repository.server_url))
        return any(hold is not None and hold.until > now for hold in holds)

    def _ask_way(self, repository: HostedRepository) -> Literal["none", "statuses", "checks"]:
        try:
            forge = self._forges.find(repository)
        except ForgeError:
            return "none"
        return "none" if forge is None else forge.way


_WORDS = {
    "away": "{} cannot be told now, and is asked again until it can: {}",
    "denied": "{} does not take what this server tells it: {}",
}
_WAYS = {
    "none": "Nobody has given a token for {}: results are shown here only.",
    "statuses": "Results go to {} as commit statuses.",
    "checks": "Results go to {} as checks, with annotations and summaries.",
}


def _wait_seconds(trouble: Trouble, tries: int, asked: float | None) -> float:
    if trouble == "no-token":
        return _WITHOUT_TOKEN_SECONDS
    longest = _LONGEST_WAIT_SECONDS if trouble == "away" else _LONGEST_DENIED_SECONDS
    wait = min(_FIRST_WAIT_SECONDS * 2 ** min(tries - 1, 20), longest)
    return wait if asked is None else max(asked, wait if tries > 1 else 0.0)


def _says_the_same(told: Status, status: Status) -> bool:
    """Whether two would read alike as commit statuses."""
    return (state_of(told.verdict), told.description, told.target_url) == (
        state_of(status.verdict),
        status.description,
        status.target_url,
    )

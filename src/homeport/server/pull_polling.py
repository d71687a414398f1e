"""Asks forges that cannot reach this server how their pull requests stand: what is different from the last look becomes deliveries.

They are those that the forge would have sent, and go the way of these: their commits are fetched, a test merge is found or made, forks are
held back. How a pull request stood is written in the same transaction, so nothing is told twice and nothing gets lost. What came and went
between two looks was not there. The author counts as the one who acts, for nobody else is known.

Source: GitHub docs, "Webhook events and payloads: pull_request", "REST API endpoints for pull requests".
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal

import msgspec

from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.ports.forge import Forge, ForgeDeniedError, Forges, ListedPull, PullPage
from homeport.store.tables.deliveries import Delivery
from homeport.store.tables.seen_pulls import SeenPull, TableSeenPulls

Action = Literal["opened", "reopened", "synchronize", "ready_for_review", "converted_to_draft", "closed"]

_MOST_PAGES = 50


class PullPolling:
    """`look` for one repository is called by one thread at a time, for several by several; `wake` is told where deliveries may wait."""

    def __init__(self, seen: TableSeenPulls, forges: Forges, wake: Callable[[int], object], clock: Clock) -> None:
        self._seen = seen
        self._forges = forges
        self._wake = wake
        self._clock = clock
        self._pages: dict[int, list[PullPage]] = {}
        """what was answered last, by repository: a forge that knows it does not say it again"""

    def look(self, repository: HostedRepository) -> None:
        """Nothing is asked where nobody has given a token. Raises `ForgeError`."""
        forge = self._forges.find(repository)
        if forge is None:
            return
        listed = {pull.number: pull for pull in self._list(forge, repository.id)}
        before = self._seen.read(repository.id)
        if before is None:  # the first look
            self._seen.begin(repository.id, {number: _see(pull) for number, pull in listed.items()})
            return
        try:
            for number in find_different(before, listed):
                try:
                    self._tell(repository, forge, number, before)
                except ForgeDeniedError as error:
                    if not error.is_missing:
                        raise
                    if number not in listed:  # one that is listed will be there in a moment, or not be listed either
                        self._note_deleted(repository, number, before[number])
        finally:
            self._wake(repository.id)

    def _list(self, forge: Forge, repository: int) -> list[ListedPull]:
        former = self._pages.get(repository, [])
        pages: list[PullPage] = []
        while len(pages) < _MOST_PAGES and (not pages or pages[-1].has_more):
            known = former[len(pages)] if len(pages) < len(former) else None
            pages.append(forge.list_open_pulls(len(pages) + 1, known))
        self._pages[repository] = pages
        return [pull for page in pages for pull in page.pulls]

    def _tell(self, repository: HostedRepository, forge: Forge, number: int, before: Mapping[int, SeenPull]) -> None:
        """The forge is asked once more, about this one: the list is older by now, and says less."""
        pull, document = forge.describe_pull(number)
        now, former = _see(pull), before.get(number)
        is_new = number > max(before, default=0)
        deliveries = [
            self._make_delivery(repository, number, _write_payload(action, document, former, now))
            for action in find_actions(former, now, is_new=is_new)
        ]
        self._seen.change(repository.id, number, now, deliveries)

    def _note_deleted(self, repository: HostedRepository, number: int, former: SeenPull) -> None:
        """Nothing is told of it: a forge sends nothing either, and there is nothing to describe. It is not to be in the way of others."""
        self._seen.change(repository.id, number, msgspec.structs.replace(former, is_open=False), [])

    def _make_delivery(self, repository: HostedRepository, number: int, payload: Mapping[str, Any]) -> Delivery:
        name = f"poll/{number}/{payload['action']}/{uuid.uuid4()}"
        return Delivery(
            source=repository.origin,
            delivery=name,
            digest=sha256(name.encode()).digest(),
            repository=repository.id,
            event="pull_request",
            received_at=self._clock.now(),
            body=msgspec.json.encode(payload),
        )


def find_different(before: Mapping[int, SeenPull], listed: Mapping[int, ListedPull]) -> Sequence[int]:
    """The numbers of those that do not stand as they did, in their order."""
    gone = [number for number, seen in before.items() if seen.is_open and number not in listed]
    return sorted([*gone, *(number for number, pull in listed.items() if before.get(number) != _see(pull))])


def find_actions(before: SeenPull | None, now: SeenPull, *, is_new: bool) -> Sequence[Action]:
    """What has been done to one, in GitHub's words. One that was never seen and is not new had been closed before the first look."""
    if not now.is_open:
        return ["closed"] if before is not None and before.is_open else []
    if before is None and is_new:
        return ["opened"]
    if before is None or not before.is_open:
        return ["reopened"]
    actions: list[Action] = []
    if before.head_sha != now.head_sha:
        actions.append("synchronize")
    if before.is_draft != now.is_draft:
        actions.append("converted_to_draft" if now.is_draft else "ready_for_review")
    return actions


def _write_payload(
    action: Action, document: Mapping[str, Any], before: SeenPull | None, now: SeenPull
) -> Mapping[str, Any]:
    base = document.get("base")
    merged_by = document.get("merged_by") if action == "closed" else None
    payload = {
        "action": action,
        "number": document.get("number"),
        "pull_request": document,
        "repository": base.get("repo") if isinstance(base, dict) else None,
        "sender": merged_by or document.get("user"),
    }
    if action == "synchronize" and before is not None:
        payload |= {"before": before.head_sha, "after": now.head_sha}
    return payload


def _see(pull: ListedPull) -> SeenPull:
    return SeenPull(head_sha=pull.head_sha, is_open=pull.is_open, is_draft=pull.is_draft)

"""Those who go on sending to a server that is killed again and again: they ask again as git and forges do, and remember what was accepted."""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import httpx

from homeport.forge.signatures import sign
from tests.support.forges.hooks import SECRET, github_push
from tests.support.git_folders import commit
from tests.support.pushing import Checkout
from tests.support.serve import LONG, ServedProcess

Kind = Literal["delivery", "push", "dispatch"]


class UnderWay:
    """What is being asked of the server at this moment."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._now: Counter[str] = Counter()
        self.stopping = threading.Event()
        self.faults: list[str] = []
        """what no sender should meet, whoever dies"""

    @contextmanager
    def sending(self, kind: Kind) -> Iterator[None]:
        """While this block lasts, one more of a kind is under way."""
        self._count(kind, 1)
        try:
            yield
        finally:
            self._count(kind, -1)

    def await_one(self, kind: Kind) -> None:
        """Until one of the kind begins, or is under way already."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._now[kind] > 0 or self.faults, LONG)
            assert not self.faults, self.faults

    def now(self) -> list[str]:
        """The kinds of which at least one is under way."""
        with self._changed:
            return [kind for kind, number in self._now.items() if number]

    def _count(self, kind: Kind, change: int) -> None:
        with self._changed:
            self._now[kind] += change
            self._changed.notify_all()


class Sender:
    """One thread that sends one thing after the other until it is told to stop."""

    def __init__(self, kind: Kind, server: ServedProcess, under_way: UnderWay, rests: random.Random) -> None:
        self.kind: Kind = kind
        self.server = server
        self.accepted: list[str] = []
        """what the server took in, by whatever tells the things of this kind apart"""
        self.unanswered: list[str] = []
        """sent once, and never answered: they may have been taken in"""
        self.tries = 0
        self._under_way = under_way
        self._rests = rests
        self._thread = threading.Thread(target=self._work, name=f"{kind}-sender")

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def join(self) -> None:
        """What was begun is brought to its end: the server must be up."""
        self._thread.join(LONG)
        assert not self._thread.is_alive(), f"a {self.kind} does not come to its end"

    def send(self, number: int) -> None:
        """Send one thing. Raises `AssertionError` where the server answers as it must not."""
        raise NotImplementedError

    def insist(self, attempt: Callable[[], bool]) -> None:
        """Try until it was accepted."""
        while True:
            self.tries += 1
            with self._under_way.sending(self.kind):
                if attempt():
                    return
            self.rest(0.4)

    def rest(self, longest: float) -> None:
        """A moment, to be kind to the machine."""
        threading.Event().wait(self._rests.uniform(0, longest))

    def _work(self) -> None:
        number = 0
        try:
            while not self._under_way.stopping.is_set():
                number += 1
                self.send(number)
                self.rest(0.6)
        except AssertionError as error:
            self._under_way.faults.append(f"{self.kind}: {error}")


class Pushing(Sender):
    """Somebody who pushes commit after commit to the server's own remote."""

    def __init__(self, checkout: Checkout, server: ServedProcess, under_way: UnderWay, rests: random.Random) -> None:
        super().__init__("push", server, under_way, rests)
        self._checkout = checkout

    def send(self, number: int) -> None:
        """Git ends well when the server has the commit: at the first try, or at one before it whose answer was lost."""
        sha = self._checkout.commit({"number": str(number)})
        self.insist(self._checkout.try_push)
        self.accepted.append(sha)


class Delivering(Sender):
    """A forge: each commit there is announced until the delivery was accepted, and every third once more after that."""

    def __init__(self, name: str, root: Path, server: ServedProcess, under_way: UnderWay, rests: random.Random) -> None:
        super().__init__("delivery", server, under_way, rests)
        self._name = name
        self._folder = root / name

    def send(self, number: int) -> None:
        """With the same number and body at each try, as GitHub redelivers."""
        (self._folder / "number").write_text(str(number))
        sha = commit(self._folder)
        body = json.dumps(github_push(self._name, sha, "0" * 40)).encode()
        headers = {
            "content-type": "application/json",
            "x-github-event": "push",
            "x-github-delivery": f"storm-{number}",
            "x-hub-signature-256": f"sha256={sign(SECRET, body)}",
        }
        for _ in range(2 if number % 3 == 0 else 1):
            self.insist(lambda: self._deliver(body, headers))
        self.accepted.append(sha)

    def _deliver(self, body: bytes, headers: dict[str, str]) -> bool:
        try:
            answer = httpx.post(f"{self.server.url}/webhooks/github", content=body, headers=headers, timeout=LONG)
        except httpx.TransportError:
            return False
        assert answer.status_code in (202, 503), f"{answer.status_code}: {answer.text}"
        return answer.status_code == 202


class Dispatching(Sender):
    """Somebody who starts a workflow by hand, each time with another word; nobody does so again when no answer comes."""

    def __init__(
        self, workflow: str, token: str, server: ServedProcess, under_way: UnderWay, rests: random.Random
    ) -> None:
        super().__init__("dispatch", server, under_way, rests)
        self._path = f"/api/v3/repos/{workflow}/dispatches"
        self._headers = {"authorization": f"Bearer {token}"}

    def send(self, number: int) -> None:
        """Only a refused connection is certain to have started nothing."""
        word = f"word-{number}"
        self.insist(lambda: self._dispatch(word))

    def _dispatch(self, word: str) -> bool:
        body = {"ref": "main", "inputs": {"word": word}}
        try:
            answer = httpx.post(f"{self.server.url}{self._path}", json=body, headers=self._headers, timeout=LONG)
        except httpx.ConnectError:
            return False
        except httpx.TransportError:
            self.unanswered.append(word)
            return True
        assert answer.status_code in (204, 503), f"{answer.status_code}: {answer.text}"
        if answer.status_code == 204:
            self.accepted.append(word)
        return answer.status_code == 204

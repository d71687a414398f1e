"""A runner's conversation with a server in another process, over HTTP: it goes on when the server is away for a while.

Jobs are claimed by a question that has a name, so that an answer that was lost is given again. What a job says is kept on disk until
the server has it (`runner.spool`). For each lease one thread sends, and one waits for what there is to be told; a lease that the server
does not know any more is ended at once, and nothing of it is said.
"""

import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec

from homeport.ports.peer import (
    AskAnswer,
    AskRequest,
    ClaimAnswer,
    ClaimRequest,
    ClaimWithdrawal,
    Greeting,
    HeldLease,
    JobOrder,
    Orders,
    SecretsRequest,
)
from homeport.ports.stop_pipe import PipeStopSignal
from homeport.run.facts import JobFinished, RunnerFact, StopReason
from homeport.runner.spool import Spool, read_left

Answer = TypeVar("Answer")

_WAIT_SECONDS = 20.0
"""How long the server may think about a question before it says that there is nothing."""
_LARGEST_REQUEST = 1 << 20
_LONGEST_PAUSE_SECONDS = 15.0
_SECONDS_FOR_ROOM = 1.0
"""How often a full disk is tried again"""


class AwayError(Exception):
    """The server cannot be reached, or cannot answer now."""


class RefusedError(Exception):
    """The server does not know the runner or the lease (any more)."""


class Channel(Protocol):
    """Carries one message to the server and its answer back. Used by many threads."""

    def post(self, path: str, body: bytes, *, timeout_seconds: float) -> bytes:
        """Raises `AwayError`, `RefusedError`."""
        ...


class _Held:
    """One lease that this runner has."""

    def __init__(self, order: JobOrder, token: str, spool: Spool) -> None:
        self.order = order
        self.token = token
        self.spool = spool
        self.signal = PipeStopSignal()
        self._lock = threading.Lock()
        self._users = 2
        """the lease's threads: the last of them closes the signal, when the job has ended"""
        self.known = Orders()
        self.resume_at: deque[int] = deque()
        self.resumed = threading.Condition()
        self.has_ended = threading.Event()
        """the job's last report was made"""
        self.lost = threading.Event()

    def stop(self, reason: StopReason, *, force: bool) -> None:
        """Tell the job, if it has not ended."""
        with self._lock:
            if self._users:
                self.signal.stop(reason, force=force)

    def leave(self) -> None:
        """One of the two threads has nothing more to do."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self.signal.close()


class HttpPeer:
    """A `Peer` whose coordinator is a server. `folder` is where unsent reports are kept."""

    def __init__(self, channel: Channel, folder: str) -> None:
        self._channel = channel
        self._folder = folder
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._stopping = threading.Event()
        self._claims: set[str] = set()
        """the questions for a job that are not answered yet"""
        self._threads: list[threading.Thread] = []
        self._answered_at = time.monotonic()

    def greet(self) -> None:
        """Say what a former process of this runner left unsaid, then that its jobs are lost. Raises `RefusedError`; waits for a server
        that is away, until `stop`: then `AwayError`.
        """
        for name in sorted(os.listdir(self._folder) if os.path.isdir(self._folder) else ()):
            path = os.path.join(self._folder, name)
            lease = name.removesuffix(".spool")
            token, reports = read_left(path)
            try:
                if reports:
                    self._insist(f"leases/{lease}/reports", _encode_reports(token, reports), self._stopping)
            except RefusedError:
                pass  # it was given up meanwhile
            os.unlink(path)
        self._insist("greeting", msgspec.msgpack.encode(Greeting()), self._stopping)

    def stop(self) -> None:
        """Take no more jobs: `next_job` gives None from now on, unless a job was on its way already."""
        self._stopping.set()
        with self._lock:
            claims = tuple(self._claims)
        if claims:
            with suppress(AwayError, RefusedError):
                self._channel.post(
                    "claims/withdrawal", msgspec.msgpack.encode(ClaimWithdrawal(claims)), timeout_seconds=_WAIT_SECONDS
                )

    def give_up(self) -> None:
        """End every job at once, without cleanup; nothing of them is said."""
        self._stopping.set()
        with self._lock:
            everything = list(self._held.values())
        for held in everything:
            self._lose(held)

    @property
    def has_jobs(self) -> bool:
        """Whether a job runs; one whose end is only not heard yet does not."""
        with self._lock:
            return any(not held.has_ended.is_set() for held in self._held.values())

    @property
    def silent_seconds(self) -> float:
        """How long ago the server answered last, or since this was made."""
        return time.monotonic() - self._answered_at

    def close(self) -> None:
        """Wait until everything that was said has been heard, or was refused."""
        for thread in self._threads:
            thread.join()

    # --- the port: any thread of the runner -------------------------------------------------------------------------------

    def next_job(self) -> JobOrder | None:
        """Asks again and again."""
        claim = os.urandom(16).hex()
        with self._lock:
            self._claims.add(claim)
        try:
            return self._claim(claim)
        finally:
            with self._lock:
                self._claims.discard(claim)

    def _claim(self, claim: str) -> JobOrder | None:
        while not self._stopping.is_set():
            answer = self._try("claims", ClaimRequest(claim, _WAIT_SECONDS), ClaimAnswer, self._stopping)
            if answer is None or answer.order is None:
                continue
            order = answer.order
            try:
                spool = Spool(os.path.join(self._folder, f"{order.lease}.spool"), answer.token)
            except OSError:  # a full disk: asked the same again, the server gives the same job
                self._stopping.wait(_SECONDS_FOR_ROOM)
                continue
            held = _Held(order, answer.token, spool)
            with self._lock:
                self._held[order.lease] = held
            self._start(self._send, held)
            self._start(self._listen, held)
            return order
        return None

    def stop_signal(self, lease: str) -> PipeStopSignal:
        """Written when the server says so, or does not know the lease any more."""
        return self._get(lease).signal

    def wait_for_retry(self, lease: str) -> int | None:
        """Sleeps until the server says so, or the job is stopped."""
        held = self._get(lease)
        with held.resumed:
            held.resumed.wait_for(lambda: held.resume_at or held.signal.reason is not None)
            return held.resume_at.popleft() if held.resume_at else None

    def secrets(self, lease: str) -> Mapping[str, str]:
        """Asked for once; nothing of them is kept on disk. A lease that was lost has none."""
        held = self._get(lease)
        try:
            answer = self._insist(
                f"leases/{lease}/secrets", msgspec.msgpack.encode(SecretsRequest(held.token)), held.lost
            )
        except (RefusedError, AwayError):
            self._lose(held)
            return {}
        return msgspec.msgpack.decode(answer, type=dict[str, str])

    def report(self, lease: str, sequence: int, facts: Sequence[RunnerFact]) -> None:
        """Kept on disk when it returns; sent by the lease's own thread."""
        held = self._get(lease)
        held.spool.add(sequence, msgspec.msgpack.encode(list(facts)))
        if any(isinstance(fact, JobFinished) for fact in facts):
            held.has_ended.set()

    # --- a lease's threads ------------------------------------------------------------------------------------------------

    def _send(self, held: _Held) -> None:
        """Until the job's last report is acknowledged; of a lost lease, until the job has noticed."""
        path = f"leases/{held.order.lease}/reports"
        while not held.lost.is_set() and not (held.has_ended.is_set() and held.spool.is_empty):
            reports = held.spool.await_reports(_LARGEST_REQUEST, _WAIT_SECONDS)
            if reports:
                try:
                    self._insist(path, _encode_reports(held.token, reports), held.lost)
                    held.spool.acknowledge(reports[-1][0])
                except (RefusedError, AwayError):
                    self._lose(held)
        held.has_ended.wait()
        held.spool.drop()
        with self._lock:
            del self._held[held.order.lease]
        held.leave()

    def _listen(self, held: _Held) -> None:
        """Until the job has ended. Asking is also what keeps the lease."""
        lease = held.order.lease
        while not held.lost.is_set() and not held.has_ended.is_set():
            question = AskRequest({lease: HeldLease(held.token, held.known)}, _WAIT_SECONDS)
            answer = self._try("leases", question, AskAnswer, held.has_ended)
            if answer is not None and lease in answer.lost:
                self._lose(held)
            elif answer is not None and lease in answer.orders:
                self._obey(held, answer.orders[lease])
        held.has_ended.wait()
        held.leave()

    def _obey(self, held: _Held, orders: Orders) -> None:
        fresh = orders.resume_at[len(held.known.resume_at) :]
        held.known = orders
        if orders.stop is not None:
            held.stop(orders.stop, force=orders.forced)
        with held.resumed:
            held.resume_at.extend(fresh)
            held.resumed.notify_all()

    def _lose(self, held: _Held) -> None:
        """What runs is ended without cleanup: the job may be somebody else's by now."""
        held.lost.set()
        held.stop("cancelled", force=True)
        held.spool.drop()
        with held.resumed:
            held.resumed.notify_all()

    # --- messages -----------------------------------------------------------------------------------------------------------

    def _get(self, lease: str) -> _Held:
        with self._lock:
            return self._held[lease]

    def _try(self, path: str, question: msgspec.Struct, kind: type[Answer], is_over: threading.Event) -> Answer | None:
        """One question; None where the server is away, after a pause that ends when nobody needs the answer any more. A runner that is
        refused stops.
        """
        body = msgspec.msgpack.encode(question)
        try:
            answer = self._post(path, body)
        except AwayError:
            is_over.wait(_pause(1))
            return None
        except RefusedError:
            self._stopping.set()
            raise
        return msgspec.msgpack.decode(answer, type=kind)

    def _insist(self, path: str, body: bytes, is_over: threading.Event) -> bytes:
        """The same message until it is answered. Raises `RefusedError`; `AwayError` only once nobody needs the answer any more."""
        tries = 0
        while True:
            try:
                return self._post(path, body)
            except AwayError:
                tries += 1
                if is_over.wait(_pause(tries)):
                    raise

    def _post(self, path: str, body: bytes) -> bytes:
        answer = self._channel.post(path, body, timeout_seconds=_WAIT_SECONDS * 2)
        self._answered_at = time.monotonic()
        return answer

    def _start(self, work: Callable[[_Held], None], held: _Held) -> None:
        thread = threading.Thread(target=work, args=(held,), name=f"lease-{held.order.lease}")
        thread.start()
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]


def _pause(tries: int) -> float:
    """Longer after each failure, and never the same for all runners: a server that comes back is not run over."""
    return random.uniform(0.05, min(0.2 * 2**tries, _LONGEST_PAUSE_SECONDS))  # noqa: S311 - nobody is to be surprised


def _encode_reports(token: str, reports: Sequence[tuple[int, bytes]]) -> bytes:
    """A `ReportRequest`, without decoding what is encoded already."""
    numbered = [(sequence, msgspec.Raw(facts)) for sequence, facts in reports]
    return msgspec.msgpack.encode({"token": token, "reports": numbered})

"""The conversation with runners that are other processes: who may have which job, who still lives, and what each has to be told.

The promise: each job is given to at most one live lease. A claim is durable before it is answered; asked again (because the answer was
lost) it gives the same job with a new token, and the former token is good for nothing. A runner that is not heard of for
`LEASE_SECONDS` has lost its job; what it says afterwards is refused.
"""

import hmac
import secrets as randomness
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256

import msgspec

from homeport.coordinator.dispatch import Labels
from homeport.ports.clock import Clock
from homeport.ports.leases import Lease, LeaseRepository
from homeport.ports.peer import JobOrder, Orders
from homeport.ports.repositories import StoreError
from homeport.run.facts import RunnerFact, StopReason

_MOST_WITHDRAWN = 10_000
"""How many withdrawn questions are remembered: each is asked no more, once it was answered"""
LEASE_SECONDS = 45.0
"""How long a runner may be silent. It renews its leases several times in this time, with every report and every question."""


class UnknownLeaseError(Exception):
    """No such lease, or not with this token: it ended, was lost, or was given out anew."""


class BoardAwayError(StoreError):
    """Nothing can be remembered at the moment: runners are to ask again."""


class RunnerProfile(msgspec.Struct, frozen=True):
    """A runner as the server knows it: its id, and which jobs it takes."""

    id: str
    labels: Labels


class Claim(msgspec.Struct, frozen=True):
    """A job for a runner, with the token that stands for the lease in everything that follows."""

    order: JobOrder
    token: str


class BoardReport(msgspec.Struct, frozen=True):
    """What a runner handed over. `settle` is to be called once: with None when it is durable, else with why it was refused."""

    lease: str
    sequence: int
    facts: Sequence[RunnerFact]
    settle: Callable[[Exception | None], None]


class _Entry:
    """One job between its offer and its end."""

    __slots__ = ("claim", "digest", "forced", "heard_at", "lease", "order", "resume_at", "runner", "secrets", "stop")

    def __init__(self, order: JobOrder, secrets: Mapping[str, str]) -> None:
        self.order = order
        self.secrets = secrets
        self.lease = order.lease
        self.runner: str | None = None
        self.claim = ""
        self.digest = b""
        self.heard_at = 0.0
        self.stop: StopReason | None = None
        self.forced = False
        self.resume_at: tuple[int, ...] = ()


class LeaseBoard:
    """`Runners` for the coordinator's thread; for the runners' side, any thread. `wake` is called (in any thread) when something is
    there for the coordinator to `receive`, `on_change` when runners that wait should ask again.
    """

    def __init__(
        self, leases: LeaseRepository, clock: Clock, *, wake: Callable[[], None], on_change: Callable[[], None]
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._wake = wake
        self._on_change = on_change
        self._lock = threading.Lock()
        self._offers: deque[_Entry] = deque()
        self._entries: dict[str, _Entry] = {}
        self._claims: dict[tuple[str, str], _Entry] = {}
        self._reports: deque[BoardReport] = deque()
        self._held: list[_Entry] | None = None
        self._expected: dict[str, Lease] = {}
        self._withdrawn: deque[tuple[str, str]] = deque(maxlen=_MOST_WITHDRAWN)
        self._is_away = False
        self._claiming = 0
        """claims that are being remembered just now"""
        self._none_claiming = threading.Condition(self._lock)

    # --- the coordinator's side: one thread ------------------------------------------------------------------------------

    def offer(self, order: JobOrder, secrets: Mapping[str, str]) -> None:
        """Put a job up; while `holding`, when that ends."""
        entry = _Entry(order, secrets)
        with self._lock:
            self._entries[order.lease] = entry
            lease = self._expected.pop(order.lease, None)
            if lease is not None:
                self._restore(entry, lease)
                return
            if self._held is not None:
                self._held.append(entry)
                return
            self._offers.append(entry)
        self._on_change()

    def hold(self) -> None:
        """Show no new offers until `release`: what they follow from is not durable yet."""
        with self._lock:
            self._held = []

    def release(self) -> None:
        """Show what was offered meanwhile."""
        with self._lock:
            held, self._held = self._held or [], None
            self._offers.extend(entry for entry in held if entry.lease in self._entries)
        if held:
            self._on_change()

    def expect(self, leases: Iterable[Lease]) -> None:
        """Leases that runners had when the server ended: offered again, each is its runner's still, which has the usual time to be
        heard of.
        """
        self._expected.update((lease.id, lease) for lease in leases)

    def stop(self, lease: str, reason: StopReason, *, force: bool) -> None:
        """Withdraw an offer, or tell its runner."""
        with self._lock:
            entry = self._entries.get(lease)
            if entry is None:
                return
            if entry in self._offers:
                self._offers.remove(entry)
            entry.stop = entry.stop or reason
            entry.forced = entry.forced or force
        self._on_change()

    def retry(self, lease: str, step: int) -> None:
        """Let a paused job go on."""
        with self._lock:
            entry = self._entries.get(lease)
            if entry is not None:
                entry.resume_at = (*entry.resume_at, step)
        self._on_change()

    def forget(self, lease: str) -> None:
        """Close the lease."""
        with self._lock:
            entry = self._entries.pop(lease, None)
            if entry is None:
                return
            if entry in self._offers:
                self._offers.remove(entry)
            if entry.runner is not None:
                self._claims.pop((entry.runner, entry.claim), None)
        if entry.runner is not None:
            self._leases.close(lease)
        self._on_change()

    def go_away(self) -> Sequence[BoardReport]:
        """Forget everything: it is ahead of what is remembered. Until `come_back` runners are told to ask again (`BoardAwayError`), so
        that none of them takes its job for lost. Gives the reports that were not received, to be refused.
        """
        with self._lock:
            self._is_away = True
            self._none_claiming.wait_for(lambda: self._claiming == 0)
            reports = tuple(self._reports)
            for waiting in (self._offers, self._entries, self._claims, self._reports, self._expected):
                waiting.clear()
            self._held = None
        return reports

    def come_back(self) -> None:
        """Everything is offered again."""
        with self._lock:
            self._is_away = False
        self._on_change()

    def receive(self) -> Sequence[BoardReport]:
        """What was reported meanwhile, oldest first."""
        with self._lock:
            reports = tuple(self._reports)
            self._reports.clear()
        return reports

    def find_lost(self) -> Sequence[str]:
        """The leases whose runner has been silent for too long."""
        latest = self._clock.monotonic() - LEASE_SECONDS
        with self._lock:
            return [
                entry.lease for entry in self._entries.values() if entry.runner is not None and entry.heard_at < latest
            ]

    def count(self) -> tuple[int, int]:
        """How many jobs wait for a runner, and how many have one. Any thread."""
        with self._lock:
            waiting = len(self._offers)
            return waiting, sum(entry.runner is not None for entry in self._entries.values())

    # --- the runners' side: any thread -----------------------------------------------------------------------------------

    def may_have(self, runner: RunnerProfile, claim: str) -> bool:
        """Whether a claim would be answered with a job now: a look that costs little. Raises `BoardAwayError`, as all that follows."""
        with self._lock:
            self._check_presence()
            return (runner.id, claim) in self._claims or any(
                runner.labels.find_refusal(each.order.leg) is None for each in self._offers
            )

    def withdraw(self, runner: RunnerProfile, claims: Iterable[str]) -> None:
        """The runner ends: these questions get no job. One that was answered with a job already keeps it."""
        with self._lock:
            self._withdrawn.extend((runner.id, claim) for claim in claims if (runner.id, claim) not in self._claims)
        self._on_change()

    def is_withdrawn(self, runner: RunnerProfile, claim: str) -> bool:
        """Whether a question need not wait any longer."""
        with self._lock:
            return (runner.id, claim) in self._withdrawn

    def lose_others(self, runner: RunnerProfile, kept: Collection[str]) -> None:
        """The runner has begun anew: of its jobs it has only these still. The others count as lost at once."""
        with self._lock:
            self._check_presence()
            for entry in self._entries.values():
                if entry.runner == runner.id and entry.lease not in kept:
                    entry.heard_at = -LEASE_SECONDS * 2
        self._wake()

    def claim(self, runner: RunnerProfile, claim: str) -> Claim | None:
        """The oldest offer that this runner can take; None where there is none now. `claim` is the runner's name for this question."""
        token = randomness.token_urlsafe(32)
        digest = sha256(token.encode()).digest()
        with self._lock:
            self._check_presence()
            again = self._claims.get((runner.id, claim))
            entry = again or next(
                (each for each in self._offers if runner.labels.find_refusal(each.order.leg) is None), None
            )
            if entry is None or (runner.id, claim) in self._withdrawn:
                return None
            if again is None:
                self._offers.remove(entry)
            entry.runner, entry.claim, entry.digest = runner.id, claim, digest
            entry.heard_at = self._clock.monotonic()
            self._claims[runner.id, claim] = entry
            self._claiming += 1
        try:
            self._remember(entry, digest, is_again=again is not None)
        except BaseException:
            self._give_back(entry)
            raise
        finally:
            with self._lock:
                self._claiming -= 1
                self._none_claiming.notify_all()
        return Claim(entry.order, token)

    def report(
        self,
        lease: str,
        token: str,
        sequence: int,
        facts: Sequence[RunnerFact],
        settle: Callable[[Exception | None], None],
    ) -> None:
        """Hand facts to the coordinator; `settle` is called when they are durable. Raises `UnknownLeaseError`."""
        with self._lock:
            self._find(lease, token)
            self._reports.append(BoardReport(lease, sequence, facts, settle))
        self._wake()

    def ask(self, lease: str, token: str) -> Orders:
        """What there is to be told; the runner lives. Raises `UnknownLeaseError`."""
        with self._lock:
            entry = self._find(lease, token)
            return Orders(entry.stop, entry.forced, entry.resume_at)

    def secrets(self, lease: str, token: str) -> Mapping[str, str]:
        """What this lease may know. Raises `UnknownLeaseError`."""
        with self._lock:
            return self._find(lease, token).secrets

    # --- inside -----------------------------------------------------------------------------------------------------------

    def _restore(self, entry: _Entry, lease: Lease) -> None:
        entry.runner, entry.claim, entry.digest = lease.runner, lease.claim, lease.token_digest
        entry.heard_at = self._clock.monotonic()
        self._claims[lease.runner, lease.claim] = entry

    def _check_presence(self) -> None:
        if self._is_away:
            raise BoardAwayError("the server cannot remember anything at the moment")

    def _find(self, lease: str, token: str) -> _Entry:
        self._check_presence()
        entry = self._entries.get(lease)
        digest = sha256(token.encode()).digest()
        if entry is None or entry.runner is None or not hmac.compare_digest(entry.digest, digest):
            raise UnknownLeaseError(lease)
        entry.heard_at = self._clock.monotonic()
        return entry

    def _remember(self, entry: _Entry, digest: bytes, *, is_again: bool) -> None:
        """Durable before the runner hears of it."""
        order = entry.order
        if is_again:
            self._leases.renew_token(order.lease, entry.claim, digest)
            return
        self._leases.take(
            Lease(
                id=order.lease,
                run=order.run,
                attempt=int(order.github.get("run_attempt") or 1),
                job=order.leg.key,
                runner=entry.runner or "",
                claim=entry.claim,
                token_digest=digest,
                taken_at=self._clock.now(),
            )
        )

    def _give_back(self, entry: _Entry) -> None:
        """The claim could not be remembered: nobody has the job."""
        with self._lock:
            self._claims.pop((entry.runner or "", entry.claim), None)
            entry.runner = None
            if entry.lease in self._entries:
                self._offers.appendleft(entry)

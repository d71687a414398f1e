"""The conversation with runners that are other processes: who may have which job, who still lives, and what each has to be told.

The promise: each job is given to at most one live lease. A claim is durable before it is answered; asked again (because the answer was
lost) it gives the same job with a new token, and the former token is good for nothing. A runner that is not heard of for
`LEASE_SECONDS` has lost its job; what it says afterwards is refused. What the coordinator decides between `hold` and `release` is told
to no runner before it is durable: a lease that is closed by an end which is then forgotten in a crash must not have been called lost.
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

    __slots__ = (
        "claim",
        "digest",
        "forced",
        "heard_at",
        "is_closing",
        "lease",
        "order",
        "resume_at",
        "runner",
        "secrets",
        "stop",
    )

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
        self.is_closing = False
        """it has ended, which may not be durable yet"""


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
        self._held: list[Callable[[], None]] | None = None
        """what runners may see when it is durable"""
        self._expected: dict[str, Lease] = {}
        self._withdrawn: deque[tuple[str, str]] = deque(maxlen=_MOST_WITHDRAWN)
        self._is_away = False
        self._claiming = 0
        """claims that are being remembered just now"""
        self._none_claiming = threading.Condition(self._lock)

    # --- the coordinator's side: one thread ------------------------------------------------------------------------------

    def offer(self, order: JobOrder, secrets: Mapping[str, str]) -> None:
        """Put a job up."""
        entry = _Entry(order, secrets)
        with self._lock:
            self._entries[order.lease] = entry
            lease = self._expected.pop(order.lease, None)
            if lease is not None:
                self._restore(entry, lease)
                return
        self._show(lambda: self._put_up(entry))

    def hold(self) -> None:
        """Show runners nothing new until `release`: what it follows from is not durable yet."""
        with self._lock:
            self._held = []

    def release(self) -> None:
        """Show what was held."""
        with self._lock:
            held, self._held = self._held or [], None
            for change in held:
                change()
        if held:
            self._on_change()

    def expect(self, leases: Iterable[Lease]) -> None:
        """Leases that runners had when the server ended: offered again, each is its runner's still, which has the usual time to be
        heard of.
        """
        self._expected.update((lease.id, lease) for lease in leases)

    def stop(self, lease: str, reason: StopReason, *, force: bool) -> None:
        """Withdraw an offer, or tell its runner."""

        def tell(entry: _Entry) -> None:
            self._withdraw_offer(entry)  # one that was held, too
            entry.stop = entry.stop or reason
            entry.forced = entry.forced or force

        self._change(lease, tell, withdraws=True)

    def retry(self, lease: str, step: int) -> None:
        """Let a paused job go on."""

        def tell(entry: _Entry) -> None:
            entry.resume_at = (*entry.resume_at, step)

        self._change(lease, tell)

    def forget(self, lease: str) -> None:
        """Close the lease."""
        entry = self._change(lease, self._drop, withdraws=True, closes=True)
        if entry is not None and entry.runner is not None:
            self._leases.close(lease)

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
        if entry.is_closing:  # since then: what was remembered of it just now may have come too late to be closed
            self._leases.close(entry.lease)
            return None
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

    def _change(
        self, lease: str, change: Callable[[_Entry], None], *, withdraws: bool = False, closes: bool = False
    ) -> _Entry | None:
        """Gives what there is of the lease. From now on nobody gets the job where it `withdraws`; the rest is shown when it may be."""
        with self._lock:
            entry = self._entries.get(lease)
            if entry is None:
                return None
            if withdraws:
                self._withdraw_offer(entry)
            entry.is_closing = entry.is_closing or closes
        self._show(lambda: change(entry))
        return entry

    def _show(self, change: Callable[[], None]) -> None:
        """At once, or when `release` is called."""
        with self._lock:
            if self._held is not None:
                self._held.append(change)
                return
            change()
        self._on_change()

    def _put_up(self, entry: _Entry) -> None:
        if not entry.is_closing:
            self._offers.append(entry)

    def _withdraw_offer(self, entry: _Entry) -> None:
        if entry in self._offers:
            self._offers.remove(entry)

    def _drop(self, entry: _Entry) -> None:
        self._entries.pop(entry.lease, None)
        if entry.runner is not None:
            self._claims.pop((entry.runner, entry.claim), None)

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

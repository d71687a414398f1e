"""Runs of pull requests from forks: they get no secrets and may only read, and wait until a maintainer has looked at their commit.

Source: GitHub docs, "Approving workflow runs from public forks", "Managing GitHub Actions settings for a repository: Controlling changes
from forks to workflows in public repositories". The rest of what a fork may not is in `plan.permissions` and in the vault (`trusted`).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from homeport.coordinator.coordinator import Coordinator
from homeport.event import Event
from homeport.plan.model import Plan
from homeport.plan.permissions import is_from_fork
from homeport.ports.access import Caller
from homeport.ports.approvals import HeldRun
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository
from homeport.ports.repositories import RunRecord, RunRepository
from homeport.server.audit import Audit, name_of
from homeport.server.engine import ServerEngine
from homeport.store.tables.held_runs import TableHeldRuns

HELD_DAYS = 30
_KNOWN_AUTHORS = frozenset({"OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"})
"""By what GitHub says of the author (`author_association`): something of theirs was merged before. Other forges do not say it."""


class ApprovalError(Exception):
    """It cannot be approved or rejected, in words."""


class _PullRequest(msgspec.Struct, frozen=True):
    """What a payload says of one."""

    number: int
    head_sha: str
    author: str
    association: str


class Forks:
    """`start` begins a run that has its id, durably; beginning one that has begun changes nothing. Not for the event loop; safe from any
    thread. All may raise `StoreError`.
    """

    def __init__(
        self,
        store: TableHeldRuns,
        start: Callable[[RunRecord, Plan], None],
        clock: Clock,
        audit: Audit,
    ) -> None:
        self._store = store
        self._start = start
        self._clock = clock
        self._audit = audit

    def admit(self, repository: HostedRepository, event: Event, record: RunRecord, plan: Plan) -> bool:
        """Whether a run may begin now. If not, it is kept, durably, until somebody decides; asking again changes nothing."""
        if not must_wait(repository, event):
            return True
        pull = _read_pull_request(event)
        held = HeldRun(
            run=record.id,
            repository=repository.id,
            pull_request=pull.number,
            head_sha=pull.head_sha,
            author=pull.author,
            held_at=self._clock.now(),
        )
        return not self._store.hold(held, record, plan)

    def find(self, run: str) -> HeldRun | None:
        """A run that waits, or has waited."""
        return self._store.find(run)

    def waiting(self, repository: int | None = None) -> Sequence[HeldRun]:
        """Oldest first; of all repositories where none is named."""
        return self._store.list(repository)

    def find_plan(self, run: str) -> tuple[RunRecord, Plan] | None:
        """What a run that waits would carry out; None for one that has begun, or is none."""
        return self._store.find_plan(run)

    def approve(self, run: str, by: Caller, address: str = "") -> Sequence[HeldRun]:
        """Begin a run, and all others that the same head commit has started; whether somebody may is the caller's to ask. Raises
        `ApprovalError`.
        """
        held = self._find_undecided(run)
        decided = self._store.decide(held.repository, held.head_sha, "approved", name_of(by), self._clock.now())
        if not decided:
            raise ApprovalError(f"run {run} was deleted")
        self._audit.note(
            by, "run.approved", f"run {run}", address=address, detail=f"commit {held.head_sha} of {held.author}"
        )
        for each in decided:
            self._begin(each.run)
        return decided

    def reject(self, run: str, by: Caller, address: str = "") -> Sequence[HeldRun]:
        """Let a run, and all others of its head commit, not begin. Raises `ApprovalError`."""
        held = self._find_undecided(run)
        if held.decision == "rejected":
            raise ApprovalError(f"run {run} was rejected by {held.decided_by} already")
        decided = self._store.decide(held.repository, held.head_sha, "rejected", name_of(by), self._clock.now())
        if not decided:
            raise ApprovalError(f"run {run} was deleted")
        self._audit.note(
            by, "run.rejected", f"run {run}", address=address, detail=f"commit {held.head_sha} of {held.author}"
        )
        return decided

    def expire(self) -> None:
        """Wait no longer for a word about what has waited for 30 days (docs: "Approving workflow runs from public forks")."""
        now = self._clock.now()
        for run in self._store.expire(now - timedelta(days=HELD_DAYS), now):
            self._audit.note("retention", "run.expired", f"run {run}", detail=f"nobody approved it in {HELD_DAYS} days")

    def start(self) -> None:
        """Begin what was approved, and had not begun when the last process ended."""
        for run in self._store.approved_not_begun():
            self._begin(run)

    def stop(self) -> None:
        """Nothing goes on beside requests."""

    def _find_undecided(self, run: str) -> HeldRun:
        held = self._store.find(run)
        if held is None:
            raise ApprovalError(f"run {run} does not wait for approval")
        if held.decision == "approved":
            raise ApprovalError(f"run {run} was approved by {held.decided_by} already")
        if held.decision == "expired":
            raise ApprovalError(
                f"run {run} waited for {HELD_DAYS} days, and cannot begin any more: push the commit again"
            )
        return held

    def _begin(self, run: str) -> None:
        found = self._store.find_plan(run)
        if found is not None:
            self._store.make_way(run)
            self._start(*found)
            self._store.note_begun(run)


def must_wait(repository: HostedRepository, event: Event) -> bool:
    """Whether what this event starts has to be approved first, unless its commit was."""
    if not is_from_fork(event) or repository.settings.fork_approval == "never":
        return False
    is_known = _read_pull_request(event).association in _KNOWN_AUTHORS
    return not (is_known and repository.settings.fork_approval == "first-time")


def start_with(engine: ServerEngine, runs: RunRepository) -> Callable[[RunRecord, Plan], None]:
    """How a run that has its id is begun, so that doing it twice is doing it once."""

    def start(record: RunRecord, plan: Plan) -> None:
        def begin(coordinator: Coordinator) -> None:
            # asked in the one thread that begins runs: nobody comes between
            if coordinator.find_run(record.id) is None and runs.find(record.id) is None:
                coordinator.submit(plan, record)

        engine.ask(begin).result()

    return start


def _read_pull_request(event: Event) -> _PullRequest:
    """What is missing in a payload counts as strange."""
    pull = event.payload.get("pull_request")
    pull = pull if isinstance(pull, dict) else {}
    head = pull.get("head")
    user = pull.get("user")
    number = pull.get("number") or event.payload.get("number")
    sha = head.get("sha") if isinstance(head, dict) else None
    return _PullRequest(
        number=number if isinstance(number, int) else 0,
        head_sha=sha if isinstance(sha, str) and sha else event.sha,
        author=str(user.get("login", "")) if isinstance(user, dict) else "",
        association=str(pull.get("author_association", "")),
    )

"""The stores without a disk, for tests: same promises, one process."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from homeport.plan.model import ConcurrencyClaim, Plan
from homeport.ports.concurrency import ClaimAnswer, Holder
from homeport.ports.control import Request
from homeport.ports.leases import Lease
from homeport.ports.logs import LogLine
from homeport.ports.repositories import RunRecord
from homeport.run.facts import LinesLogged, RunFact, RunFinished
from homeport.store import group_rules
from homeport.store.group_rules import Group


class MemoryRuns:
    """A `RunRepository` in memory."""

    def __init__(self) -> None:
        self._attempts: dict[tuple[str, int], tuple[RunRecord, Plan, list[RunFact]]] = {}
        self._open: set[tuple[str, int]] = set()
        self._abandoned: set[tuple[str, int]] = set()
        self._numbers: dict[tuple[str, str], int] = {}
        self._next = 0

    def new_id(self) -> str:
        """Counted up."""
        self._next += 1
        return str(self._next)

    def create(self, record: RunRecord, plan: Plan) -> None:
        """Begin an attempt."""
        self._attempts[record.id, record.attempt] = (record, plan, [])
        self._open.add((record.id, record.attempt))

    def append(self, run: str, attempt: int, facts: Sequence[RunFact]) -> None:
        """Add to the journal."""
        if any(isinstance(fact, LinesLogged) for fact in facts):
            raise TypeError("lines belong to the log store, not to the journal")
        if (run, attempt) not in self._open:
            raise KeyError(run)
        self._attempts[run, attempt][2].extend(facts)

    def close(self, run: str, attempt: int) -> None:
        """No more facts."""
        self._open.discard((run, attempt))

    def abandon(self, run: str, attempt: int) -> None:
        """Leave it to who adopts it."""
        if (run, attempt) in self._open:
            self._open.discard((run, attempt))
            self._abandoned.add((run, attempt))

    def adopt(self) -> Sequence[RunRecord]:
        """Take over what was abandoned."""
        adopted = sorted(self._abandoned)
        self._abandoned.clear()
        self._open.update(adopted)
        return [self._attempts[key][0] for key in adopted]

    def is_open(self, run: str) -> bool:
        """Whether the latest attempt is being written."""
        return (run, self._latest(run)) in self._open

    def find(self, run: str, attempt: int | None = None) -> tuple[RunRecord, Plan] | None:
        """The record with its plan."""
        found = self._attempts.get((run, attempt or self._latest(run)))
        return None if found is None else (found[0], found[1])

    def facts(self, run: str, attempt: int | None = None) -> Iterator[RunFact]:
        """The journal."""
        found = self._attempts.get((run, attempt or self._latest(run)))
        return iter(list(found[2]) if found else [])

    def ending(self, run: str, attempt: int | None = None) -> RunFinished | None:
        """The last `RunFinished`."""
        return next((fact for fact in reversed(list(self.facts(run, attempt))) if isinstance(fact, RunFinished)), None)

    def list(
        self,
        *,
        repository: str | None = None,
        workflow: str | None = None,
        source: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """Latest attempts, newest first."""
        runs = sorted({run for run, _ in self._attempts}, key=int, reverse=True)
        records = [self._attempts[run, self._latest(run)][0] for run in runs]
        return [
            record
            for record in records
            if repository in (None, record.repository)
            and workflow in (None, record.workflow)
            and source in (None, record.source)
        ][:limit]

    def next_number(self, repository: str, workflow: str) -> int:
        """Counted up."""
        number = self._numbers[repository, workflow] = self._numbers.get((repository, workflow), 0) + 1
        return number

    def delete(self, run: str) -> None:
        """Forget all attempts."""
        for key in [key for key in self._attempts if key[0] == run]:
            del self._attempts[key]
            self._open.discard(key)

    def _latest(self, run: str) -> int:
        return max((attempt for other, attempt in self._attempts if other == run), default=0)


class MemoryLogs:
    """A `LogStore` in memory."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int, str], list[LogLine]] = {}

    def append(self, run: str, attempt: int, job: str, step: str, at: datetime, text: str) -> None:
        """Keep the lines of a chunk."""
        kept = self._lines.setdefault((run, attempt, job), [])
        kept.extend(LogLine(at, step, line) for line in text.split("\n"))

    def read(self, run: str, attempt: int, job: str, *, step: str | None = None, start: int = 0) -> Iterator[LogLine]:
        """The kept lines."""
        lines = [line for line in self._lines.get((run, attempt, job), []) if step is None or line.step == step]
        return iter(lines[start:])

    def tail(self, run: str, attempt: int, job: str) -> "MemoryLogTail":
        """A reader that remembers its place."""
        return MemoryLogTail(self._lines.setdefault((run, attempt, job), []))

    def close(self, run: str, attempt: int, job: str) -> None:
        """Nothing is held."""

    def sync(self) -> None:
        """Memory outlives nothing."""

    def size(self, run: str, attempt: int, job: str) -> int:
        """In lines."""
        return len(self._lines.get((run, attempt, job), []))

    def cut(self, run: str, attempt: int, job: str, size: int) -> None:
        """By lines."""
        del self._lines.get((run, attempt, job), [])[size:]


class MemoryLogTail:
    """A `LogTail` in memory."""

    def __init__(self, lines: list[LogLine]) -> None:
        self._lines = lines
        self._read = 0

    def read(self) -> Sequence[LogLine]:
        """What is new."""
        new = self._lines[self._read :]
        self._read += len(new)
        return new


class MemoryConcurrencyGroups:
    """A `ConcurrencyGroups` in memory; holders named in `dead` have lost their process."""

    def __init__(self) -> None:
        self.dead: set[str] = set()
        self._groups: dict[str, Group] = {}
        self._names: dict[tuple[str, Holder], str] = {}

    def claim(self, holder: Holder, claim: ConcurrencyClaim) -> ClaimAnswer:
        """By the rules."""
        key = claim.group.lower()
        self._names[key, holder] = claim.group
        self._groups[key], answer = group_rules.claim(self._load(key), holder, claim)
        return answer

    def release(self, holder: Holder, group: str) -> Holder | None:
        """By the rules."""
        key = group.lower()
        self._groups[key], heir = group_rules.release(self._load(key), holder)
        return heir

    def poll(self, holders: Sequence[Holder]) -> Sequence[tuple[Holder, str]]:
        """Whoever of these holds a group now."""
        return [
            (holder, self._names[key, holder])
            for holder in holders
            for key in list(self._groups)
            if self._load(key).holder == holder
        ]

    def _load(self, key: str) -> Group:
        group = self._groups.get(key, Group())
        return group_rules.without_dead(group, lambda holder: holder.run not in self.dead)


class MemoryControls:
    """A `Controls` whose inboxes are lists; `fileno` has no meaning here."""

    def __init__(self) -> None:
        self.inboxes: dict[str, MemoryInbox] = {}

    def open(self, run: str) -> "MemoryInbox":
        """Begin to take requests."""
        inbox = self.inboxes[run] = MemoryInbox()
        return inbox

    def send(self, run: str, request: Request) -> bool:
        """Hand over, where an inbox is open."""
        inbox = self.inboxes.get(run)
        if inbox is None or inbox.closed:
            return False
        inbox.requests.append(request)
        return True


class MemoryInbox:
    """An `Inbox` in memory."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.closed = False

    def fileno(self) -> int:
        """No descriptor stands behind it."""
        raise ValueError("an inbox in memory cannot be polled")

    def receive(self) -> Sequence[Request]:
        """Take what there is."""
        taken, self.requests = self.requests, []
        return taken

    def close(self) -> None:
        """No more requests."""
        self.closed = True


class MemoryLeases:
    """A `LeaseRepository` in memory."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}

    def take(self, lease: Lease) -> None:
        """Keep it."""
        if lease.id in self._leases:
            raise KeyError(lease.id)
        self._leases[lease.id] = lease

    def hear(self, lease: str, heard: int, log_size: int) -> None:
        """Note the last report."""
        if lease in self._leases:
            self._leases[lease] = msgspec.structs.replace(self._leases[lease], heard=heard, log_size=log_size)

    def renew_token(self, lease: str, claim: str, token_digest: bytes) -> None:
        """Another token."""
        held = self._leases[lease]
        self._leases[lease] = msgspec.structs.replace(held, claim=claim, token_digest=token_digest)

    def close(self, lease: str) -> None:
        """Forget it."""
        self._leases.pop(lease, None)

    def list(self) -> Sequence[Lease]:
        """In the order in which they were taken."""
        return sorted(self._leases.values(), key=lambda lease: (lease.taken_at, lease.id))

"""Asks for concurrency groups and gives them back, among the runs of this process and of others."""

from collections.abc import Callable, Sequence

from homeport.coordinator.surroundings import Post, Stores
from homeport.plan.model import ConcurrencyClaim
from homeport.ports.clock import Clock
from homeport.ports.concurrency import ClaimAnswer, ConcurrencyGroups, Holder
from homeport.ports.control import CancelRun, Wake
from homeport.run.effects import ClaimConcurrency, ReleaseConcurrency
from homeport.run.facts import (
    AnnotationRaised,
    CancelRequested,
    ConcurrencyGranted,
    ConcurrencyWaiting,
    JobStopRequested,
    RunFact,
)
from homeport.run.state import RunState

US = "homeport"
"""Who asks for an end where no person did."""


class Claims:
    """The claims of the runs that this process carries out. `find_run` gives the state of one of them."""

    def __init__(self, stores: Stores, clock: Clock, post: Post, find_run: Callable[[str], RunState | None]) -> None:
        self._stores = stores
        self._clock = clock
        self._post = post
        self._find_run = find_run
        self._groups: dict[str, ConcurrencyGroups] = {}
        self._waiting: dict[Holder, str] = {}

    @property
    def are_waiting(self) -> bool:
        """Whether anybody waits for a group."""
        return bool(self._waiting)

    def claim(self, run: RunState, effect: ClaimConcurrency) -> None:
        """Ask, and have those cancelled that have to make room."""
        claim, holder = effect.claim, Holder(run.id, effect.fact.job)
        repository = run.plan.event.repository.full_name
        answer = self._groups_of(repository).claim(holder, claim)
        self._make_room(answer, claim)
        if answer.status == "granted":
            self._grant(holder, effect.fact.group)
        elif answer.status == "waiting":
            self._waiting[holder] = repository
            self._say_waiting(holder, effect.fact.group, answer)
        else:
            self._refuse(run, holder, f"the queue of concurrency group '{claim.group}' is full")

    def release(self, run: RunState, effect: ReleaseConcurrency) -> None:
        """Give a group back, and tell who has it now."""
        holder = Holder(run.id, effect.fact.job)
        self._waiting.pop(holder, None)
        heir = self._groups_of(run.plan.event.repository.full_name).release(holder, effect.fact.group)
        if heir is None:
            return
        if self._find_run(heir.run) is None:
            self._stores.controls.send(heir.run, Wake())
        else:
            self.poll()

    def poll(self) -> None:
        """Take the groups that somebody gave back meanwhile."""
        by_repository: dict[str, list[Holder]] = {}
        for holder, repository in self._waiting.items():
            by_repository.setdefault(repository, []).append(holder)
        for repository, holders in by_repository.items():
            for holder, group in self._groups_of(repository).poll(holders):
                self._grant(holder, group)

    def _groups_of(self, repository: str) -> ConcurrencyGroups:
        if repository not in self._groups:
            self._groups[repository] = self._stores.groups(repository)
        return self._groups[repository]

    def _grant(self, holder: Holder, group: str) -> None:
        self._waiting.pop(holder, None)
        granted = ConcurrencyGranted(at=self._clock.now(), run=holder.run, job=holder.job, group=group)
        self._post(holder.run, [granted])

    def _say_waiting(self, holder: Holder, group: str, answer: ClaimAnswer) -> None:
        name = _name(answer.holder) if answer.holder is not None else "another run"
        waiting = ConcurrencyWaiting(at=self._clock.now(), run=holder.run, job=holder.job, group=group, holder=name)
        self._post(holder.run, [waiting])

    def _make_room(self, answer: ClaimAnswer, claim: ConcurrencyClaim) -> None:
        """GitHub's words: "Canceling since a higher priority waiting request for … exists"."""
        going = [*answer.replaced, *([answer.interrupt] if answer.interrupt is not None else [])]
        for holder in going:
            self._end(holder, f"a higher priority waiting request for '{claim.group}' exists")

    def _end(self, holder: Holder, reason: str) -> None:
        if self._find_run(holder.run) is None:
            self._stores.controls.send(holder.run, CancelRun(by=US, reason=reason, job=holder.job))
        else:
            self._post(holder.run, self.ending(holder, US, reason))

    def _refuse(self, run: RunState, holder: Holder, reason: str) -> None:
        annotation = AnnotationRaised(
            at=self._clock.now(), run=run.id, job=holder.job, step=None, severity="error", message=reason
        )
        self._post(run.id, [annotation, *self.ending(holder, US, reason)])

    def ending(self, holder: Holder, by: str, reason: str, *, force: bool = False) -> Sequence[RunFact]:
        """The facts by which a run, or one leg of it, is asked to end."""
        at = self._clock.now()
        if holder.job is None:
            return [CancelRequested(at=at, run=holder.run, by=by, reason=reason, force=force)]
        return [JobStopRequested(at=at, run=holder.run, job=holder.job, reason="superseded", force=force)]


def _name(holder: Holder) -> str:
    return f"run {holder.run}" if holder.job is None else f"job '{holder.job}' of run {holder.run}"

"""A run's state while one fact is being applied to it: a working copy that keeps the counts and the agenda right.

Only `transition.py` and `opening.py` use it; what leaves them is a frozen `RunState`.
"""

import msgspec

from homeport.plan.model import Leg
from homeport.run.conclusion import merge_outputs, worst
from homeport.run.state import PENDING_CLAIMS, FamilyState, JobState, RunState, family_key

_replace = msgspec.structs.replace


class Draft:
    """Every change goes through `put_job`, `put_family` and `complete`; `freeze` gives the new state."""

    def __init__(self, run: RunState) -> None:
        self.run = run
        self.jobs = dict(run.jobs)
        self.families = dict(run.families)
        self.open_families = run.open_families
        self._touched_families: dict[str, None] = {}
        self._touched_jobs: dict[str, None] = {}

    def put_job(self, job: JobState) -> None:
        """Put a leg's new state in the place of its old one."""
        self.jobs[job.key] = job
        self._touched_jobs[job.key] = None

    def put_family(self, family: FamilyState) -> None:
        """Put a family's new state in the place of its old one."""
        self.families[family.key] = family
        self._touched_families[family.key] = None

    def touch_family(self, key: str) -> None:
        """Look at a family again: what stands around it has changed."""
        self._touched_families[key] = None

    def family_of(self, job: JobState) -> FamilyState:
        """The family of a leg, as this draft has it."""
        return self.families[family_key(job.scope, job.id)]

    def occupy(self, job: JobState) -> None:
        """A ready leg takes one of its family's slots: it claims a group, is offered, or begins as a call."""
        family = self.family_of(job)
        if job.key in family.ready:
            self.put_family(_replace(family, ready=_without(family.ready, job.key), active=family.active + 1))

    def complete(self, job: JobState, *, fails_fast: bool) -> None:
        """A leg, or a job that was never expanded, is completed; so may be its family with it."""
        before = self.jobs[job.key]
        self.put_job(job)
        family = self.family_of(job)
        is_idle = job.key in family.ready
        was_open = before.status in ("ready", "queued", "running")
        family = _replace(
            family,
            legs=family.legs or (job.key,),
            ready=_without(family.ready, job.key) if is_idle else family.ready,
            active=family.active - (was_open and not is_idle),
            open=family.open - 1,
            unstopped=family.unstopped - (was_open and not before.is_stopped(forced=self.run.forced)),
            failing=family.failing or fails_fast,
            outputs=merge_outputs(family.outputs, job.outputs) if job.outputs else family.outputs,
        )
        self.put_family(family)
        if family.open == 0:
            self._complete_family(family)

    def _complete_family(self, family: FamilyState) -> None:
        """All legs are completed: those who need the job, and the call it stands in, hear of it."""
        result = worst(self.jobs[key].conclusion or "skipped" for key in family.legs)
        self.put_family(_replace(family, status="completed", result=result))
        for key in family.dependants:
            dependant = self.families[key]
            self.put_family(_replace(dependant, unmet=dependant.unmet - 1))
        if family.scope:
            call = self.jobs[family.scope]
            self.put_job(_replace(call, open_families=(call.open_families or 0) - 1))
        else:
            self.open_families -= 1

    def freeze(self) -> RunState:
        """The new state, its agenda brought up to date."""
        run = _replace(self.run, jobs=self.jobs, families=self.families, open_families=self.open_families)
        agenda, attention, waits = run.agenda, run.attention, run.waits
        if self._touched_families:
            agenda = dict(agenda)
            for key in self._touched_families:
                _enlist(agenda, key, is_wanted=_is_family_due(run, run.families[key]))
        if self._touched_jobs:
            attention, waits = dict(attention), dict(waits)
            for job in (run.jobs[key] for key in self._touched_jobs if key in run.jobs):
                _enlist(attention, job.key, is_wanted=_is_job_due(job))
                _enlist(waits, job.key, is_wanted=job.status == "ready" and "waiting" in job.claims.values())
        return _replace(run, agenda=agenda, attention=attention, waits=waits)


def _is_family_due(run: RunState, family: FamilyState) -> bool:
    """Whether a decision may find something to do for a family."""
    if family.status == "completed":
        return False
    if run.status != "running":
        return run.cancel is not None
    if family.status == "waiting":
        return family.unmet == 0 or run.forced
    if family.unstopped and (family.failing or (not family.spared and run.find_stop(family.scope) is not None)):
        return True
    if family.unstopped and run.forced:
        return True
    return bool(family.ready) and family.free_slots(_strategy(run, family).max_parallel) > 0


def _is_job_due(job: JobState) -> bool:
    """Whether a decision may find something to do for a leg."""
    match job.status:
        case "completed":
            return any(claim in PENDING_CLAIMS for claim in job.claims.values())
        case "ready":
            claims = job.claims.values()
            return job.stop is not None or (bool(claims) and all(claim == "granted" for claim in claims))
        case "queued":
            return job.stop is not None
        case "running":
            return job.open_families == 0
        case _:
            return False


def _strategy(run: RunState, family: FamilyState) -> Leg:
    leg = run.jobs[family.legs[0]].leg
    assert leg is not None
    return leg


def _enlist(agenda: dict[str, None], key: str, *, is_wanted: bool) -> None:
    if is_wanted:
        agenda[key] = None
    else:
        agenda.pop(key, None)


def _without(keys: tuple[str, ...], key: str) -> tuple[str, ...]:
    """The keys but this one, which is mostly the first."""
    if keys[0] == key:
        return keys[1:]
    return tuple(other for other in keys if other != key)

"""Finds jobs of one run that wait for one another's concurrency groups in a circle, so that none of them would ever start.

A call holds its groups until all that is inside of it is done, so two calls can each hold what the other's jobs want. GitHub cancels
with "a deadlock for concurrency group … was detected"; what a job claims that something around it holds is refused earlier, in
`plan.concurrency`.
"""

import msgspec

from homeport.run.state import JobState, RunState


class Deadlock(msgspec.Struct, frozen=True):
    """A leg that waits for a group whose holder waits, in the end, for the leg."""

    job: str
    group: str
    holder: str


def find_deadlock(run: RunState) -> Deadlock | None:
    """The circle that was closed last, by the leg that closed it; None where every wait will end."""
    if len(run.waits) < 2:
        return None
    holders = {
        group.lower(): job.key for job in run.jobs.values() for group, claim in job.claims.items() if claim == "granted"
    }
    for key in reversed(run.waits):
        group = _wanted(run.jobs[key])
        holder = holders.get(group.lower())
        if holder is not None and key in _reachable(run, holder, holders):
            return Deadlock(key, group, holder)
    return None


def _reachable(run: RunState, start: str, holders: dict[str, str]) -> set[str]:
    """All legs whose end must come before a leg's end, as far as groups decide it."""
    found: set[str] = set()
    pending = [start]
    while pending:
        key = pending.pop()
        if key in found:
            continue
        found.add(key)
        if key in run.waits:
            pending += [holders[group] for group in [_wanted(run.jobs[key]).lower()] if group in holders]
        elif run.jobs[key].open_families:
            pending += [other for other in run.waits if run.is_inside(run.jobs[other].scope, key)]
    return found


def _wanted(job: JobState) -> str:
    return next(group for group, claim in job.claims.items() if claim == "waiting")

"""A run as bars over time: when each job waited and worked, in parts of the whole width."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from homeport.present.html_words import state_of
from homeport.present.run_view import JobView, RunView
from homeport.present.words import seconds_between, show_duration

WIDTH = 100
"""The whole time, in percent: that is how SVG takes places without a style"""
_LEAST = 0.3
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One job. `wait_x` to `x`: it was queued; from `x` on it ran."""

    key: str
    name: str
    state: str
    wait_x: float
    x: float
    width: float
    duration: str


class Tick(msgspec.Struct, frozen=True):
    """A line of the scale."""

    x: float
    label: str


class Timeline(msgspec.Struct, frozen=True):
    """All jobs that began, in the order in which they did."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    total: str


def draw_timeline(run: RunView, jobs: Sequence[JobView], now: datetime) -> Timeline:
    """The bars of the jobs that have begun in this attempt; `now` is the end of what still runs."""
    start = run.queued_at or now
    begun = sorted(
        ((job.started_at, job) for job in jobs if job.started_at and job.started_at >= start and not job.is_call),
        key=lambda pair: pair[0],
    )
    end = run.finished_at or now
    whole = max((end - start).total_seconds(), 0.001)

    def place(moment: datetime) -> float:
        return round(min(max((moment - start).total_seconds() / whole, 0), 1) * WIDTH, 2)

    bars = tuple(
        _bar(job, place(began), place(job.finished_at or end), place(job.queued_at or began), now)
        for began, job in begun
    )
    return Timeline(bars, _ticks(whole), show_duration(whole))


def _bar(job: JobView, x: float, end: float, wait_x: float, now: datetime) -> Bar:
    width = max(end - x, _LEAST)
    seconds = seconds_between(job.started_at, job.finished_at or now) or 0
    return Bar(
        key=job.key,
        name=job.name,
        state=state_of(job.status, job.conclusion, outcome=job.outcome),
        wait_x=min(wait_x, x),
        x=min(x, WIDTH - width),
        width=width,
        duration=show_duration(seconds),
    )


def _ticks(whole: float) -> tuple[Tick, ...]:
    """Three to seven lines at round times."""
    step = next((step for step in _STEPS if whole / step <= 6), _STEPS[-1] * max(1, round(whole / _STEPS[-1] / 6)))
    count = int(whole // step)
    return tuple(
        Tick(round(index * step / whole * WIDTH, 2), _show(timedelta(seconds=index * step)))
        for index in range(1, count + 1)
    )


def _show(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m" + (f" {seconds % 60:02d}s" if seconds % 60 else "")
    return f"{seconds // 3600}h" + (f" {seconds % 3600 // 60:02d}m" if seconds % 3600 else "")

"""Fires what workflows of default branches have under `on: schedule`, each tick at most once.

A tick that came while the server was down (or the clock was turned on) is missed, but for the newest one of each schedule: that fires
late, if it is not older than an hour. Times are those of the schedule's time zone, UTC where none is named: a time that a change to
summer time leaves out, and one that comes twice, are treated as Debian's cron does. A schedule begins with the push that brings it; its
past does not count.

Source: docs "Events that trigger workflows: schedule" (the default branch's newest commit).
"""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from homeport.plan.files import ParsedFile
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.server.carrying_on import carry_on
from homeport.server.fetching import Fetcher, FetchError
from homeport.server.lanes import Lanes
from homeport.server.own_events import OwnEvents
from homeport.server.planning import Planner
from homeport.store.tables.events import TableEvents
from homeport.store.tables.schedules import Schedule, TableSchedules, see_tick

LATEST = timedelta(hours=1)
"""How late a tick may fire."""
_LOOK_SECONDS = 20.0
"""How often the clock is looked at, so that it may be set meanwhile."""
_SECONDS_AFTER_TROUBLE = 1.0
_LOG = logging.getLogger("homeport.schedules")


class Schedules:
    """A `BackgroundPart`."""

    def __init__(
        self,
        store: TableSchedules,
        events: TableEvents,
        planner: Planner,
        directory: RepositoryDirectory,
        fetcher: Fetcher,
        clock: Clock,
        url: str,
    ) -> None:
        self._store = store
        self._events = events
        self._planner = planner
        self._directory = directory
        self._fetcher = fetcher
        self._clock = clock
        self._url = url
        self._changed = threading.Event()
        self._is_stopping = False
        self._lanes = Lanes("schedules", self._fire_due, threads=1)
        self._thread = threading.Thread(target=self._work, name="schedules")

    def start(self) -> None:
        """Begin, with what was missed meanwhile."""
        self._lanes.start()
        self._thread.start()

    def stop(self) -> None:
        """Ticks that come from now on are the next process's."""
        self._is_stopping = True
        self._changed.set()
        self._thread.join()
        self._lanes.stop()

    def note(self, repository: HostedRepository, actor: str, parsed: Sequence[ParsedFile]) -> None:
        """The default branch has moved: these are its workflows now."""
        now = self._clock.now()
        wanted = [
            Schedule(
                repository=repository.id,
                workflow=file.file,
                cron=cron.cron.value,
                timezone="UTC" if cron.timezone is None else cron.timezone.value,
                actor=actor,
                seen_until=now,
            )
            for file in parsed
            if file.workflow is not None and not file.mistakes
            for trigger in file.workflow.triggers
            for cron in trigger.schedules
        ]
        self._store.replace(repository.id, wanted)
        self._changed.set()

    def _work(self) -> None:
        while not self._is_stopping:
            self._changed.clear()
            seconds = carry_on(_LOG, "it cannot be looked up which schedules are due", self._look)
            self._changed.wait(_SECONDS_AFTER_TROUBLE if seconds is None else seconds)

    def _look(self) -> float:
        """In how many seconds to look again."""
        now = self._clock.now()
        schedules = self._store.list()
        for repository in {one.repository for one in schedules if find_due(one, now) is not None}:
            self._lanes.wake(repository)
        upcoming = [at for one in schedules if (at := find_next(one, now)) is not None]
        seconds = min((at - now).total_seconds() for at in upcoming) if upcoming else _LOOK_SECONDS
        return max(0.1, min(seconds, _LOOK_SECONDS))

    def _fire_due(self, number: int) -> float | None:
        repository = self._directory.get(number)
        now = self._clock.now()
        due = [
            (one, at)
            for one in self._store.list()
            if one.repository == number and (at := find_due(one, now)) is not None
        ]
        if repository is None:
            self._store.replace(number, [])
            return None
        if due:
            self._bring_newest(repository)
        for schedule, at in due:
            self._fire(repository, schedule, at, now)
        return None

    def _fire(self, repository: HostedRepository, schedule: Schedule, at: datetime, now: datetime) -> None:
        git = self._planner.find_git(repository)
        if git is None:
            return
        events = []
        if now - at <= LATEST:
            makes = OwnEvents(git, repository, self._url, actor=schedule.actor, now=now.isoformat())
            payload = {"schedule": schedule.cron, "workflow": schedule.workflow}
            key = f"schedule/{schedule.workflow}/{schedule.cron}/{schedule.timezone}/{at.isoformat()}"
            events.append((repository.id, key, makes.on_default_branch("schedule", payload)))
        if self._events.accept(events, lambda connection: see_tick(connection, schedule, at)):
            self._planner.wake(repository.id)

    def _bring_newest(self, repository: HostedRepository) -> None:
        """Where the forge cannot be asked, the newest commit that is here has to do."""
        if repository.origin == "own":
            return
        try:
            self._fetcher.fetch(repository, [f"refs/heads/{repository.default_branch}"])
        except FetchError:
            return


def find_due(schedule: Schedule, now: datetime) -> datetime | None:
    """The newest tick that has come and was not seen yet, in UTC."""
    at = _tick(schedule, now + timedelta(seconds=1), is_reverse=True)
    return at if at is not None and at > schedule.seen_until else None


def find_next(schedule: Schedule, now: datetime) -> datetime | None:
    """The next tick, in UTC; None for a day that never comes."""
    return _tick(schedule, now, is_reverse=False)


def _tick(schedule: Schedule, moment: datetime, *, is_reverse: bool) -> datetime | None:
    try:
        zone = ZoneInfo(schedule.timezone)
        ticks = CronSim(schedule.cron.upper(), moment.astimezone(zone), reverse=is_reverse)
        return next(ticks).astimezone(UTC)
    except (CronSimError, StopIteration, KeyError, ValueError):
        return None

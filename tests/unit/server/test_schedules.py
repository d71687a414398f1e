"""Ticks: each at most once, the newest missed one late, none twice."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homeport.git.hosted import make_hosted, open_hosted
from homeport.git.repository import GitRepository
from homeport.plan.files import ParsedFile
from homeport.ports.directory import HostedRepository
from homeport.server.schedules import Schedules, find_due, find_next
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from homeport.store.tables.schedules import Schedule, TableSchedules
from tests.support.access import House, open_house
from tests.support.planning import CI, read_workflow
from tests.support.pushing import Checkout

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def schedule(cron: str, timezone: str = "UTC", seen_until: datetime = NOON) -> Schedule:
    return Schedule(repository=1, workflow="w", cron=cron, timezone=timezone, seen_until=seen_until)


def test_a_tick_is_due_from_its_second_on() -> None:
    every_five = schedule("*/5 * * * *")
    assert find_due(every_five, NOON) is None
    assert find_due(every_five, NOON + timedelta(minutes=4, seconds=59)) is None
    assert find_due(every_five, NOON + timedelta(minutes=5)) == NOON + timedelta(minutes=5)


def test_of_several_missed_ticks_the_newest_is_due() -> None:
    assert find_due(schedule("0 * * * *"), NOON + timedelta(hours=7, minutes=30)) == NOON + timedelta(hours=7)


def test_a_clock_that_is_turned_back_makes_nothing_due_again() -> None:
    seen = schedule("0 * * * *", seen_until=NOON + timedelta(hours=2))
    assert find_due(seen, NOON + timedelta(hours=1, minutes=30)) is None
    assert find_due(seen, NOON + timedelta(hours=3)) == NOON + timedelta(hours=3)


def test_a_time_zone_is_kept_through_the_year() -> None:
    berlin = schedule("0 9 * * *", "Europe/Berlin", seen_until=datetime(2026, 1, 1, tzinfo=UTC))
    assert find_due(berlin, datetime(2026, 2, 1, 8, 30, tzinfo=UTC)) == datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
    assert find_due(berlin, datetime(2026, 7, 1, 8, 30, tzinfo=UTC)) == datetime(2026, 7, 1, 7, 0, tzinfo=UTC)


def test_a_time_that_comes_twice_fires_once() -> None:
    """On 25 October 2026 it is 2:30 twice in Berlin."""
    twice = schedule("30 2 * * *", "Europe/Berlin", seen_until=datetime(2026, 10, 24, 12, 0, tzinfo=UTC))
    moment, fired = datetime(2026, 10, 24, 12, 0, tzinfo=UTC), set()
    while moment < datetime(2026, 10, 25, 12, 0, tzinfo=UTC):
        moment += timedelta(minutes=10)
        due = find_due(twice, moment)
        if due is not None:
            fired.add(due)
            twice = schedule("30 2 * * *", "Europe/Berlin", seen_until=due)
    assert len(fired) == 1


@pytest.mark.parametrize("cron", ["0 0 * jan sun", "0 0 * JAN SUN", "0 0 1-7 * mon-fri", "*/15 1,2 * * 7"])
def test_names_and_lists_are_taken(cron: str) -> None:
    assert find_next(schedule(cron), NOON) is not None


@pytest.mark.parametrize(("cron", "timezone"), [("0 0 30 2 *", "UTC"), ("nonsense", "UTC"), ("0 0 * * *", "Mars/Base")])
def test_what_never_comes_is_never_due(cron: str, timezone: str) -> None:
    assert find_due(schedule(cron, timezone), NOON) is None
    assert find_next(schedule(cron, timezone), NOON) is None


# --- what is fired -----------------------------------------------------------------------------------------------------


class Tower:
    """Schedules of one repository with one commit; `git` and `woken` are what they ask of a planner."""

    def __init__(self, folder: Path, house: House) -> None:
        self.clock = house.clock
        directory = TableDirectory(house.database)
        self.repository = directory.add(HostedRepository(id=0, owner="acme", name="shop"))
        git_dir = str(folder / "r.git")
        make_hosted(git_dir, "main")
        checkout = Checkout(folder / "work", "http://nowhere")
        checkout.commit({"a": "1"})
        checkout.git("push", "--quiet", git_dir, "main")
        self._git_dir = git_dir
        self.store = TableSchedules(house.database)
        self.events = TableEvents(house.database, house.clock)
        nothing: Any = None
        planner: Any = self
        self.schedules = Schedules(
            self.store, self.events, planner, directory, nothing, house.clock, "http://ci.example"
        )

    def find_git(self, _: HostedRepository) -> GitRepository | None:
        return open_hosted(self._git_dir, os.environ)

    def wake(self, _: int) -> None:
        """There is nobody to wake."""

    def note(self, text: str) -> Sequence[Schedule]:
        workflow = read_workflow(f"on:\n  schedule:\n{text}")
        self.schedules.note(self.repository, "ada", [ParsedFile(CI, workflow, ())])
        return self.store.list()

    def fire(self) -> list[str]:
        """What has fired so far, after another look."""
        self.schedules._fire_due(self.repository.id)
        return [stored.event.name for stored in self.events.list(self.repository.id)]


@pytest.fixture
def tower(tmp_path: Path) -> Iterator[Tower]:
    with open_house(tmp_path) as house:
        yield Tower(tmp_path, house)


def at(moment: datetime) -> str:
    return f"    - cron: '{moment.minute} {moment.hour} * * *'\n"


def test_the_time_zone_of_a_schedule_is_the_workflows(tower: Tower) -> None:
    zone = "    - {cron: '0 12 * * *', timezone: Europe/Berlin}\n"
    assert [(one.cron, one.timezone) for one in tower.note(zone)] == [("0 12 * * *", "Europe/Berlin")]
    assert [one.timezone for one in tower.note("    - cron: '0 12 * * *'\n")] == ["UTC"]


def test_a_tick_that_was_missed_by_less_than_an_hour_fires_once(tower: Tower) -> None:
    tower.note(at(tower.clock.now() + timedelta(minutes=10)))
    assert tower.fire() == []
    tower.clock.pass_seconds(60 * 60)
    assert tower.fire() == ["schedule"]
    assert tower.fire() == ["schedule"]


def test_a_tick_that_was_missed_by_more_than_an_hour_is_gone(tower: Tower) -> None:
    tower.note(at(tower.clock.now() + timedelta(minutes=10)))
    tower.clock.pass_seconds(2 * 60 * 60)
    assert tower.fire() == []
    tower.clock.pass_seconds(-110 * 60)  # a clock that is turned back lets nothing come again
    assert tower.fire() == []

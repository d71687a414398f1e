"""Threads that others need outlive trouble, and faults of Homeport's own, which the log tells of."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from homeport.cli.builtin_runner import BuiltinRunner, Recipe
from homeport.coordinator.dispatch import Labels
from homeport.git.hosted import make_hosted
from homeport.git.process import GitError
from homeport.ports.directory import HostedRepository
from homeport.ports.repositories import StoreError
from homeport.run.facts import RunFinished
from homeport.server.chains import Chains
from homeport.server.polling import Polling
from homeport.server.pushes import Pushes
from homeport.server.retention import Sweeper
from homeport.server.schedules import Schedules
from homeport.store.data_folder import DataFolder
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from homeport.store.tables.pushes import RefCommand, TablePushes
from homeport.store.tables.schedules import Schedule, TableSchedules
from homeport.store.tables.seen_refs import TableSeenRefs
from tests.support.access import House, open_house
from tests.support.pushing import Checkout

LONG = 60.0
NOTHING: Any = None


class Troubled:
    """Something that goes wrong, each time in another way, before it is in order; `came` is set then."""

    def __init__(self, answer: Any, *troubles: Exception) -> None:
        self._answer = answer
        self._troubles = list(troubles)
        self.came = threading.Event()

    def __call__(self, *_: object) -> Any:
        if self._troubles:
            raise self._troubles.pop(0)
        self.came.set()
        return self._answer


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


def run_until(came: threading.Event, start: Callable[[], None], stop: Callable[[], None]) -> None:
    start()
    try:
        assert came.wait(LONG), "the thread has ended"
    finally:
        stop()


def list_faults(caplog: pytest.LogCaptureFixture) -> list[type[BaseException] | None]:
    return [each.exc_info[0] for each in caplog.records if each.levelno == logging.ERROR and each.exc_info]


def test_schedules_are_looked_at_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = TableSchedules(house.database)
    look: Sequence[Schedule] = ()
    troubled = Troubled(look, StoreError("the disk is full"), ZeroDivisionError())
    monkeypatch.setattr(store, "list", troubled)
    schedules = Schedules(store, NOTHING, NOTHING, NOTHING, NOTHING, house.clock, "http://ci.example")
    run_until(troubled.came, schedules.start, schedules.stop)
    assert list_faults(caplog) == [ZeroDivisionError]


def test_forges_are_asked_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    directory = TableDirectory(house.database)
    troubled = Troubled((), StoreError("the disk is full"), ZeroDivisionError())
    monkeypatch.setattr(directory, "list", troubled)
    polling = Polling(
        TableSeenRefs(house.database),
        TableEvents(house.database, house.clock),
        NOTHING,
        directory,
        DataFolder(str(tmp_path)),
        NOTHING,
        house.clock,
        {},
        "http://ci.example",
        pulls=NOTHING,
        look_seconds=0.01,
    )
    run_until(troubled.came, polling.start, polling.stop)
    assert list_faults(caplog) == [ZeroDivisionError]


def test_the_built_in_runner_is_looked_after_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = Recipe(version="1", data=str(tmp_path), url="http://ci.example", parallel=0, executor="process")
    runner = BuiltinRunner(DataFolder(str(tmp_path)), recipe, Labels(()), {}, house.clock)
    monkeypatch.setattr("homeport.cli.builtin_runner._LOOK_SECONDS", 0.01)
    troubled = Troubled([], ZeroDivisionError(), OSError(28, "No space left on device"), ZeroDivisionError())
    monkeypatch.setattr("homeport.cli.builtin_runner.listed", troubled)
    run_until(troubled.came, runner.start, runner.stop)
    assert set(list_faults(caplog)) == {ZeroDivisionError}


def test_pushes_that_a_process_left_are_looked_at_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, events = TablePushes(house.database), TableEvents(house.database, house.clock)
    store.begin(7, "ada", house.clock.now(), (), is_silent=False)
    (push,) = store.unfinished()
    troubled = Troubled(store.find(push), StoreError("the disk is full"), ZeroDivisionError())
    monkeypatch.setattr(store, "find", troubled)
    settled = threading.Event()
    accept = events.accept

    def note(*given: Any) -> Any:
        try:
            return accept(*given)
        finally:
            settled.set()

    monkeypatch.setattr(events, "accept", note)
    directory, folder = TableDirectory(house.database), DataFolder(str(tmp_path))
    pushes = Pushes(store, events, NOTHING, directory, folder, house.clock, {}, "http://ci.example")
    run_until(settled, pushes.start, pushes.stop)
    assert store.unfinished() == []


class Pushed:
    """A push that git has carried out, and what is made of it; `ask_git` comes before whatever is asked of git for its events."""

    def __init__(
        self, house: House, folder: Path, monkeypatch: pytest.MonkeyPatch, ask_git: Callable[..., Any]
    ) -> None:
        directory = TableDirectory(house.database)
        self.repository = directory.add(HostedRepository(id=0, owner="acme", name="shop"))
        data = DataFolder(str(folder / "data"))
        git_dir = data.repository(self.repository.id)
        make_hosted(git_dir, "main")
        checkout = Checkout(folder / "work", "http://nowhere")
        sha = checkout.commit({"a": "1"})
        checkout.git("push", "--quiet", git_dir, "main")
        self.store, self.events = TablePushes(house.database), TableEvents(house.database, house.clock)
        commands = [RefCommand("0" * 40, sha, "refs/heads/main")]
        self.store.begin(self.repository.id, "ada", house.clock.now(), commands, is_silent=False)
        woken = threading.Event()

        class Planner:
            def wake(self, _: int) -> None:
                woken.set()

        planner: Any = Planner()
        self.woken = woken
        self.pushes = Pushes(
            self.store,
            self.events,
            planner,
            directory,
            data,
            house.clock,
            os.environ,
            "http://ci.example",
            first_wait_seconds=0.01,
        )
        monkeypatch.setattr("homeport.server.pushes.was_applied", lambda *_: True)
        monkeypatch.setattr("homeport.server.pushes.find_hosted_ref", ask_git)


def test_the_events_of_a_push_are_made_when_git_can_be_asked_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubled = Troubled("a" * 40, GitError("git is missing"), ZeroDivisionError(), GitError("too many open files"))
    pushed = Pushed(house, tmp_path, monkeypatch, troubled)
    run_until(pushed.woken, pushed.pushes.start, pushed.pushes.stop)
    assert [each.event.name for each in pushed.events.list(pushed.repository.id)] == ["push", "create"]
    assert pushed.store.unfinished() == []


def test_a_push_whose_events_cannot_be_made_holds_up_no_other(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    troubled = Troubled("a" * 40, *[GitError("git is missing")] * 6)
    pushed = Pushed(house, tmp_path, monkeypatch, troubled)
    pushed.store.begin(pushed.repository.id, "eve", house.clock.now(), (), is_silent=False)
    run_until(troubled.came, pushed.pushes.start, pushed.pushes.stop)
    assert "given up" in caplog.text
    assert pushed.events.list(pushed.repository.id) == []


def test_a_run_that_cannot_be_told_of_holds_up_no_other(house: House, caplog: pytest.LogCaptureFixture) -> None:
    events = TableEvents(house.database, house.clock)
    events.watch("1", 1, 7)
    events.watch("2", 1, 7)
    came = threading.Event()

    class Runs:
        def ending(self, run: str, _: int) -> RunFinished | None:
            if run == "1":
                raise ZeroDivisionError
            came.set()
            return None

    runs: Any = Runs()
    chains = Chains(events, NOTHING, NOTHING, runs, "http://ci.example")
    run_until(came, chains.start, chains.stop)
    assert list_faults(caplog) == [ZeroDivisionError]


def test_sweeping_goes_on(house: House, caplog: pytest.LogCaptureFixture) -> None:
    class Retention:
        pack_left = Troubled(None)

        def stop(self) -> None:
            """Nothing goes on."""

        def sweep(self) -> None:
            raise ZeroDivisionError

    class Logs:
        pack = Troubled(0, StoreError("the disk is full"), OSError(28, "No space left on device"), ZeroDivisionError())

    retention: Any = Retention()
    logs: Any = Logs()
    sweeper = Sweeper(retention, logs, house.clock, Troubled(None))
    run_until(logs.pack.came, sweeper.start, sweeper.stop)
    assert set(list_faults(caplog)) == {ZeroDivisionError}

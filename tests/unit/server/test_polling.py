"""How often forges that cannot reach this server are asked."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from homeport.ports.directory import HostedRepository, RepositorySettings
from homeport.ports.forge import ForgeAwayError, ForgeDeniedError, ForgeError
from homeport.server.polling import Polling
from homeport.store.data_folder import DataFolder
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from homeport.store.tables.seen_refs import TableSeenRefs, write_seen_refs
from tests.support.databases import open_database
from tests.support.plans import FixedClock

LONG = 60.0
NOTHING: Any = None


class ForgeThatRefuses:
    """Both of its sides: git, which nothing has changed for, and pull requests, of which it does not want to be asked at first. 100
    seconds go by before each look.
    """

    def __init__(self, clock: FixedClock, refusal: ForgeError) -> None:
        self._clock = clock
        self._refusal = refusal
        self.looks: list[float] = []
        """when pull requests were asked for"""
        self.came = threading.Event()
        """when they were, once more"""

    def list_refs(self, _: HostedRepository) -> Mapping[str, str]:
        self._clock.advance(100)
        return {}

    def look(self, _: HostedRepository) -> None:
        self.looks.append(self._clock.monotonic())
        if len(self.looks) == 1:
            raise self._refusal
        self.came.set()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.mark.parametrize(
    ("refusal", "again"),
    [
        (ForgeDeniedError("the token may not"), 400.0),
        (ForgeAwayError("slow down", 150.0), 300.0),
        (ForgeAwayError("out of order"), 200.0),
    ],
)
def test_pull_requests_are_asked_for_again_when_the_forge_may_want_to_answer(
    tmp_path: Path, clock: FixedClock, refusal: ForgeError, again: float
) -> None:
    forge: Any = ForgeThatRefuses(clock, refusal)
    with open_database(tmp_path) as database:
        directory, events = TableDirectory(database), TableEvents(database, clock)
        settings = RepositorySettings(poll_seconds=60)
        repository = directory.add(HostedRepository(id=0, owner="octo", name="app", origin="github", settings=settings))
        events.accept([], lambda connection: write_seen_refs(connection, repository.id, {}))
        polling = Polling(
            TableSeenRefs(database),
            events,
            NOTHING,
            directory,
            DataFolder(str(tmp_path)),
            forge,
            clock,
            {},
            "http://ci.example",
            pulls=forge,
            look_seconds=0.01,
        )
        polling.start()
        try:
            assert forge.came.wait(LONG)
        finally:
            polling.stop()
    assert forge.looks[:2] == [100.0, again]

"""How much is looked at to find artifacts for answers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from homeport.ports.artifacts import Artifact
from homeport.ports.history import HistoryRun
from homeport.server.api.reading import Reading
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.tables.history import TableHistory
from tests.support.jobs import SystemClock
from tests.support.past_runs import PastRuns

WORKFLOW = "name: CI\non: push\njobs:\n  test: {runs-on: ubuntu-latest, steps: [{run: make}]}\n"
NOTHING: Any = None


class CountedHistory(TableHistory):
    """Notes which runs are looked up."""

    looked_up: list[str]

    def get(self, run: str, attempt: int | None = None) -> HistoryRun | None:
        self.looked_up.append(run)
        return super().get(run, attempt)


class CountedArtifacts(FolderArtifacts):
    """Notes whose folders are looked into."""

    looked_into: list[str]

    def list(self, run: str, *, attempt: int | None = None, records: bool = False) -> Sequence[Artifact]:
        self.looked_into.append(run)
        return super().list(run, attempt=attempt, records=records)


class Kept:
    """Eight runs, by turns of two repositories, with two artifacts each."""

    def __init__(self, past: PastRuns) -> None:
        self.repositories = [past.add_repository(f"octo/{name}") for name in ("app", "site")]
        self.history = CountedHistory(past.database)
        self.artifacts = CountedArtifacts(str(past.folder), SystemClock())
        self.forget()
        file = past.folder / "report.txt"
        file.write_text("all is well")
        for index in range(8):
            run = past.add_run(self.repositories[index % 2], WORKFLOW)
            for name in ("dist", "report"):
                self.artifacts.put(run, 1, "test", name, [(file.name, str(file))])
        self.reading = Reading(self.history, NOTHING, NOTHING, self.artifacts, NOTHING)

    def forget(self) -> None:
        """What was looked at so far."""
        self.history.looked_up, self.artifacts.looked_into = [], []

    def list(self, offset: int, limit: int, name: str | None = None) -> tuple[int, list[tuple[str, str, int]]]:
        total, found = self.reading.artifacts(self.repositories[0], name, offset, limit)
        return total, [(each.id, each.name, run.id) for each, run in found]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with PastRuns(tmp_path) as past:
        yield Kept(past)


def test_only_the_runs_of_those_that_are_shown_are_looked_up(kept: Kept) -> None:
    assert kept.list(1, 2) == (8, [("13", "dist", 7), ("10", "report", 5)])
    assert kept.history.looked_up == ["7", "5"]
    kept.forget()
    assert kept.list(3, 30, "report") == (4, [("2", "report", 1)])
    assert kept.history.looked_up == ["1"]
    assert kept.list(8, 30) == (8, [])


def test_a_run_that_was_deleted_meanwhile_has_no_artifacts_any_more(kept: Kept) -> None:
    kept.history.forget("7")
    assert kept.list(0, 1) == (6, [("10", "report", 5)])


def test_one_is_found_without_looking_further_than_its_run(kept: Kept) -> None:
    found = kept.reading.find_artifact(kept.repositories[0], "10")
    assert found is not None
    assert (found[0].name, found[1].id) == ("report", 5)
    assert kept.artifacts.looked_into == ["8", "7", "6", "5"]
    assert kept.history.looked_up == ["5"]


def test_one_of_another_repository_is_not_found(kept: Kept) -> None:
    assert kept.reading.find_artifact(kept.repositories[1], "10") is None
    assert kept.reading.find_artifact(kept.repositories[1], "100") is None

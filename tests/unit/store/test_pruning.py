"""What is forgotten, and what never is."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from homeport.store import pruning
from homeport.store.memory import MemoryRuns
from homeport.store.runs_folder import FolderRuns
from tests.support.plans import NOW, plan_of, record_of


def add(
    runs: MemoryRuns, count: int, *, days_old: int = 0, workflow: str = "ci.yml", source: str = "/src"
) -> list[str]:
    ids = []
    for _ in range(count):
        run = runs.new_id()
        created_at = NOW - timedelta(days=days_old)
        record = msgspec.structs.replace(record_of(run, source=source), workflow=workflow, created_at=created_at)
        runs.create(record, plan_of())
        runs.close(run, 1)
        ids.append(run)
    return ids


def choose(runs: MemoryRuns, size: int = 0) -> list[str]:
    return pruning.choose(runs, lambda _: size, NOW)


def test_few_young_small_runs_are_all_kept() -> None:
    runs = MemoryRuns()
    add(runs, 20)
    assert choose(runs) == []


def test_old_runs_are_forgotten_but_for_the_latest_of_each_workflow() -> None:
    runs = MemoryRuns()
    ci = add(runs, 3, days_old=91)
    release = add(runs, 1, days_old=400, workflow="release.yml")
    elsewhere = add(runs, 1, days_old=400, source="/other")
    assert choose(runs) == [ci[1], ci[0]]
    assert not set(choose(runs)) & {ci[2], *release, *elsewhere}


def test_only_so_many_runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOST_RUNS", 3)
    runs = MemoryRuns()
    ids = add(runs, 5)
    assert choose(runs) == [ids[1], ids[0]]


def test_only_so_many_bytes_are_kept_the_newest_first() -> None:
    runs = MemoryRuns()
    ids = add(runs, 4)
    assert choose(runs, pruning.MOST_BYTES // 2) == [ids[1], ids[0]]


def test_a_run_that_is_going_on_is_left_alone() -> None:
    runs = MemoryRuns()
    old = add(runs, 1, days_old=100)
    runs.create(record_of(old[0], attempt=2), plan_of())
    add(runs, 1)
    assert choose(runs) == []


def test_forgetting_removes_the_folder_and_the_artifacts(tmp_path: Path) -> None:
    runs = FolderRuns(str(tmp_path))
    ids = []
    for _ in range(2):
        run = runs.new_id()
        ids.append(run)
        runs.create(msgspec.structs.replace(record_of(run), created_at=NOW - timedelta(days=100)), plan_of())
        runs.close(run, 1)
        artifact = tmp_path / "artifacts" / run / "1" / "1.data"
        artifact.parent.mkdir(parents=True)
        artifact.write_bytes(b"x" * 1000)
    assert pruning.measure(str(tmp_path), ids[0]) > 1000
    assert pruning.prune(runs, str(tmp_path), NOW) == [ids[0]]
    assert runs.find(ids[0]) is None
    assert not (tmp_path / "artifacts" / ids[0]).exists()
    assert runs.find(ids[1]) is not None
    assert (tmp_path / "artifacts" / ids[1]).exists()

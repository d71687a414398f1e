"""What every `RunRepository` promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.ports.repositories import RunRepository
from homeport.run.facts import LinesLogged, RunFact, RunFinished, RunQueued, RunStarted
from homeport.store.memory import MemoryRuns
from homeport.store.runs_folder import FolderRuns
from homeport.store.tables.runs import TableRuns
from tests.support.databases import KINDS, open_database
from tests.support.plans import NOW, plan_of, record_of, written_job


@pytest.fixture(params=["memory", "folder", *KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def runs(kind: str, tmp_path: Path) -> Iterator[RunRepository]:
    match kind:
        case "memory":
            yield MemoryRuns()
        case "folder":
            yield FolderRuns(str(tmp_path / "home"))
        case "sqlite" | "postgresql":
            with open_database(tmp_path, kind) as database:
                yield TableRuns(database, "me", lambda _: False)


def queued(run: str, attempt: int = 1) -> RunQueued:
    return RunQueued(at=NOW, run=run, workflow="ci.yml", name="CI", event="push", run_name="x", attempt=attempt)


def finished(run: str) -> RunFinished:
    return RunFinished(at=NOW, run=run, workflow="ci.yml", conclusion="success")


def test_what_was_created_is_found_again(runs: RunRepository) -> None:
    run = runs.new_id()
    plan = plan_of(written_job("build"), written_job("test", "build"))
    runs.create(record_of(run), plan)
    assert runs.find(run) == (record_of(run), plan)
    assert runs.find(run, 1) == (record_of(run), plan)


def test_what_was_never_created_is_not_found(runs: RunRepository) -> None:
    assert runs.find("404") is None
    assert runs.find("no number") is None
    assert list(runs.facts("404")) == []
    assert runs.ending("404") is None
    assert not runs.is_open("404")


def test_ids_are_digits_and_never_repeated(runs: RunRepository) -> None:
    ids = []
    for _ in range(3):
        ids.append(runs.new_id())
        runs.create(record_of(ids[-1]), plan_of())
        runs.close(ids[-1], 1)
    runs.delete(ids[-1])
    ids.append(runs.new_id())
    assert len(set(ids)) == 4
    assert all(run.isdigit() for run in ids)


def test_the_journal_gives_the_facts_in_order(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    facts: list[RunFact] = [queued(run), RunStarted(at=NOW, run=run), finished(run)]
    runs.append(run, 1, facts[:2])
    runs.append(run, 1, facts[2:])
    assert list(runs.facts(run)) == facts


def test_lines_are_refused_by_the_journal(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    with pytest.raises(TypeError):
        runs.append(run, 1, [LinesLogged(at=NOW, run=run, job="build", step="__run", text="hello")])
    assert list(runs.facts(run)) == []


def test_each_attempt_has_a_journal_of_its_own(runs: RunRepository) -> None:
    run = runs.new_id()
    for attempt in (1, 2):
        runs.create(record_of(run, attempt=attempt), plan_of())
        runs.append(run, attempt, [queued(run, attempt)])
        runs.close(run, attempt)
    assert list(runs.facts(run, 1)) == [queued(run, 1)]
    assert list(runs.facts(run)) == [queued(run, 2)]
    found = runs.find(run)
    assert found is not None
    assert found[0].attempt == 2


def test_the_ending_is_the_run_finished_fact(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    runs.append(run, 1, [queued(run)])
    assert runs.ending(run) is None
    runs.append(run, 1, [finished(run)])
    assert runs.ending(run) == finished(run)


def test_a_run_is_open_from_creation_to_close(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    assert runs.is_open(run)
    runs.close(run, 1)
    assert not runs.is_open(run)
    runs.close(run, 1)


def test_a_closed_attempt_takes_no_facts(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    runs.close(run, 1)
    with pytest.raises(KeyError):
        runs.append(run, 1, [queued(run)])


def test_a_living_writers_attempt_is_not_adopted(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    assert runs.adopt() == []


def test_a_dead_writers_attempt_is_adopted_once_and_can_be_concluded(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    runs.append(run, 1, [queued(run)])
    runs.abandon(run, 1)
    assert not runs.is_open(run)
    assert list(runs.adopt()) == [record_of(run)]
    assert runs.is_open(run)
    assert runs.adopt() == []
    runs.append(run, 1, [finished(run)])
    runs.close(run, 1)
    assert list(runs.facts(run)) == [queued(run), finished(run)]
    assert runs.adopt() == []


def test_what_was_closed_cannot_be_abandoned(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    runs.append(run, 1, [queued(run), finished(run)])
    runs.close(run, 1)
    runs.abandon(run, 1)
    assert runs.adopt() == []


def test_run_numbers_count_per_workflow_and_repository(runs: RunRepository) -> None:
    assert [runs.next_number("octo/app", "ci.yml") for _ in range(3)] == [1, 2, 3]
    assert runs.next_number("octo/app", "release.yml") == 1
    assert runs.next_number("octo/other", "ci.yml") == 1


def test_runs_are_listed_newest_first_and_filtered(runs: RunRepository) -> None:
    ids = [runs.new_id() for _ in range(12)]
    for run in ids:
        runs.create(record_of(run, source="/a" if int(run) % 2 else "/b"), plan_of())
    assert [record.id for record in runs.list()] == ids[::-1]
    assert [record.id for record in runs.list(limit=2)] == ids[:-3:-1]
    assert {record.source for record in runs.list(source="/a")} == {"/a"}
    assert runs.list(repository="octo/none") == []
    assert len(runs.list(repository="octo/app", workflow=".github/workflows/ci.yml")) == 12


def test_a_list_shows_the_latest_attempt_once(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run, attempt=1), plan_of())
    runs.create(record_of(run, attempt=2), plan_of())
    assert [(record.id, record.attempt) for record in runs.list()] == [(run, 2)]


def test_a_deleted_run_is_gone(runs: RunRepository) -> None:
    run = runs.new_id()
    runs.create(record_of(run), plan_of())
    runs.close(run, 1)
    runs.delete(run)
    assert runs.find(run) is None
    assert runs.list() == []

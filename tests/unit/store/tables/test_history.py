"""Rows by which runs are found again: they say what the journal says, whenever they are made."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeport.plan.model import Plan
from homeport.ports.history import Count, HistoryRun, RunFilter
from homeport.rest.journal import read_run
from homeport.run.facts import AnnotationRaised, RunFact
from homeport.run.job_numbers import number_leased, place_job
from homeport.run.rerun import RerunError
from homeport.store.tables.database import Database
from homeport.store.tables.history import TableHistory
from homeport.store.tables.history_fold import HistoryFolds, fold_again
from homeport.store.tables.runs import TableRuns
from tests.support.plans import NOW, plan_of, record_of
from tests.support.random_plans import plans
from tests.support.simulation import Act, World
from tests.support.workflows import GITHUB


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'homeport.db'}")
    yield opened
    opened.close()


def open_runs(database: Database) -> TableRuns:
    return TableRuns(database, "me", lambda _: False, (HistoryFolds().follow,))


def queue(database: Database, run: str, *, repository: int = 1, head: str = "", **changes: str) -> None:
    """A run of which nothing has happened but that it was queued."""
    plan = plan_of()
    event = msgspec.structs.replace(plan.event, **{key: value for key, value in changes.items() if value})
    plan = msgspec.structs.replace(plan, event=event, run_name=head)
    world = World()
    world.start(plan, run=run, github=GITHUB)
    record = msgspec.structs.replace(
        record_of(run), repository_id=repository, created_at=NOW + timedelta(hours=int(run))
    )
    runs = open_runs(database)
    runs.create(record, plan)
    runs.append(run, 1, world.facts(run)[:1])


def found(database: Database, wanted: RunFilter, **more: int) -> list[str]:
    return [run.id for run in TableHistory(database).find(wanted, **more).runs]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    plan=plans(),
    splits=st.lists(st.integers(1, 5), max_size=30),
    again=st.sampled_from(("all", "failed")),
    bad=st.booleans(),
)
def test_rows_say_what_the_journal_says_however_it_is_cut_and_whenever_they_are_made(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, splits: list[int], again: str, bad: bool
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('history') / 'homeport.db'}")
    try:
        world = World()
        world.start(plan, {} if not bad else {"a": Act(outcome="failure")}, github=GITHUB)
        world.run()
        _write(database, plan, 1, world.facts(), list(splits))
        try:
            world.rerun("all" if again == "all" else "failed")
            world.run()
            _write(database, plan, 2, world.facts(), list(splits))
        except RerunError:
            pass
        history = TableHistory(database)
        before = [(run, history.jobs(run.id, run.entry.attempt)) for run in history.attempts("1")]
        for run, jobs in before:
            facts = list(open_runs(database).facts("1", run.entry.attempt))
            expected = read_run(record_of("1", attempt=run.entry.attempt), plan, facts)
            assert (run.entry.status, run.entry.conclusion) == (expected.run.status, expected.run.conclusion)
            assert tuple(job.entry for job in jobs) == expected.jobs
            assert run.is_latest == (run is before[-1][0])
        facets = history.facets((0,))
        assert fold_again(database) == len(before)
        after = [(run, history.jobs(run.id, run.entry.attempt)) for run in history.attempts("1")]
        assert [_without_moment(run) for run, _ in after] == [_without_moment(run) for run, _ in before]
        assert [jobs for _, jobs in after] == [jobs for _, jobs in before]
        assert history.facets((0,)) == facets
    finally:
        database.close()


def _without_moment(run: HistoryRun) -> HistoryRun:
    """Rows are written when a run's status changes, so the moment of the last change depends on the pieces."""
    entry = run.entry
    return msgspec.structs.replace(run, entry=msgspec.structs.replace(entry, updated_at=NOW))


def _write(database: Database, plan: Plan, attempt: int, facts: list[RunFact], splits: list[int]) -> None:
    """In pieces, some of them by another process than the one before."""
    runs = open_runs(database)
    runs.create(record_of("1", attempt=attempt), plan)
    rest = list(facts)
    while rest:
        size = splits.pop() if splits else len(rest)
        piece, rest = rest[:size], rest[size:]
        runs.append("1", attempt, piece)
        if size == 1:
            runs.abandon("1", attempt)
            runs = open_runs(database)
            runs.adopt()


def test_annotations_are_counted(database: Database) -> None:
    plan = plan_of()
    world = World()
    world.start(plan, github=GITHUB)
    world.run()
    facts = world.facts()
    raised = AnnotationRaised(at=NOW, run="1", job="build", step=None, severity="error", message="no")
    runs = open_runs(database)
    runs.create(record_of("1"), plan)
    runs.append("1", 1, [*facts[:-1], raised, facts[-1]])
    (job,) = TableHistory(database).jobs("1", 1)
    assert job.annotations == 1
    assert TableHistory(database).job(job.entry.id) == job
    assert job.entry.id == number_leased("1.1.1")
    assert place_job(job.entry.id)[:2] == (1, 1)


def test_filters_find_what_they_name(database: Database) -> None:
    queue(database, "1", ref="refs/heads/main", actor="octo", head="Mend the Gate")
    queue(database, "2", ref="refs/heads/Feature", actor="Hubot", sha="abcdef" + "0" * 34)
    queue(database, "3", repository=2, ref="refs/tags/v1")
    assert found(database, RunFilter()) == ["3", "2", "1"]
    assert found(database, RunFilter(repositories=(1,))) == ["2", "1"]
    assert found(database, RunFilter(repositories=())) == []
    assert found(database, RunFilter(repositories=(1, 2), branch="feature")) == ["2"]
    assert found(database, RunFilter(branch="v1")) == ["3"]
    assert found(database, RunFilter(actor="HUBOT")) == ["2"]
    assert found(database, RunFilter(workflow="ci.yml", text="the gate")) == ["1"]
    assert found(database, RunFilter(text="100%")) == []
    assert found(database, RunFilter(workflow="i.yml")) == []
    assert found(database, RunFilter(sha="abcd")) == found(database, RunFilter(sha="abcdef" + "0" * 34)) == ["2"]
    assert found(database, RunFilter(sha="abc")) == []
    assert found(database, RunFilter(states=("queued",), event="push")) == ["3", "2", "1"]
    assert found(database, RunFilter(states=("failure",))) == []
    assert found(database, RunFilter(since=NOW + timedelta(hours=2))) == ["3", "2"]
    assert found(database, RunFilter(until=NOW + timedelta(hours=2))) == ["2", "1"]


def test_pages_go_on_where_the_last_one_ended(database: Database) -> None:
    for number in range(1, 6):
        queue(database, str(number))
    history = TableHistory(database)
    first = history.find(RunFilter(), limit=2)
    assert ([run.id for run in first.runs], first.before) == (["5", "4"], 4)
    last = history.find(RunFilter(), before=2, limit=2)
    assert ([run.id for run in last.runs], last.before) == (["1"], None)
    assert [run.id for run in history.page(RunFilter(), offset=2, limit=2)] == ["3", "2"]
    assert history.count(RunFilter()) == Count(5)
    assert history.count(RunFilter(), most=3) == Count(3, is_capped=True)


def test_menus_offer_what_there_is_until_it_is_gone(database: Database) -> None:
    queue(database, "1", ref="refs/heads/main")
    queue(database, "2", ref="refs/heads/Feature")
    history = TableHistory(database)
    assert history.facets((1,)).branches == ("Feature", "main")
    assert history.facets((1,)).workflows == ((".github/workflows/ci.yml", "CI"),)
    assert history.facets((2,)).branches == ()
    history.forget("2")
    assert history.facets((1,)).branches == ("main",)
    assert history.get("2") is None
    assert open_runs(database).find("2") is None


def test_a_pin_outlives_rows_and_attempts(database: Database) -> None:
    queue(database, "1")
    history = TableHistory(database)
    history.pin("1", "octo", NOW, is_pinned=True)
    history.note_logs_gone("1", "octo", NOW)
    fold_again(database)
    run = history.get("1")
    assert run is not None
    assert (run.is_pinned, run.has_logs) == (True, False)
    assert found(database, RunFilter(is_pinned=True)) == ["1"]
    history.pin("1", "octo", NOW, is_pinned=False)
    assert found(database, RunFilter(is_pinned=True)) == []


def test_what_failed_on_the_default_branch_needs_attention_until_it_goes_well(database: Database) -> None:
    history = TableHistory(database)
    for run, outcome in (("1", "failure"), ("2", "success"), ("3", "failure")):
        plan = plan_of()
        world = World()
        world.start(plan, {"build": Act(outcome="failure")} if outcome == "failure" else {}, run=run, github=GITHUB)
        world.run()
        runs = open_runs(database)
        runs.create(msgspec.structs.replace(record_of(run), repository_id=1), plan)
        runs.append(run, 1, world.facts(run))
        expected = [] if outcome == "success" else [run]
        assert [each.id for each in history.attention([(1, "main")])] == expected
        latest = history.latest(1, ".github/workflows/ci.yml", "main", completed=True)
        assert latest is not None
        assert (latest.id, latest.entry.conclusion) == (run, outcome)
    assert history.attention([(1, "other")]) == []


def test_what_cannot_be_an_id_finds_nothing(database: Database) -> None:
    history = TableHistory(database)
    for text in ("", "x", "-1", "9" * 30, "٣"):
        assert history.get(text) is None
        assert history.attempts(text) == []
        assert history.jobs(text, 10**30) == []
    assert history.job(10**30) is None
    assert history.job(0) is None

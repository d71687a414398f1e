"""Runs as pages read them: folded once, and from then on only what has been added."""

import pytest

from homeport.present.run_view import RunView, fold
from homeport.run.facts import JobStarted, RunFact
from homeport.server.pages.run_reader import RunReader
from tests.support.forges.bench import ReportingBench, leg


def show(reader: RunReader) -> dict[str, str]:
    """How the jobs of run 1 stand."""
    with reader.open("1") as folded:
        assert folded is not None
        assert set(folded.numbers) == set(folded.view.jobs)
        return {job.key: job.status for job in folded.view.jobs.values()}


def test_what_a_fault_has_left_half_folded_is_folded_anew(
    bench: ReportingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, test, lint = bench.begin("1"), leg("test"), leg("lint")
    reader = RunReader(bench.runs, bench.database)
    run.queue(test)
    assert show(reader) == {"test": "queued"}
    run.queue(lint)
    run.start(test)
    run.start(lint)

    def break_off(view: RunView, fact: RunFact) -> None:
        if isinstance(fact, JobStarted):
            raise ZeroDivisionError
        fold(view, fact)

    monkeypatch.setattr("homeport.server.pages.run_reader.fold", break_off)
    with pytest.raises(ZeroDivisionError):
        show(reader)
    monkeypatch.undo()
    assert show(reader) == show(RunReader(bench.runs, bench.database)) == {"test": "running", "lint": "running"}

"""A search through the logs of many jobs goes on where it ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.server.log_search import LogSearch
from homeport.store.tables.history import TableHistory
from tests.support.past_runs import PastRuns

WORKFLOW = """
on: push
jobs:
  a: {runs-on: ubuntu-latest, steps: [{run: make}]}
  b: {runs-on: ubuntu-latest, steps: [{run: make}]}
"""


@pytest.fixture
def past(tmp_path: Path) -> Iterator[PastRuns]:
    with PastRuns(tmp_path / "data") as past:
        yield past


def test_a_cursor_goes_on_with_the_job_that_it_names_in_a_run_and_in_a_repository(past: PastRuns) -> None:
    repository = past.add_repository("acme/shop")
    runs = [past.add_run(repository, WORKFLOW) for _ in range(2)]
    for run in runs:
        for job in ("a", "b"):
            past.say(run, job, [("1", f"a needle of {job} in {run}")])
    history = TableHistory(past.database)
    search = LogSearch(past.logs, history)
    first, second = (job.entry.id for job in history.jobs(runs[1], 1))
    assert [line.job for line in search.in_run(runs[1], 1, "NEEDLE", "").found] == [first, second]
    assert [line.job for line in search.in_run(runs[1], 1, "needle", f"{runs[1]}.{second}").found] == [second]
    rest = search.in_repository(repository.id, "needle", f"{runs[1]}.{second}")
    assert [line.text for line in rest.found] == [
        f"a needle of b in {runs[1]}",
        *(f"a needle of {job} in {runs[0]}" for job in "ab"),
    ]
    assert rest.cursor is None

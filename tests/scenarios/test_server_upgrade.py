"""The drill for an upgrade: a server with runs in flight is replaced by this version, from the schema of every version before it.

No version with another schema was ever released. Each migration stands for one: the database is what that version would have left.
"""

import json
from pathlib import Path

import pytest

from homeport.ports.history import RunFilter
from homeport.run.facts import JobStarted
from homeport.store.logs_packed import PackedLogs
from homeport.store.tables.history import TableHistory
from tests.support.old_databases import list_revisions, set_back
from tests.support.pushed import PushedRepository
from tests.support.pushing import make_person
from tests.support.records import Records, records
from tests.support.serve import ServedProcess, served, wait_until

REVISIONS = list_revisions()
WITH_DIRECTORY = "0002"


def workflow(gate: Path) -> str:
    """A job that counts, on both sides of a gate."""
    return f"""\
on: push
jobs:
  count:
    runs-on: ubuntu-latest
    steps:
      - run: |
          seq -f 'number %g' 1 100
          until [ -e {gate} ]; do sleep 0.05; done
          seq -f 'number %g' 101 200
"""


NUMBERS = [f"number {number}" for number in range(1, 201)]


def read_numbers(server: ServedProcess, run: int) -> list[str]:
    lines = PackedLogs(str(server.folder / "logs")).read(str(run), 1, "count")
    return [line.text for line in lines if line.text.startswith("number ")]


def upgrade(server: ServedProcess, revision: str) -> None:
    """The server dies; what it has left is made that of an older version, its runner's too, which is still at work; this version starts."""
    server.kill()
    set_back(server.folder / "homeport.db", revision)
    for recipe in (server.folder / "runner").glob("[0-9]*/recipe.json"):
        recipe.write_text(json.dumps({**json.loads(recipe.read_text()), "version": "0.0.1"}))
    server.start()


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_runs_in_flight_go_on_over_an_upgrade_from_any_schema(tmp_path: Path, revision: str) -> None:
    gate = tmp_path / "gate"
    with served(tmp_path / "data", "--parallel", "1") as server:
        repository = PushedRepository(server, tmp_path)
        gate.touch()
        ended = repository.push({"number": "1"}, workflow(gate))
        assert repository.await_conclusion(ended) == "success"
        gate.unlink()
        at_work = repository.push({"number": "2"})
        repository.await_line(at_work, "count", "number 100")
        waiting = repository.push({"number": "3"})
        upgrade(server, revision)
        gate.touch()
        with records(server) as kept:
            # nothing is lost
            found = [int(run.id) for run in TableHistory(kept.database).find(RunFilter()).runs]
            assert found == [waiting, at_work, ended]
            assert kept.ending(str(ended)) == "success"
            assert read_numbers(server, ended) == NUMBERS
            if revision < WITH_DIRECTORY:
                assert_jobs_end(kept, at_work, waiting)
                assert read_numbers(server, at_work)[:100] == NUMBERS[:100]
            else:
                assert_jobs_go_on(kept, at_work, waiting)
                assert read_numbers(server, at_work) == NUMBERS
                assert_next_push_runs(server, repository, waiting)
        wait_until(lambda: len(server.runners()) == 1)


def assert_jobs_go_on(kept: Records, at_work: int, waiting: int) -> None:
    """The old version's runner brings its job to its end, which is not begun again."""
    for run in (at_work, waiting):
        assert kept.ending(str(run)) == "success"
        assert len([fact for fact in kept.runs.facts(str(run)) if isinstance(fact, JobStarted)]) == 1


def assert_jobs_end(kept: Records, *runs: int) -> None:
    """That version knew no repositories: there is nothing to check out, and no secret to be had."""
    for run in runs:
        assert kept.ending(str(run)) == "failure"
        (job,) = TableHistory(kept.database).jobs(str(run), 1)
        assert job.entry.reason == "the repository of this run is not on this server any more"


def assert_next_push_runs(server: ServedProcess, repository: PushedRepository, latest: int) -> None:
    """With numbers that go on, for people who are made again where that version knew none."""
    repository.token = make_person(server.folder, "ada", is_administrator=True)
    scheme, _, rest = repository.checkout.url.partition("://")
    repository.checkout.git("remote", "set-url", "origin", f"{scheme}://ada:{repository.token}@{rest}")
    following = repository.push({"number": "4"})
    assert following == latest + 1
    assert repository.await_conclusion(following) == "success"
    assert [run["run_number"] for run in repository.get("actions/runs")["workflow_runs"]] == [4, 3, 2, 1]
    assert [line for line in repository.log(latest, "count") if line.startswith("number ")] == NUMBERS

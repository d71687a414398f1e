"""The token of a job: whose it is, what it may do, and when it is dead."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from homeport.ports.repositories import StoreError
from homeport.run.facts import JobFinished, RunFact, RunFinished
from homeport.server.credentials import digest_of
from homeport.store.tables.job_tokens import end_tokens
from homeport.store.tables.runs import TableRuns
from tests.support.access import House, open_house
from tests.support.plans import NOW, plan_of, record_of


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


def issue(house: House, job: str = "build", run: str = "7", lease: str = "7.1.1") -> str:
    return house.access.job_tokens.issue(
        lease=lease, run=run, job=job, repository="acme/tools", grants={"contents": "read"}, is_trusted=True
    )


def is_good(house: House, token: str) -> bool:
    response = house.client().get("/acme/tools/reader", headers={"authorization": f"Bearer {token}"})
    assert response.status_code in (200, 401)
    return response.status_code == 200


def ended(job: str, run: str = "7") -> RunFact:
    return JobFinished(
        at=NOW, run=run, job=job, job_id=job, name=job, matrix=None, conclusion="success", outcome="success"
    )


def remember(house: House, facts: Sequence[RunFact]) -> None:
    """As the server does: what has a number is durable with what follows from it."""
    runs = TableRuns(house.database, "test", lambda _: False, (end_tokens,))
    runs.create(record_of("7"), plan_of())
    runs.append("7", 1, facts)


def test_a_token_is_dead_when_its_job_has_ended(house: House) -> None:
    build, lint, other = issue(house), issue(house, "lint", lease="7.1.2"), issue(house, run="8", lease="8.1.1")
    assert all(is_good(house, token) for token in (build, lint, other))
    remember(house, [ended("build")])
    assert [is_good(house, token) for token in (build, lint, other)] == [False, True, True]


def test_a_token_lives_as_long_as_the_end_of_its_job_is_not_remembered(house: House) -> None:
    token = issue(house)

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    runs = TableRuns(house.database, "test", lambda _: False, (end_tokens, fail))
    runs.create(record_of("7"), plan_of())
    with pytest.raises(StoreError):
        runs.append("7", 1, [ended("build")])
    assert list(runs.facts("7")) == []
    assert is_good(house, token)


def test_the_end_of_a_run_ends_all_that_is_left(house: House) -> None:
    tokens = [issue(house), issue(house, "lint", lease="7.1.2")]
    remember(house, [RunFinished(at=NOW, run="7", workflow="ci.yml", conclusion="cancelled")])
    assert [is_good(house, token) for token in tokens] == [False, False]


def test_a_job_that_goes_on_over_a_restart_keeps_its_token(house: House) -> None:
    kept, gone = issue(house), issue(house, "lint", lease="7.1.2")
    again = House(house.folder, house.database, house.url)
    again.access.job_tokens.keep_only({"7.1.1"})
    assert [is_good(again, token) for token in (kept, gone)] == [True, False]
    offered_anew = issue(again)
    assert [is_good(again, token) for token in (kept, offered_anew)] == [True, True]


def test_what_is_kept_of_a_token_is_its_digest(house: House) -> None:
    token = issue(house)
    caller = house.access.job_tokens.find(digest_of(token))
    assert caller is not None
    assert (caller.kind, caller.run, caller.repository, caller.grants) == (
        "job",
        "7",
        "acme/tools",
        {"contents": "read"},
    )
    house.database.close()
    assert all(token.encode() not in path.read_bytes() for path in house.folder.rglob("*") if path.is_file())

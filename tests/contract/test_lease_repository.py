"""What every `LeaseRepository` promises."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from homeport.ports.leases import Lease, LeaseRepository
from homeport.store.memory import MemoryLeases
from homeport.store.tables.leases import TableLeases
from homeport.store.tables.runs import TableRuns
from tests.support.databases import KINDS, open_database
from tests.support.plans import NOW, plan_of, record_of

FIRST = Lease(
    id="7.1.1", run="7", attempt=1, job="build", runner="r1", claim="c1", token_digest=b"x" * 32, taken_at=NOW
)
SECOND = msgspec.structs.replace(FIRST, id="7.1.2", job="lint", claim="c2", taken_at=NOW + timedelta(seconds=1))


@pytest.fixture(params=["memory", *KINDS])
def leases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LeaseRepository]:
    if request.param == "memory":
        yield MemoryLeases()
        return
    with open_database(tmp_path, request.param) as database:
        TableRuns(database, "me", lambda _: False).create(record_of("7"), plan_of())
        yield TableLeases(database)


def test_leases_are_listed_as_they_were_taken(leases: LeaseRepository) -> None:
    leases.take(SECOND)
    leases.take(FIRST)
    assert list(leases.list()) == [FIRST, SECOND]


def test_a_job_cannot_be_taken_twice(leases: LeaseRepository) -> None:
    leases.take(FIRST)
    with pytest.raises(Exception, match=r"(?i)7\.1\.1|unique"):
        leases.take(FIRST)


def test_what_was_heard_is_remembered(leases: LeaseRepository) -> None:
    leases.take(FIRST)
    leases.hear(FIRST.id, 4, 1024)
    assert list(leases.list()) == [msgspec.structs.replace(FIRST, heard=4, log_size=1024)]


def test_another_token_takes_the_place_of_the_first(leases: LeaseRepository) -> None:
    leases.take(FIRST)
    leases.renew_token(FIRST.id, "c1", b"y" * 32)
    assert next(iter(leases.list())).token_digest == b"y" * 32


def test_a_closed_lease_is_gone_and_may_be_closed_again(leases: LeaseRepository) -> None:
    leases.take(FIRST)
    leases.close(FIRST.id)
    leases.close(FIRST.id)
    leases.hear(FIRST.id, 2, 0)
    assert list(leases.list()) == []

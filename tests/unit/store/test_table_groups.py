"""Groups in a database: what a batch changes is remembered with it, or not at all."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from homeport.plan.model import ConcurrencyClaim
from homeport.ports.concurrency import Holder
from homeport.store.tables.database import Database
from homeport.store.tables.groups import TableConcurrencyGroups
from homeport.store.tables.schema import GROUPS
from tests.support.databases import open_database

A, B = Holder("1", None), Holder("2", None)
DEPLOY = ConcurrencyClaim("Deploy")


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(GROUPS)).scalar_one()


def test_a_batch_sees_its_own_claims_and_others_see_them_at_its_end(tmp_path: Path) -> None:
    with open_database(tmp_path) as database:
        groups = TableConcurrencyGroups(database, "octo/app", lambda _: True)
        with database.batch():
            assert groups.claim(A, DEPLOY).status == "granted"
            assert groups.claim(B, DEPLOY).status == "waiting"
            assert count(database) == 0
        assert count(database) == 1
        assert TableConcurrencyGroups(database, "octo/app", lambda _: True).claim(B, DEPLOY).holder == A
        with database.batch():
            assert groups.release(A, "deploy") == B
            assert groups.poll([B]) == [(B, "Deploy")]
            groups.release(B, "Deploy")
        assert count(database) == 0
        assert groups.claim(A, DEPLOY).status == "granted"


def test_a_batch_that_fails_leaves_no_claim_behind(tmp_path: Path) -> None:
    with open_database(tmp_path) as database:
        groups = TableConcurrencyGroups(database, "octo/app", lambda _: True)
        with pytest.raises(ZeroDivisionError), database.batch():
            raise ZeroDivisionError(groups.claim(A, DEPLOY))
        assert TableConcurrencyGroups(database, "octo/app", lambda _: True).claim(B, DEPLOY).status == "granted"

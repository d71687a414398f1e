"""Every database that a server can have."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.store.tables.database import Database
from tests.support.databases import KINDS, open_database


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A new one of each kind in turn."""
    with open_database(tmp_path, request.param) as opened:
        yield opened

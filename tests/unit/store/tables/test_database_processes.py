"""Several processes that write in one database wait for one another: a command beside a server must not fail, nor make the server fail."""

import subprocess
import sys
from pathlib import Path

import pytest

from homeport.ports.repositories import StoreError
from homeport.store.tables.counters import count_up
from homeport.store.tables.database import Database
from tests.support.databases import KINDS, Kind, make_address

WRITER = """
import sys
from homeport.store.tables.counters import count_up
from homeport.store.tables.database import Database
database = Database(sys.argv[1])
for _ in range(150):
    database.write(lambda connection: count_up(connection, "test", ""))
database.close()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_processes_that_read_and_write_at_once_wait_for_one_another(tmp_path: Path, kind: Kind) -> None:
    url = make_address(tmp_path, kind)
    database = Database(url)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert database.write(lambda connection: count_up(connection, "test", "")) == 451
    database.close()


@pytest.mark.parametrize(
    ("url", "said"), [("nonsense", "cannot be read"), ("oracle+nothing_of_that_name://sys:hidden@host/x", "cannot be")]
)
def test_an_address_that_leads_nowhere_is_refused_without_being_repeated(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        Database(url)
    assert "hidden" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(StoreError, match="needs the package 'pg8000'"):
        Database("postgresql+pg8000://host/x")

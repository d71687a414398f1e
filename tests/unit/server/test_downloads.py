"""Addresses that need no token: good for one thing, for some minutes; and what files in archives are called."""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from homeport.server.api.downloads import LIFETIME, Downloads
from homeport.server.api.log_archive import file_name
from homeport.store.tables.history import TableHistory
from homeport.tokens.keys import SecretKey
from tests.support.access import open_house
from tests.support.asgi import client_of

SITE = "http://ci.example"


def test_a_signed_address_is_good_for_one_thing_and_its_time(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        nothing: Any = None
        history = TableHistory(house.database)
        downloads = Downloads(SecretKey(b"k" * 32), house.clock, nothing, history, nothing)
        client = client_of(Starlette(routes=downloads.routes), SITE)
        address = downloads.sign_logs(SITE, 1, 1)
        assert client.get(address).status_code == 410, "it is let in, and finds that there are no such logs"
        assert client.get(address.replace("/logs/1/", "/logs/2/")).status_code == 403
        assert client.get(address.replace("se=", "se=9")).status_code == 403
        assert client.get(address.partition("?")[0]).status_code == 403
        house.clock.pass_seconds(LIFETIME.total_seconds() + 1)
        assert client.get(address).status_code == 403


@pytest.mark.parametrize(
    "name",
    [
        ".",
        "..",
        ". .",
        "../../etc/passwd",
        "a/b",
        "a\\b",
        "C:x",
        "a\0b",
        "a\r\nb",
        '"quoted"',
        "",
        "  ",
        "x" * 1000,
        "\u202e",
    ],
)
def test_a_file_in_an_archive_stays_where_it_is_put(name: str) -> None:
    shown = file_name(name)
    assert shown.strip(". ")
    assert len(shown) <= 255
    assert not set(shown) & set('/\\\0\r\n":')

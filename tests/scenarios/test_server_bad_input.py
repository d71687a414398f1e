"""Names and numbers of every kind in every address of a server: each is answered, none is a fault of the server's own."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.addresses import Addresses, open_addresses

NASTY = (
    "..",
    "../../../etc/passwd",
    "%2e%2e%2f",
    "a\0b",
    "a\nb",
    "\r\nset-cookie: x=y",
    "--upload-pack=touch /tmp/owned",
    "$(touch /tmp/owned)",
    "';--",
    "<script>alert(1)</script>",
    "\x1b[31m",
    "\u202e\ufeff\U0001d518",
    "C:\\x",
    "-1",
    "0",
    "9" * 30,
    "9" * 5000,
    "x" * 1500,
    " ",
)
"""What is put where a name or a number is expected"""
QUERIES = (
    "page",
    "per_page",
    "ref",
    "sha",
    "q",
    "from",
    "count",
    "at",
    "attempt",
    "cursor",
    "before",
    "after",
    "branch",
    "event",
    "actor",
    "workflow",
    "status",
    "created",
    "key",
    "label",
    "name",
    "sort",
    "direction",
    "order",
    "next",
    "token",
    "done",
    "filter",
    "limit",
    "repository",
    "step",
    "job",
)


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[Addresses]:
    with open_addresses(tmp_path) as found:
        yield found


def find_faults(addresses: Addresses, asked: list[str]) -> list[str]:
    answers = addresses.ask([("GET", address) for address in asked], addresses.administrator)
    return [
        f"{answer.status_code} {address[:200]}: {answer.text[:200]}"
        for address, answer in zip(asked, answers, strict=True)
        if answer.status_code >= 500 or "set-cookie" in answer.headers
    ]


def test_every_address_answers_to_names_and_numbers_of_every_kind(addresses: Addresses) -> None:
    asked = [
        addresses.fill(route, **{wrong: nasty})
        for route in addresses.reads()
        for wrong in addresses.names(route)
        for nasty in NASTY
    ]
    assert len(asked) > 1000
    assert find_faults(addresses, asked) == []
    assert not Path("/tmp/owned").exists()


def test_every_address_answers_to_questions_of_every_kind(addresses: Addresses) -> None:
    tried = ("a\0b", "\r\nset-cookie: x=y", "../..", "-1", "9" * 30, "<script>")
    queries = [urlencode(dict.fromkeys(QUERIES, nasty)) for nasty in tried]
    asked = [f"{addresses.fill(route)}?{query}" for route in addresses.reads() for query in queries]
    assert find_faults(addresses, asked) == []
    assert not Path("/tmp/owned").exists()

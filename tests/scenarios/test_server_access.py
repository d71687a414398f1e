"""Every address of a server: what is of one repository is for those who may see it, and is found below this repository only."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from tests.support.addresses import Addresses, open_addresses

OF_A_RUN = {"run", "run_id", "check_suite_id", "job", "number", "job_id", "check_run_id", "artifact", "artifact_id"}
OPEN_BADGES = "/badge"
HIDDEN = {401, 403, 404}


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[Addresses]:
    with open_addresses(tmp_path) as found:
        yield found


def of_a_repository(addresses: Addresses, routes: list[Route]) -> list[Route]:
    return [route for route in routes if {"owner", "repo"} <= set(addresses.names(route))]


def test_what_is_of_one_repository_is_not_found_below_another(addresses: Addresses) -> None:
    """The other one may be seen by everybody; numbers of runs, jobs and artifacts are the server's, not the repository's."""
    routes = [
        route
        for route in of_a_repository(addresses, addresses.reads())
        if OF_A_RUN.intersection(addresses.names(route))
    ]
    here = addresses.ask([("GET", addresses.fill(route)) for route in routes], addresses.administrator)
    there = addresses.ask([("GET", addresses.fill(route, repo="other")) for route in routes], addresses.administrator)
    found = [route.path for route, answer in zip(routes, here, strict=True) if answer.status_code < 400]
    assert len(found) > 20, "numbers were those of something"
    assert [route.path for route, answer in zip(routes, there, strict=True) if answer.status_code != 404] == []


def test_a_private_repository_does_not_exist_for_a_stranger(addresses: Addresses) -> None:
    routes = of_a_repository(addresses, addresses.routes)
    asked = [(method, addresses.fill(route)) for route in routes for method in sorted(route.methods or {"GET"})]
    assert len(asked) > 100
    answers = addresses.ask(asked, addresses.stranger)
    assert [
        (*each, answer.status_code) for each, answer in zip(asked, answers, strict=True) if answer.status_code != 404
    ] == []


def test_a_private_repository_does_not_exist_for_nobody(addresses: Addresses) -> None:
    """Who has not signed in is asked to, or led to the page where one does."""
    routes = of_a_repository(addresses, addresses.routes)
    asked = [(method, addresses.fill(route)) for route in routes for method in sorted(route.methods or {"GET"})]
    answers = addresses.ask(asked)
    seen = [
        (*each, answer.status_code)
        for each, answer in zip(asked, answers, strict=True)
        if answer.status_code not in HIDDEN and not answer.headers.get("location", "").startswith("/login")
    ]
    assert seen == []


def test_a_reader_changes_nothing(addresses: Addresses) -> None:
    routes = of_a_repository(addresses, addresses.routes)
    asked = [
        (method, addresses.fill(route))
        for route in routes
        for method in sorted((route.methods or set()) - {"GET", "HEAD"})
        if not route.path.endswith("/git-upload-pack")  # a fetch
    ]
    assert len(asked) > 30
    answers = addresses.ask(asked, addresses.reader)
    assert [
        (*each, answer.status_code) for each, answer in zip(asked, answers, strict=True) if answer.status_code != 403
    ] == []

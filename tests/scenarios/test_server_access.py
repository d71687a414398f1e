"""Every address of a server: what is of one repository is for those who may see it, and is found below this repository only."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from homeport.store.tables.job_tokens import JobToken, TableJobTokens
from tests.support.addresses import Addresses, open_addresses, open_server

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


def test_runs_by_their_numbers_alone_are_for_those_who_may_see_their_repository(addresses: Addresses) -> None:
    """`homeport show --server` and system 3's own address name no repository."""
    run = addresses.fill(next(route for route in addresses.routes if route.path.endswith("/actions/runs/{run_id}")))
    number = run.rpartition("/")[2]
    above = f"/api/homeport/v1/runs/{number}"
    paths = [above, *(f"{above}/{end}" for end in ("facts", "lines", "artifacts", "artifacts/1")), f"/logs/{number}"]
    reads = [("GET", path) for path in paths]
    writes = [("POST", f"{above}/cancel"), ("PUT", f"{above}/pin"), ("DELETE", above)]
    assert {answer.status_code for answer in addresses.ask(reads, addresses.reader)} == {200}
    assert {answer.status_code for answer in addresses.ask(writes, addresses.reader)} == {403}
    assert {answer.status_code for answer in addresses.ask(reads + writes, addresses.stranger)} == {404}
    assert {answer.status_code for answer in addresses.ask(reads + writes)} == {401}


def test_the_job_token_of_a_job_that_ended_meanwhile_is_dead_when_a_server_begins(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    database = Database(DataFolder(str(tmp_path / "data")).database_url)
    try:
        token = JobToken(lease="7.1.1", run="7", job="build", repository="acme/shop", grants={"contents": "write"})
        TableJobTokens(database).add(b"digest", token)
        assert TableJobTokens(database).find(b"digest") == token
        open_server(tmp_path / "data", database)
        assert TableJobTokens(database).find(b"digest") is None
    finally:
        database.close()


def test_what_a_job_has_made_is_handed_out_as_a_file_and_never_as_a_page(addresses: Addresses) -> None:
    routes = [route for route in addresses.reads() if OF_A_RUN.intersection(addresses.names(route))]
    answers = addresses.ask([("GET", addresses.fill(route)) for route in routes], addresses.reader)
    files = {
        route.path: answer
        for route, answer in zip(routes, answers, strict=True)
        if answer.status_code == 200
        and not answer.headers["content-type"].startswith(("text/html", "application/json"))
    }
    assert {path.rpartition("/")[2] for path in files} >= {"{artifact}", "log.txt", "logs.zip"}
    for path, answer in files.items():
        assert answer.headers["content-security-policy"] == "sandbox", path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        if path.endswith("actions/runs/{run:int}/artifacts/{artifact}"):
            assert answer.headers["content-disposition"].startswith("attachment"), path

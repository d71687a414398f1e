"""Names and numbers of every kind in every address of a server: each is answered, none is a fault of the server's own."""

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from homeport.cli.server_parts import build_server
from homeport.git.hosted import make_hosted
from homeport.server.app import build_app
from homeport.server.settings import ServerSettings
from homeport.server.waiting import Bell
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from tests.support.past_runs import PastRuns
from tests.support.pushing import Checkout, make_person

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


PLACES = {
    "owner": "acme",
    "repo": "shop",
    "org": "acme",
    "username": "ada",
    "path": "app.py",
    "ref": "heads/main",
    "branch": "main",
    "basehead": "main...main",
    "archive_format": "zip",
    "environment_name": "prod",
    "attempt": "1",
    "attempt_number": "1",
}
"""What stands in an address where nothing else is tried; numbers are those of the one run and its one job"""
ENDLESS = ("/stream",)
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
WORKFLOW = "on: push\njobs: {build: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n"


class Stage:
    """What a server answers to reading, without its engine."""

    def __init__(self, app: ASGIApp, routes: list[Route], token: str, job: str) -> None:
        self.routes = routes
        self._places = {**PLACES, "job": job, "number": job, "job_id": job, "check_run_id": job}
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://ci.example",
            headers={"authorization": f"Bearer {token}"},
        )

    def addresses(self, route: Route, nasty: str) -> Iterator[str]:
        """One for each part of the route that is not fixed, with that part as it should not be."""
        for wrong in _PARAMETER.findall(route.path):
            places = {name: self._places.get(name, "1") for name in _PARAMETER.findall(route.path)} | {wrong: nasty}
            yield self.fill(route, places)

    def fill(self, route: Route, places: dict[str, str] | None = None) -> str:
        known = places or {name: self._places.get(name, "1") for name in _PARAMETER.findall(route.path)}
        return _PARAMETER.sub(lambda found: quote(known[found[1]], safe=""), route.path)

    async def find_faults(self, addresses: list[str]) -> list[str]:
        """What is answered with a fault."""
        found = []
        for address in addresses:
            answer = await self._client.get(address)
            if answer.status_code >= 500 or "set-cookie" in answer.headers:
                found.append(f"{answer.status_code} {address[:200]}: {answer.text[:200]}")
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with PastRuns(tmp_path / "data") as past:
        repository = past.add_repository("acme/shop", is_private=False)
        run = past.add_run(repository, WORKFLOW)
    folder = DataFolder(str(tmp_path / "data"))
    make_hosted(folder.repository(repository.id), "main")
    checkout = Checkout(tmp_path / "work", "http://nowhere")
    checkout.commit({"app.py": "x = 1\n", ".github/workflows/ci.yml": WORKFLOW})
    checkout.git("push", "--quiet", folder.repository(repository.id), "main")
    token = make_person(Path(folder.path), "ada", is_administrator=True)
    database = Database(folder.database_url)
    try:
        server = build_server(
            ServerSettings(data=folder.path), database, asyncio.run(_make_bell()), {"PATH": os.environ["PATH"]}
        )
        app = build_app(server.parts)
        job = str(server.parts.history.jobs(run, 1)[0].entry.id)
        yield Stage(app, list(_find_reads(app.routes)), token, job)
    finally:
        database.close()


async def _make_bell() -> Bell:
    return Bell()  # nobody rings it


def _find_reads(routes: Sequence[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        if isinstance(route, Route) and "GET" in (route.methods or {"GET"}) and not route.path.endswith(ENDLESS):
            yield route


def test_every_address_answers_to_names_and_numbers_of_every_kind(stage: Stage) -> None:
    addresses = [address for route in stage.routes for nasty in NASTY for address in stage.addresses(route, nasty)]
    assert len(addresses) > 1000
    assert asyncio.run(stage.find_faults(addresses)) == []
    assert not Path("/tmp/owned").exists()


def test_every_address_answers_to_questions_of_every_kind(stage: Stage) -> None:
    asked = ("a\0b", "\r\nset-cookie: x=y", "../..", "-1", "9" * 30, "<script>")
    queries = [urlencode(dict.fromkeys(QUERIES, nasty)) for nasty in asked]
    addresses = [f"{stage.fill(route)}?{query}" for route in stage.routes for query in queries]
    assert asyncio.run(stage.find_faults(addresses)) == []
    assert not Path("/tmp/owned").exists()

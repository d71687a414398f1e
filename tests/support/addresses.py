"""All addresses of a server that does not run, asked in this process: what it answers to reading needs no engine."""

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from homeport.cli.server_parts import Server, build_server
from homeport.git.hosted import make_hosted
from homeport.server.app import build_app
from homeport.server.settings import ServerSettings
from homeport.server.waiting import Bell
from homeport.store.artifacts_folder import FolderArtifacts
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from tests.support.jobs import SystemClock
from tests.support.past_runs import PastRuns
from tests.support.pushing import Checkout, make_person

WORKFLOW = "on: push\njobs: {build: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n"
ENDLESS = ("/stream",)
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_PLACES = {
    "owner": "acme",
    "repo": "shop",
    "org": "acme",
    "username": "ada",
    "path": "app.py",
    "ref": "heads/main",
    "branch": "main",
    "archive_format": "zip",
    "environment_name": "prod",
    "name": "ci",
}


class Addresses:
    """A server with the private repository `acme/shop`, which has one run with one job and one artifact, and the empty, public
    `acme/other`. Parts of addresses for which nothing is given stand for these; numbers that are not known are 1.
    """

    def __init__(
        self, folder: DataFolder, app: ASGIApp, routes: Sequence[BaseRoute], places: Mapping[str, str]
    ) -> None:
        self.routes = [each for each in routes if isinstance(each, Route) and not each.path.endswith(ENDLESS)]
        self.administrator = make_person(Path(folder.path), "ada", is_administrator=True)
        self.reader = make_person(Path(folder.path), "rita", roles={"acme/shop": "reader"})
        self.stranger = make_person(Path(folder.path), "eve")
        self._app = app
        self._places = {**_PLACES, **places}

    def reads(self) -> list[Route]:
        """Those that are asked by GET."""
        return [route for route in self.routes if "GET" in (route.methods or {"GET"})]

    def names(self, route: Route) -> list[str]:
        """The parts of an address that are not fixed."""
        return _PARAMETER.findall(route.path)

    def fill(self, route: Route, **given: str) -> str:
        """The address."""
        known = {name: self._places.get(name, "1") for name in self.names(route)} | given
        query = "?service=git-upload-pack" if route.path.endswith("/info/refs") else ""  # else it is nobody's
        return _PARAMETER.sub(lambda found: quote(known[found[1]], safe=""), route.path) + query

    def ask(self, addresses: Sequence[tuple[str, str]], token: str = "") -> list[httpx.Response]:
        """What is answered to each of (method, address), by somebody with this token, or by nobody."""
        return asyncio.run(self._ask(addresses, {"authorization": f"Bearer {token}"} if token else {}))

    async def _ask(self, addresses: Sequence[tuple[str, str]], headers: dict[str, str]) -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://ci.example", headers=headers) as client:
            return [await client.request(method, address) for method, address in addresses]


@contextmanager
def open_addresses(folder: Path) -> Iterator[Addresses]:
    """In a folder of the test's own."""
    with PastRuns(folder / "data") as past:
        repository = past.add_repository("acme/shop", is_private=True)
        past.add_repository("acme/other", is_private=False)
        run = past.add_run(repository, WORKFLOW)
        past.say(run, "build", [("1", "a word")])
    data = DataFolder(str(folder / "data"))
    make_hosted(data.repository(repository.id), "main")
    checkout = Checkout(folder / "work", "http://nowhere")
    checkout.commit({"app.py": "x = 1\n", ".github/workflows/ci.yml": WORKFLOW})
    checkout.git("push", "--quiet", data.repository(repository.id), "main")
    artifact = FolderArtifacts(data.path, SystemClock()).put_file(
        run, 1, "build", "dist", str(checkout.folder / "app.py")
    )
    database = Database(data.database_url)
    try:
        server = open_server(Path(data.path), database)
        app = build_app(server.parts)
        job = str(server.parts.history.jobs(run, 1)[0].entry.id)
        runs = dict.fromkeys(("run", "run_id", "check_suite_id"), run)
        jobs = dict.fromkeys(("job", "number", "job_id", "check_run_id"), job)
        yield Addresses(data, app, app.routes, {**runs, **jobs, "artifact": artifact.id, "artifact_id": artifact.id})
    finally:
        database.close()


def open_server(folder: Path, database: Database) -> Server:
    """All of a server; nothing of it runs."""
    bell = asyncio.run(_make_bell())
    return build_server(ServerSettings(data=str(folder)), database, bell, {"PATH": os.environ["PATH"]})


async def _make_bell() -> Bell:
    return Bell()  # nobody rings it

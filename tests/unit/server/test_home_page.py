"""The first page asks the database as often for many repositories as for few, and shows of each what is its own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, event
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from homeport.ports.access import Caller
from homeport.ports.directory import HostedRepository
from homeport.ports.forge import ForgeAwayError
from homeport.server.audit import Audit
from homeport.server.auth import Identity
from homeport.server.forge_credentials import targets_of
from homeport.server.forks import Forks
from homeport.server.limits import Limits
from homeport.server.pages.home import Home
from homeport.server.pages.rendering import Pages
from homeport.server.pages.repository_lists import RepositoryLists
from homeport.server.pages.static_files import StaticFiles
from homeport.store.tables.audit import TableAudit
from homeport.store.tables.history import TableHistory
from homeport.store.tables.refused_workflows import TableRefusedWorkflows
from tests.support.asgi import client_of
from tests.support.forges.bench import ReportingBench, leg, token
from tests.support.forges.github import GitHubStandIn
from tests.support.past_runs import PastRuns

WORKFLOW = "name: CI\non: push\njobs:\n  test: {runs-on: ubuntu-latest, steps: [{run: make}]}\n"


class _SignedIn:
    """Everybody is the administrator."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            caller = Caller(kind="user", login="mona", is_administrator=True)
            scope.setdefault("state", {})["identity"] = Identity(caller=caller)
        await self._app(scope, receive, send)


def fill(folder: Path, number: int) -> None:
    """Repositories with two runs each, the second of which failed in every third."""
    with PastRuns(folder) as past:
        for index in range(number):
            branch = f"branch-{index % 5}"
            repository = past.add_repository(f"octo/r{index:03}", default_branch=branch)
            for run in range(2):
                failing = {"test": "Test"} if run and index % 3 == 0 else {}
                title = f"change {run} of {index}"
                past.add_run(repository, WORKFLOW, ref=f"refs/heads/{branch}", failing=failing, title=title)


def client(bench: ReportingBench) -> httpx.Client:
    pages, history = Pages(StaticFiles(), bench.clock), TableHistory(bench.database)
    audit = Audit(TableAudit(bench.database, b"k" * 32), bench.clock, Limits(bench.clock))
    refused = TableRefusedWorkflows(bench.database)
    forks = Forks(bench.held, lambda *_: None, bench.clock, audit)
    routes = [
        *Home(pages, bench.directory, history, refused, bench.delivery, forks, bench.clock).routes,
        *RepositoryLists(pages, bench.directory, history, audit, bench.clock, "http://ci.example").routes,
    ]
    return client_of(Starlette(routes=routes, middleware=[Middleware(_SignedIn)]), "http://ci.example")


@contextmanager
def counting() -> Iterator[list[str]]:
    """The statements that any database is asked while this lasts."""
    asked: list[str] = []

    def hear(*given: object) -> None:
        asked.append(str(given[2]))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def questions(bench: ReportingBench, path: str) -> int:
    with client(bench) as visitor:
        assert visitor.get(path).status_code == 200  # templates are compiled, journals looked up
        with counting() as asked:
            assert visitor.get(path).status_code == 200
    return len(asked)


@pytest.mark.parametrize("path", ["/", "/repositories"])
def test_as_many_questions_are_asked_for_forty_repositories_as_for_six(
    bench: ReportingBench, tmp_path: Path, path: str
) -> None:
    fill(tmp_path, 6)
    few = questions(bench, path)
    fill_more(tmp_path, 34)
    assert questions(bench, path) == few


def fill_more(folder: Path, number: int) -> None:
    with PastRuns(folder) as past:
        for index in range(number):
            origin = "github" if index % 2 else "own"
            forge = "https://github.example" if index % 2 else ""
            repository = past.add_repository(f"more/r{index:03}", origin=origin, server_url=forge)
            past.add_run(repository, WORKFLOW)


def test_each_repository_is_shown_with_its_own_runs(bench: ReportingBench, tmp_path: Path) -> None:
    fill(tmp_path, 7)
    history = TableHistory(bench.database)
    repositories = [each.id for each in bench.directory.list()]
    recent = history.recent([*repositories, 12345], most=1)
    assert [[run.entry.title for run in recent[each]] for each in repositories] == [
        [f"change 1 of {index}"] for index in range(7)
    ]
    assert list(recent[12345]) == []
    assert history.recent([], most=1) == {}
    with client(bench) as visitor:
        page = visitor.get("/").text
    attention = page.partition('aria-labelledby="attention-heading"')[2].partition("</section>")[0]
    assert set(re.findall(r"change 1 of \d", attention)) == {"change 1 of 0", "change 1 of 3", "change 1 of 6"}
    assert "branch-3" in attention


def test_repositories_come_in_pages(bench: ReportingBench, tmp_path: Path) -> None:
    fill(tmp_path, 35)
    with client(bench) as visitor:
        first, second = (visitor.get(f"/repositories?owner=octo&page={number}").text for number in (1, 2))
        assert first.count("<li>") > second.count("<li>")
        assert "octo/r029" in first
        assert "octo/r030" not in first
        assert "octo/r030" in second
        assert 'href="/repositories?owner=octo&amp;page=2" rel="next"' in first
        assert 'rel="next"' not in second
        assert "35 repositories" in second
        assert "1 repository" in visitor.get("/repositories?page=-1&q=r034").text


def test_a_forge_that_does_not_hear_is_on_the_first_page(bench: ReportingBench) -> None:
    class AwayForges:
        """As if its address were nobody's."""

        def find(self, _: HostedRepository) -> None:
            raise ForgeAwayError("nobody answers")

    bench.delivery._forges = AwayForges()
    repository = bench.directory.add(
        HostedRepository(id=0, owner="octo", name="app", origin="github", server_url="https://github.example")
    )
    bench.delivery.send(repository)
    with client(bench) as visitor:
        page = visitor.get("/").text
    assert "Results do not reach the forge" in page
    assert "https://github.example cannot be told now" in page


def test_results_that_wait_for_a_token_are_on_the_first_page(bench: ReportingBench) -> None:
    with GitHubStandIn() as forge:
        repository = bench.add(forge)
        with client(bench) as visitor:
            assert "Results do not reach the forge" not in visitor.get("/").text
            run = bench.begin(bench.runs.new_id())
            run.queue(leg("build"))
            bench.tell()
            assert f"Nobody has given a token for {forge.url}" in visitor.get("/").text
            bench.credentials.put(targets_of(repository)[0], token(), at=bench.clock.now())
            bench.delivery.try_now(repository)
            bench.tell()
            assert "Results do not reach the forge" not in visitor.get("/").text

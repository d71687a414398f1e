"""What starts runs beside pushes and webhooks: people, other runs, the clock."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeport.cli.clock import SystemClock
from homeport.ports.access import Caller
from homeport.ports.events import KnownWorkflow, StoredEvent
from homeport.server.dispatches import Dispatches, DispatchRefusedError
from homeport.server.fetching import Fetcher
from homeport.server.planning import Planner, Surroundings
from homeport.store.data_folder import DataFolder
from homeport.store.tables.refused_workflows import TableRefusedWorkflows
from homeport.store.tables.schedules import SCHEDULES
from tests.support.pushing import Checkout, make_person
from tests.support.records import Records, records
from tests.support.serve import ServedProcess, served, wait_until

FILE = ".github/workflows/ci.yml"
MANUAL = """\
name: Manual
on:
  workflow_dispatch:
    inputs:
      where: {type: choice, options: [test, live], required: true}
      loud: {type: boolean, default: false}
      times: {type: number, default: 1}
  repository_dispatch:
    types: [knock]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo hello
"""
PUSHED = "name: CI\non: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo hello\n"
AFTER = PUSHED.replace(
    "name: CI\non: push", "name: After\non:\n  workflow_run:\n    workflows: [CI]\n    types: [completed]"
)
NIGHTLY = PUSHED.replace("name: CI\non: push", "name: Nightly\non:\n  schedule:\n    - cron: '0 0 1 1 *'")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServedProcess]:
    with served(tmp_path / "data") as process:
        yield process


@pytest.fixture
def own_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


@pytest.fixture
def checkout(server: ServedProcess, tmp_path: Path) -> Checkout:
    token = make_person(server.folder, "ada", is_administrator=True)
    return Checkout(tmp_path / "work", f"{server.url}/acme/shop.git", "ada", token)


class _Silent:
    """Nobody is told."""

    def report_starts(self, *_: object) -> None:
        """None."""

    def report_problem(self, *_: object, **__: object) -> None:
        """None."""


def make_dispatches(kept: Records, server: ServedProcess, environment: dict[str, str]) -> Dispatches:
    """As the server has them, on its database; what they accept is planned by the server."""
    folder, clock = DataFolder(str(server.folder)), SystemClock()
    surroundings = Surroundings(
        directory=kept.directory,
        workflows=kept.workflows,
        refused=TableRefusedWorkflows(kept.database),
        folder=folder,
        clock=clock,
        environment=environment,
        variables=lambda _: {},
        start=lambda *_: None,
        reporter=_Silent(),
    )
    fetcher = Fetcher(folder, environment, internal_hosts=(), find_credential=lambda _: None)
    return Dispatches(Planner(kept.events, surroundings), fetcher, clock, server.url)


def workflow_of(kept: Records) -> KnownWorkflow:
    found = kept.workflows.find(kept.repository("acme/shop").id, "ci.yml")
    assert found is not None
    return found


def test_inputs_are_checked_in_githubs_words_and_the_run_starts(
    server: ServedProcess, checkout: Checkout, own_environment: dict[str, str]
) -> None:
    checkout.commit({FILE: MANUAL})
    checkout.push("main", "main:refs/heads/plain")
    caller = Caller(kind="user", login="ada")
    with records(server) as kept:
        kept.planned("acme/shop", 4)
        dispatches = make_dispatches(kept, server, own_environment)
        repository, workflow = kept.repository("acme/shop"), workflow_of(kept)

        def refusal(ref: str, inputs: dict[str, Any]) -> str:
            with pytest.raises(DispatchRefusedError) as refused:
                dispatches.start_workflow(caller, repository, workflow, ref, inputs)
            assert refused.value.status == 422
            return refused.value.message

        assert refusal("nowhere", {}) == "No ref found for: nowhere"
        assert refusal("main", {"where": "test", "who": "x"}) == 'Unexpected inputs provided: ["who"]'
        assert refusal("main", {}) == "Required input 'where' not provided"
        words = "Provided value 'moon' for input 'where' not in the list of allowed values"
        assert refusal("main", {"where": "moon"}) == words
        assert "expected true or false" in refusal("main", {"where": "test", "loud": "maybe"})
        assert "expected a number" in refusal("main", {"where": "test", "times": "often"})
        delivery = dispatches.start_workflow(caller, repository, workflow, "main", {"where": "live", "loud": True})
        server.restart()  # it is the server that plans: it finds the event in the database
        stored = kept.planned("acme/shop", 5)[-1]
        assert stored.delivery == delivery
        assert stored.event.payload["inputs"] == {"where": "live", "loud": "true", "times": "1"}
        (start,) = kept.starts(stored)
        assert kept.ending(start.run) == "success"


def test_a_repository_dispatch_starts_what_waits_for_its_type(
    server: ServedProcess, checkout: Checkout, own_environment: dict[str, str]
) -> None:
    checkout.commit({FILE: MANUAL})
    checkout.push()
    with records(server) as kept:
        kept.planned("acme/shop", 2)
        dispatches = make_dispatches(kept, server, own_environment)
        repository = kept.repository("acme/shop")
        for event_type, payload in (
            ("", {}),
            ("x" * 101, {}),
            ("x", {str(n): 1 for n in range(11)}),
            ("x", {"a": "b" * 70000}),
        ):
            with pytest.raises(DispatchRefusedError):
                dispatches.start_repository(Caller(kind="job"), repository, event_type, payload)
        dispatches.start_repository(Caller(kind="user", login="ada"), repository, "knock", {"who": "me"})
        dispatches.start_repository(Caller(kind="user", login="ada"), repository, "ring", {})
        server.restart()
        knock, ring = kept.planned("acme/shop", 4)[-2:]
        assert kept.starts(knock)[0].outcome == "started"
        assert knock.event.payload["client_payload"] == {"who": "me"}
        assert kept.starts(ring)[0].outcome == "not-started"


def test_a_run_that_has_ended_starts_what_waits_for_it(server: ServedProcess, checkout: Checkout) -> None:
    sha = checkout.commit({FILE: PUSHED, ".github/workflows/after.yml": AFTER})
    checkout.push()
    with records(server) as kept:
        wait_until(lambda: len([e for e in kept.planned("acme/shop", 2) if e.event.action == "completed"]) >= 1)
        stored = kept.planned("acme/shop", 5)
        first = next(one for one in stored if one.event.action == "completed")
        told = first.event.payload["workflow_run"]
        assert (told["name"], told["head_sha"], told["conclusion"], told["run_number"]) == ("CI", sha, "success", 1)
        assert first.event.chain_length == 1
        started = [one for one in kept.starts(first) if one.outcome == "started"]
        assert [one.name for one in started] == ["After"]
        assert kept.ending(started[0].run) == "success"


def test_the_end_of_a_rerun_is_told_also_by_a_server_that_was_killed_right_after_its_beginning(
    server: ServedProcess, checkout: Checkout, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    waiting = f'until [ "$GITHUB_RUN_ATTEMPT" = 1 ] || [ -e {gate} ]; do sleep 0.05; done'
    checkout.commit({FILE: PUSHED.replace("echo hello", waiting), ".github/workflows/after.yml": AFTER})
    checkout.push()
    with records(server) as kept:

        def told() -> list[StoredEvent]:
            found = [one for one in kept.planned("acme/shop", 2) if one.event.action == "completed"]
            return [one for one in found if one.event.payload["workflow_run"]["name"] == "CI"]

        wait_until(lambda: len(told()) == 1)
        run = str(told()[0].event.payload["workflow_run"]["id"])
        wait_until(lambda: not kept.events.watched())
        token = make_person(server.folder, "eve", is_administrator=True)
        address = f"{server.url}/api/v3/repos/acme/shop/actions/runs/{run}/rerun"
        assert httpx.post(address, headers={"authorization": f"Bearer {token}"}).status_code == 201
        server.kill()
        assert kept.events.is_watched(run, 2)
        server.start()
        gate.touch()
        wait_until(lambda: len(told()) == 2)
        attempts = [one.event.payload["workflow_run"]["run_attempt"] for one in told()]
        assert attempts == [1, 2]
        wait_until(lambda: not kept.events.watched())


def test_the_newest_missed_tick_fires_late_and_once(server: ServedProcess, checkout: Checkout) -> None:
    """The server is down; meanwhile it is made to look as if it had seen ticks only up to some minutes ago."""
    checkout.commit({FILE: NIGHTLY.replace("0 0 1 1 *", "*/5 * * * *")})
    checkout.push()
    with records(server) as kept:
        kept.planned("acme/shop", 2)
        wait_until(lambda: _schedules(kept))
        server.stop()
        before = kept.clock.now() - timedelta(minutes=30)
        stamp = before.isoformat(timespec="microseconds")
        kept.database.write(lambda connection: connection.execute(SCHEDULES.update().values(seen_until=stamp)))
        server.start()
        ticks = wait_until(lambda: [e for e in kept.planned("acme/shop", 3) if e.event.name == "schedule"])
        assert len(ticks) == 1
        assert ticks[0].event.payload["workflow"] == FILE
        assert kept.ending(kept.starts(ticks[0])[0].run) == "success"


def _schedules(kept: Records) -> list[Any]:
    with kept.database.read() as connection:
        return list(connection.execute(SCHEDULES.select()))

"""A server that is killed at any moment loses nothing that it has accepted, and does nothing twice.

`HOMEPORT_KILLS` says how often (`make soak`: 200), `HOMEPORT_SEED` repeats the moments of another time, as far as they depend on chance.
"""

import os
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import Table, func, select

from homeport.ports.directory import HostedRepository
from homeport.run.facts import JobFinished, JobStarted, RunFinished
from homeport.server.forge_credentials import VaultForgeCredentials, targets_of
from homeport.store.data_folder import DataFolder
from homeport.store.key_ring import KeyRing
from homeport.store.tables.deliveries import DELIVERIES
from homeport.store.tables.events import EVENTS
from homeport.store.tables.history_fold import fold_again
from homeport.store.tables.history_schema import HISTORY_FACETS, HISTORY_JOBS, HISTORY_RUNS
from homeport.store.tables.outbox import OUTBOX
from homeport.store.tables.pushes import PUSHES
from homeport.store.tables.reports import NEWS
from homeport.store.tables.schema import ATTEMPTS, GROUPS, LEASES
from homeport.store.tables.statuses import TableStatuses
from homeport.store.vault import TableVault
from tests.support.forges.bench import token
from tests.support.forges.github import GitHubStandIn
from tests.support.forges.hooks import SECRET
from tests.support.git_folders import commit, init
from tests.support.git_http import git_server
from tests.support.pushed import PushedRepository
from tests.support.records import Records, records
from tests.support.senders import Delivering, Dispatching, Pushing, Sender, UnderWay
from tests.support.serve import LONG, ServedProcess, served, wait_until

KILLS = int(os.environ.get("HOMEPORT_KILLS", "20"))
IS_SOAK = KILLS > 20
SEED = int(os.environ.get("HOMEPORT_SEED", str(time.time_ns() % 1_000_000)))
OWN, FORGE = "acme/shop", "octo/app"
LINES, LAST_LINES = 120, 40
TARGETS = ("delivery", "push", "dispatch", "log", "start")
"""What is to be under way when the server is killed, in turn"""


def workflow(ledger: Path) -> str:
    """Two jobs, of which each writes into the ledger that it has begun and ended, and numbers its lines."""
    return f"""\
name: Count
on:
  push:
  workflow_dispatch:
    inputs: {{word: {{required: true}}}}
jobs:
  count:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "begin $GITHUB_RUN_ID count" >> {ledger}
          for block in 0 1 2 3 4 5 6 7; do seq -f 'line %g' $((block * 15 + 1)) $((block * 15 + 15)); sleep 0.05; done
          echo "end $GITHUB_RUN_ID count" >> {ledger}
  after:
    needs: count
    concurrency: after-${{{{ github.run_id }}}}
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "begin $GITHUB_RUN_ID after" >> {ledger}
          seq -f 'line %g' 1 {LAST_LINES}
          echo "end $GITHUB_RUN_ID after" >> {ledger}
"""


class Storm:
    """A server under load, and how it was killed."""

    def __init__(self, server: ServedProcess, folder: Path, forge: GitHubStandIn, clone_address: str) -> None:
        self.server = server
        self.forge = forge
        self.ledger = folder / "ledger"
        self.ledger.touch()
        self.under_way = UnderWay()
        self.hits: Counter[str] = Counter()
        """what was under way at the moments of the kills"""
        self.starts: list[float] = []
        """seconds from a start to the moment at which connections were taken"""
        self._chance = random.Random(SEED)
        self._text = workflow(self.ledger)
        self._hosting = folder / "hosting"
        self.own = PushedRepository(server, folder)
        self._prepare_forge(clone_address)
        self.first = self.own.checkout.commit({".github/workflows/count.yml": self._text})
        self.own.checkout.push()
        wait_until(lambda: self.own.get("actions/workflows")["workflows"])
        self.pushing = Pushing(self.own.checkout, server, self.under_way, self._dice())
        self.delivering = Delivering(FORGE, self._hosting, server, self.under_way, self._dice())
        path = f"{OWN}/actions/workflows/count.yml"
        self.dispatching = Dispatching(path, self.own.token, server, self.under_way, self._dice())

    @property
    def senders(self) -> Sequence[Sender]:
        return (self.pushing, self.delivering, self.dispatching)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """All send, until the end of the block; what is under way then is brought to its end."""
        for sender in self.senders:
            sender.start()
        try:
            yield
        finally:
            self.under_way.stopping.set()
            for sender in self.senders:
                sender.join()
        assert self.under_way.faults == []

    def kill(self, target: str) -> None:
        """At a moment of chance, with the target under way; and start again at once."""
        time.sleep(self._chance.uniform(0, 0.8))
        if target == "log":
            wait_until(self.writes_logs)
        elif target in ("delivery", "push", "dispatch"):
            self.under_way.await_one(target)  # type: ignore[arg-type]
        time.sleep(self._chance.choice((0, self._chance.uniform(0, 0.01), self._chance.uniform(0, 0.1))))
        found = [*self.under_way.now(), *(["log"] if self.writes_logs() else [])]
        self.server.kill()
        self.hits.update(found)
        if target == "start":
            self.hits.update(["start"])
            self.server.kill_while_starting(self._chance.uniform(0.3, 2.0))
        started = time.monotonic()
        self.server.start()
        self.starts.append(time.monotonic() - started)

    def writes_logs(self) -> bool:
        """Whether a job that prints has begun and not ended."""
        words = self.ledger.read_text().split("\n")
        return sum(word.startswith("begin") for word in words) > sum(word.startswith("end") for word in words)

    def _dice(self) -> random.Random:
        return random.Random(self._chance.random())

    def _prepare_forge(self, clone_address: str) -> None:
        with records(self.server) as kept:
            repository = kept.directory.add(
                HostedRepository(
                    id=0,
                    owner=FORGE.partition("/")[0],
                    name=FORGE.partition("/")[2],
                    origin="github",
                    server_url=self.forge.url,
                    clone_url=f"{clone_address}/{FORGE}",
                )
            )
            vault = TableVault(kept.database, KeyRing(DataFolder(str(self.server.folder)).keys))
            vault.put_system("webhook", SECRET, at=datetime.now(UTC))
            VaultForgeCredentials(vault).put(targets_of(repository)[0], token(), at=datetime.now(UTC))
        folder = init(self._hosting / FORGE)
        (folder / ".github" / "workflows").mkdir(parents=True)
        (folder / ".github" / "workflows" / "count.yml").write_text(self._text)
        commit(folder)


def test_nothing_that_was_accepted_is_lost_or_done_twice_however_often_the_server_is_killed(tmp_path: Path) -> None:
    print(f"\nseed {SEED}, {KILLS} kills")
    with (
        GitHubStandIn() as forge,
        git_server(tmp_path / "hosting") as hosting,
        served(tmp_path / "data", "--internal-forge", "127.0.0.1", "--parallel", "4") as server,
    ):
        storm = Storm(server, tmp_path, forge, hosting.address)
        with storm.sending():
            for number in range(KILLS):
                storm.kill(TARGETS[number % len(TARGETS)])
        with records(server) as kept:
            wait_until(lambda: is_quiet(kept), LONG * (4 if IS_SOAK else 1))
            runs = find_runs(storm, kept)
            assert_each_ran_once(storm, kept, runs)
            assert_logs_are_whole(storm, kept, runs)
            assert_statuses_are_right(storm, kept, runs)
            server.stop()
            assert_rows_are_folds_of_journals(kept)
        assert forge.faults == []
        tell(storm, runs)
        assert all(storm.hits[target] for target in TARGETS), storm.hits


def is_quiet(kept: Records) -> bool:
    """Whether all that was taken in is done, and told."""
    waiting = [
        (DELIVERIES, DELIVERIES.c.state == "pending"),
        (EVENTS, EVENTS.c.state == "pending"),
        (ATTEMPTS, ATTEMPTS.c.owner.is_not(None)),
        (OUTBOX, OUTBOX.c.is_due == 1),
        (NEWS, NEWS.c.id > 0),
    ]
    with kept.database.read() as connection:
        left = [
            connection.execute(select(func.count()).select_from(table).where(wanted)).scalar_one()
            for table, wanted in waiting
        ]
        # a push that git never carried out is given up only after a while
        pushes = connection.execute(select(func.count()).select_from(PUSHES)).scalar_one() if IS_SOAK else 0
    return not any(left) and not pushes


def find_runs(storm: Storm, kept: Records) -> dict[int, str]:
    """Every run with the commit it is of: exactly one for each thing that was accepted, none beside."""
    runs: dict[int, str] = {}
    events: dict[str, list[str]] = {"push": [], "delivery": [], "dispatch": []}
    for name in (OWN, FORGE):
        repository = kept.repository(name)
        before: int | None = None
        while found := kept.events.list(repository.id, before=before):
            before = found[-1].id
            for stored in found:
                started = [start for start in kept.starts(stored) if start.outcome == "started"]
                if stored.event.name == "create":
                    assert not started
                    continue
                assert len(started) == 1, (stored.delivery, stored.note, kept.starts(stored))
                runs[int(started[0].run)] = stored.event.sha
                if stored.event.name == "workflow_dispatch":
                    events["dispatch"].append(stored.event.payload["inputs"]["word"])
                else:
                    events["push" if name == OWN else "delivery"].append(stored.event.sha)
    assert sorted(events["push"]) == sorted([storm.first, *storm.pushing.accepted])
    assert sorted(events["delivery"]) == sorted(storm.delivering.accepted)
    dispatched = Counter(events["dispatch"])
    assert set(dispatched.values()) <= {1}
    assert set(storm.dispatching.accepted) <= set(dispatched)
    assert set(dispatched) <= {*storm.dispatching.accepted, *storm.dispatching.unanswered}
    with kept.database.read() as connection:
        assert set(connection.execute(select(ATTEMPTS.c.run)).scalars()) == set(runs)
        for table in (LEASES, GROUPS):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0, table.name
    return runs


def assert_each_ran_once(storm: Storm, kept: Records, runs: dict[int, str]) -> None:
    """By what the jobs themselves have left, and by the journals."""
    ledger = storm.ledger.read_text().splitlines()
    expected = [f"{word} {run} {job}" for run in runs for job in ("count", "after") for word in ("begin", "end")]
    assert sorted(ledger) == sorted(expected)
    for run in runs:
        facts = list(kept.runs.facts(str(run)))
        for kind in (JobStarted, JobFinished):
            assert sorted(fact.job for fact in facts if isinstance(fact, kind)) == ["after", "count"]
        (end,) = (fact for fact in facts if isinstance(fact, RunFinished))
        assert end.conclusion == "success"


def assert_logs_are_whole(storm: Storm, kept: Records, runs: dict[int, str]) -> None:
    """Every line once, in order, as the interface gives them."""
    names = {int(run): kept.runs.find(str(run)) for run in runs}
    for run, found in names.items():
        assert found is not None
        repository = PushedView(storm, found[0].repository)
        jobs = {job["name"]: job for job in repository.get(f"actions/runs/{run}/jobs")["jobs"]}
        assert {name: job["conclusion"] for name, job in jobs.items()} == {"count": "success", "after": "success"}
        for name, lines in (("count", LINES), ("after", LAST_LINES)):
            text = repository.text(f"actions/jobs/{jobs[name]['id']}/logs")
            numbers = [int(number) for number in re.findall(r"Z line (\d+)$", text, re.MULTILINE)]
            assert numbers == list(range(1, lines + 1)), (run, name)


def assert_statuses_are_right(storm: Storm, kept: Records, runs: dict[int, str]) -> None:
    """The last word about each commit is that it is well, here and at the forge."""
    statuses = TableStatuses(kept.database)
    for name in (OWN, FORGE):
        repository = kept.repository(name)
        for sha in storm.pushing.accepted if name == OWN else storm.delivering.accepted:
            states = [status.state for status in statuses.latest(repository.id, sha)]
            assert states, sha
            assert set(states) == {"success"}, sha
    told: dict[tuple[str, str], list[str]] = {}
    for status in storm.forge.statuses:
        told.setdefault((status["sha"], status["context"]), []).append(status["state"])
    assert {sha for sha, _ in told} == set(storm.delivering.accepted)
    assert Counter(sha for sha, _ in told) == dict.fromkeys(storm.delivering.accepted, 2)
    for key, in_order in told.items():
        assert in_order[-1] == "success", (key, in_order)


def assert_rows_are_folds_of_journals(kept: Records) -> None:
    """What lists are made of is what comes of reading all journals again."""
    tables = (HISTORY_RUNS, HISTORY_JOBS, HISTORY_FACETS)
    before = [list_rows(kept, table) for table in tables]
    fold_again(kept.database)
    for table, former in zip(tables, before, strict=True):
        assert list_rows(kept, table) == former, table.name


def list_rows(kept: Records, table: Table) -> list[dict[str, object]]:
    order = list(table.primary_key.columns)
    with kept.database.read() as connection:
        rows = connection.execute(select(table).order_by(*order)).mappings().all()
    found = [dict(row) for row in rows]
    for row in found:
        if "entry" in row:
            row["entry"] = msgspec.msgpack.decode(row["entry"])
    return found


class PushedView:
    """The interface of one repository, for the administrator."""

    def __init__(self, storm: Storm, name: str) -> None:
        self._own = storm.own
        self._name = name

    def get(self, path: str) -> dict[str, list[dict[str, object]]]:
        answer = self._own.ask("GET", f"../../{self._name}/{path}")
        assert answer.status_code == 200, answer.text
        decoded: dict[str, list[dict[str, object]]] = answer.json()
        return decoded

    def text(self, path: str) -> str:
        answer = self._own.ask("GET", f"../../{self._name}/{path}")
        assert answer.status_code == 200, answer.text
        return answer.text


def tell(storm: Storm, runs: dict[int, str]) -> None:
    """The figures, for `make soak`."""
    hits = ", ".join(f"{target} {storm.hits[target]}" for target in TARGETS)
    sent = ", ".join(f"{len(sender.accepted)} {sender.kind}" for sender in storm.senders)
    lines = len(runs) * (LINES + LAST_LINES)
    starts = storm.starts
    print(
        f"{KILLS} kills; under way then: {hits}\n"
        f"accepted: {sent}; {sum(sender.tries for sender in storm.senders)} tries,"
        f" {len(storm.dispatching.unanswered)} dispatches without an answer\n"
        f"{len(runs)} runs, {2 * len(runs)} jobs, {lines} lines: none lost, none twice\n"
        f"ready after {statistics.median(starts):.2f} s (median), {max(starts):.2f} s at most"
    )

"""Everything between a journal and a forge, with a database of the test's own and a clock that the test moves."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from homeport.event import Event
from homeport.forge.connections import ConnectedForges
from homeport.plan.model import Leg, Plan
from homeport.ports.directory import HostedRepository, RepositorySettings
from homeport.ports.forge import AppCredential, ForgeCredential, TokenCredential
from homeport.run.facts import Conclusion, JobExpanded, JobFinished, JobQueued, JobStarted, RunFact, RunQueued
from homeport.server.delivery import Delivery
from homeport.server.forge_credentials import VaultForgeCredentials, targets_of
from homeport.server.reporting import Reporting
from homeport.store.key_ring import KeyRing
from homeport.store.tables.database import Database
from homeport.store.tables.directory import TableDirectory
from homeport.store.tables.events import TableEvents
from homeport.store.tables.held_runs import TableHeldRuns
from homeport.store.tables.journal_reader import JournalReader
from homeport.store.tables.made_checks import TableMadeChecks
from homeport.store.tables.outbox import TableOutbox
from homeport.store.tables.reports import TableReports, mark_news
from homeport.store.tables.runs import TableRuns
from homeport.store.tables.statuses import TableStatuses
from homeport.store.vault import TableVault
from tests.support.forges.gitea import GiteaStandIn
from tests.support.forges.github import APP_ID, GitHubStandIn
from tests.support.plans import FixedClock, plan_of, record_of

SHA = "a" * 40
URL = "https://ci.example.com"


class ReportingBench:
    """One life of the part of a server that reports. `again` is the next life on the same database, as after kill -9."""

    def __init__(self, database: Database, folder: Path, clock: FixedClock, cleanup: ExitStack) -> None:
        self._cleanup = cleanup
        self.clock = clock
        self.database = database
        self.runs = TableRuns(database, "me", lambda _: False, (mark_news,))
        self.directory = TableDirectory(database)
        self.events = TableEvents(database, clock)
        self.outbox = TableOutbox(database)
        self.reports = TableReports(database)
        self.statuses = TableStatuses(database)
        self.credentials = VaultForgeCredentials(TableVault(database, KeyRing(str(folder / "keys"))))
        self.forges = ConnectedForges(self.credentials, clock, ["127.0.0.1"])
        cleanup.callback(self.forges.close)
        self.held = TableHeldRuns(database)
        self.made_checks = TableMadeChecks(database)
        self.reporting = Reporting(
            self.reports,
            JournalReader(database),
            self.runs,
            self.directory,
            clock,
            URL,
            self.events,
            self.held.find,
            made_checks=self.made_checks,
        )
        self.delivery = Delivery(self.outbox, self.directory, self.forges, clock, self.reporting.find_details)
        self._folder = folder

    def again(self) -> "ReportingBench":
        """Nothing of this life is told to the next but by the database."""
        following = ReportingBench(self.database, self._folder, self.clock, self._cleanup)
        following.runs = self.runs
        return following

    def add(
        self,
        forge: GitHubStandIn | GiteaStandIn | None,
        credential: ForgeCredential | None = None,
        settings: RepositorySettings | None = None,
    ) -> HostedRepository:
        """`octo/app`, at a forge or at home."""
        origin = "own" if forge is None else "github" if isinstance(forge, GitHubStandIn) else "gitea"
        repository = self.directory.add(
            HostedRepository(
                id=0,
                owner="octo",
                name="app",
                origin="own" if forge is None else "github" if origin == "github" else "gitea",
                server_url="" if forge is None else forge.url,
                clone_url="" if forge is None else f"{forge.url}/octo/app.git",
                settings=settings or RepositorySettings(),
            )
        )
        if credential is not None:
            self.credentials.put(targets_of(repository)[0], credential, at=self.clock.now())
        return repository

    def begin(self, run: str, *, attempt: int = 1, plan: Plan | None = None, event: str = "push") -> "Run":
        """A run's journal with its first fact."""
        plan = plan or plan_of()
        plan = msgspec.structs.replace(plan, event=msgspec.structs.replace(plan.event, name=event, sha=SHA))
        record = msgspec.structs.replace(record_of(run, attempt=attempt), workflow=plan.workflow.file)
        self.runs.create(record, plan)
        begun = Run(self, run, attempt)
        begun.add(
            RunQueued(
                at=self.clock.now(),
                run=run,
                workflow=plan.workflow.file,
                name="CI",
                event=event,
                run_name="",
                attempt=attempt,
            )
        )
        return begun

    def tell(self) -> None:
        """All that is to be done now: reading, and one try for each repository."""
        self.reporting.work_off()
        for repository in self.delivery.find_due():
            self.delivery.send(repository)


class Run:
    """Writes a journal."""

    def __init__(self, bench: ReportingBench, run: str, attempt: int = 1) -> None:
        self._bench = bench
        self._run = run
        self._attempt = attempt
        self._leases = 0

    def add(self, *facts: RunFact) -> None:
        self._bench.runs.append(self._run, self._attempt, facts)

    def queue(self, *legs: Leg) -> None:
        """The legs of one job are expanded and offered."""
        now = self._bench.clock.now()
        self.add(JobExpanded(at=now, run=self._run, job=legs[0].job_id, legs=legs))
        for each in legs:
            self._leases += 1
            lease = f"{self._run}.{self._attempt}.{self._leases}"
            self.add(JobQueued(at=now, run=self._run, job=each.key, lease=lease))

    def start(self, leg: Leg) -> None:
        self.add(
            JobStarted(
                at=self._bench.clock.now(),
                run=self._run,
                job=leg.key,
                job_id=leg.job_id,
                name=leg.name,
                matrix=leg.matrix,
                runner="one",
                lease=f"{self._run}.{self._attempt}.1",
            )
        )

    def finish(self, leg: Leg, outcome: Conclusion, conclusion: Conclusion | None = None, reason: str = "") -> None:
        self.add(
            JobFinished(
                at=self._bench.clock.now(),
                run=self._run,
                job=leg.key,
                job_id=leg.job_id,
                name=leg.name,
                matrix=leg.matrix,
                conclusion=conclusion or outcome,
                outcome=outcome,
                reason=reason or None,
            )
        )


def leg(key: str, name: str | None = None, **more: object) -> Leg:
    """One job as it will run."""
    made = Leg(key=key, job_id=key.partition(" (")[0], name=name or key)
    return msgspec.structs.replace(made, **more)


def token() -> TokenCredential:
    return TokenCredential("token-of-a-robot")


def app(forge: GitHubStandIn) -> AppCredential:
    return AppCredential(APP_ID, forge.private_key)


def push_of(plan: Plan, sha: str = SHA) -> Event:
    return msgspec.structs.replace(plan.event, sha=sha)


@contextmanager
def reporting_bench(folder: Path, clock: FixedClock | None = None) -> Iterator[ReportingBench]:
    """The first life."""
    with ExitStack() as cleanup:
        database = Database(f"sqlite:///{folder / 'homeport.db'}")
        cleanup.callback(database.close)
        yield ReportingBench(database, folder, clock or FixedClock(), cleanup)


def descriptions(statuses: Sequence[dict[str, object]], context: str) -> list[object]:
    """What was said of one context, in order."""
    return [each.get("description") for each in statuses if each["context"] == context]

"""Puts together what takes events in on a server: its git remote, webhooks, schedules, manual starts, and the planner behind them."""

from collections.abc import Callable, Mapping

from homeport.event import Event
from homeport.plan.model import Plan
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.forge import CloneCredential, ForgeAwayError, ForgeError
from homeport.ports.repositories import RunRecord
from homeport.server.access import Access
from homeport.server.deliveries import Deliveries, DeliveryParts
from homeport.server.fetching import Fetcher, FetchError
from homeport.server.forks import Forks
from homeport.server.git_remote import GitRemote, GitRemoteParts
from homeport.server.happenings import Happenings
from homeport.server.hooks import Hooks
from homeport.server.planning import Planner, Starter, Surroundings
from homeport.server.pushes import Pushes
from homeport.server.results import Results
from homeport.server.settings import ServerSettings
from homeport.store.data_folder import DataFolder
from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import TableDeliveries, TablePushes
from homeport.store.tables.directory import TableWorkflows
from homeport.store.tables.events import TableEvents

_KEPT = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"})


def open_happenings(
    settings: ServerSettings,
    database: Database,
    clock: Clock,
    environment: Mapping[str, str],
    *,
    access: Access,
    directory: RepositoryDirectory,
    events: TableEvents,
    results: Results,
    forks: Forks,
    start: Callable[[RunRecord, Plan], None],
) -> Happenings:
    """Nothing of it runs yet."""
    folder = DataFolder(settings.data)
    for_git = {name: value for name, value in environment.items() if name in _KEPT}
    workflows = TableWorkflows(database, clock)
    planner = Planner(
        events,
        Surroundings(
            directory=directory,
            workflows=workflows,
            folder=folder,
            clock=clock,
            environment=for_git,
            variables=access.vault.variables_for,
            start=_make_starter(forks, start),
            reporter=results.reporting,
        ),
    )
    pushes = Pushes(TablePushes(database), events, planner, directory, folder, clock, for_git, settings.url)
    remote = GitRemote(
        GitRemoteParts(directory=directory, folder=folder, pushes=pushes, audit=access.audit, environment=for_git)
    )
    fetcher = Fetcher(
        folder,
        for_git,
        internal_hosts=settings.internal_forges,
        find_credential=lambda repository: _find_clone_credential(results, repository),
    )
    deliveries = Deliveries(
        TableDeliveries(database),
        events,
        planner,
        DeliveryParts(
            directory=directory,
            folder=folder,
            clock=clock,
            fetcher=fetcher,
            reporter=results.reporting,
            environment=for_git,
            url=settings.url,
        ),
    )
    return Happenings(
        events=events,
        workflows=workflows,
        planner=planner,
        pushes=pushes,
        remote=remote,
        deliveries=deliveries,
        hooks=Hooks(deliveries, directory, access.vault, access.audit, clock),
    )


def _find_clone_credential(results: Results, repository: HostedRepository) -> CloneCredential | None:
    """None where nobody gave one: what is public can be fetched without. Raises `FetchError`."""
    try:
        forge = results.forges.find(repository)
        return None if forge is None else forge.get_clone_credential()
    except ForgeError as error:
        raise FetchError(str(error), may_pass=isinstance(error, ForgeAwayError)) from error


def _make_starter(forks: Forks, start: Callable[[RunRecord, Plan], None]) -> Starter:
    def begin(repository: HostedRepository, event: Event, record: RunRecord, plan: Plan) -> None:
        if forks.admit(repository, event, record, plan):
            start(record, plan)

    return begin

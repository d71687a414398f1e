"""Puts together what takes events in on a server: its git remote, webhooks, schedules, manual starts, and the planner behind them."""

from collections.abc import Callable, Mapping, Sequence

from homeport.cli.action_sources import VARIABLE
from homeport.cli.errors import UsageError
from homeport.event import Event
from homeport.plan.files import ParsedFile
from homeport.plan.model import Plan
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.forge import CloneCredential, ForgeAwayError, ForgeError
from homeport.ports.repositories import RunRecord, RunRepository
from homeport.server.access import Access
from homeport.server.chains import Chains
from homeport.server.deliveries import Deliveries, DeliveryParts
from homeport.server.dispatches import Dispatches
from homeport.server.fetching import Fetcher, FetchError
from homeport.server.forks import Forks
from homeport.server.git_remote import GitRemote, GitRemoteParts
from homeport.server.happenings import Happenings
from homeport.server.hooks import Hooks
from homeport.server.planning import Planner, Starter, Surroundings
from homeport.server.polling import Polling
from homeport.server.pushes import Pushes
from homeport.server.results import Results
from homeport.server.schedules import Schedules
from homeport.server.settings import ServerSettings
from homeport.store.action_locations import Locations, SourceSyntaxError, parse_sources
from homeport.store.actions_folder import FolderActions
from homeport.store.data_folder import DataFolder
from homeport.store.remote_workflows import RemoteWorkflows
from homeport.store.tables.database import Database
from homeport.store.tables.deliveries import TableDeliveries
from homeport.store.tables.directory import TableWorkflows
from homeport.store.tables.events import TableEvents
from homeport.store.tables.pushes import TablePushes
from homeport.store.tables.schedules import TableSchedules
from homeport.store.tables.seen_refs import TableSeenRefs

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
    runs: RunRepository,
    start: Callable[[RunRecord, Plan], None],
) -> Happenings:
    """Nothing of it runs yet."""
    folder = DataFolder(settings.data)
    for_git = {name: value for name, value in environment.items() if name in _KEPT}
    workflows = TableWorkflows(database, clock)
    locations = _read_action_sources(environment, folder)

    def note_schedules(repository: HostedRepository, actor: str, parsed: Sequence[ParsedFile]) -> None:
        schedules.note(repository, actor, parsed)  # they are made further down

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
            on_default_branch=note_schedules,
            open_remote=lambda: RemoteWorkflows(
                lambda: FolderActions(folder.path, locations, environment, clock)  # anew, for it remembers who was away
            ),
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
    schedules = Schedules(TableSchedules(database), events, planner, directory, fetcher, clock, settings.url)
    return Happenings(
        events=events,
        workflows=workflows,
        planner=planner,
        pushes=pushes,
        remote=remote,
        deliveries=deliveries,
        hooks=Hooks(deliveries, directory, access.vault, access.audit, clock),
        dispatches=Dispatches(planner, fetcher, clock, settings.url),
        schedules=schedules,
        polling=Polling(
            TableSeenRefs(database), events, planner, directory, folder, fetcher, clock, for_git, settings.url
        ),
        chains=Chains(events, planner, directory, runs, settings.url),
    )


def _read_action_sources(environment: Mapping[str, str], folder: DataFolder) -> Locations:
    """Where workflows of other repositories are looked for, as `homeport run` does. Raises `UsageError`."""
    try:
        return parse_sources(environment.get(VARIABLE, "").split(), folder.path)
    except SourceSyntaxError as error:
        raise UsageError(f"{VARIABLE}: {error}") from error


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

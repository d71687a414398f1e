"""Puts together what takes events in on a server: its git remote, webhooks, schedules, manual starts, and the planner behind them."""

from collections.abc import Callable, Mapping, Sequence

from homeport.cli.action_sources import VARIABLE
from homeport.cli.errors import UsageError
from homeport.cli.server_ground import Ground
from homeport.event import Event
from homeport.plan.files import FetchedFiles, ParsedFile
from homeport.plan.model import Plan
from homeport.ports.directory import HostedRepository
from homeport.ports.forge import CloneCredential, ForgeAwayError, ForgeError
from homeport.ports.repositories import RunRecord
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
from homeport.server.pull_polling import PullPolling
from homeport.server.pushes import Pushes
from homeport.server.results import Results
from homeport.server.schedules import Schedules
from homeport.store.action_locations import SourceSyntaxError, parse_sources
from homeport.store.actions_folder import FolderActions
from homeport.store.remote_workflows import RemoteWorkflows
from homeport.store.tables.deliveries import TableDeliveries
from homeport.store.tables.directory import TableWorkflows
from homeport.store.tables.pushes import TablePushes
from homeport.store.tables.refused_workflows import TableRefusedWorkflows
from homeport.store.tables.schedules import TableSchedules
from homeport.store.tables.seen_pulls import TableSeenPulls
from homeport.store.tables.seen_refs import TableSeenRefs

_KEPT = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"})


def open_happenings(
    ground: Ground, results: Results, forks: Forks, start: Callable[[RunRecord, Plan], None]
) -> Happenings:
    """Nothing of it runs yet. Raises `UsageError`."""
    database, clock, url = ground.database, ground.clock, ground.settings.url
    directory, folder, events = ground.directory, ground.folder, ground.events
    for_git = {name: value for name, value in ground.environment.items() if name in _KEPT}
    workflows = TableWorkflows(database, clock)

    def note_schedules(repository: HostedRepository, actor: str, parsed: Sequence[ParsedFile]) -> None:
        schedules.note(repository, actor, parsed)  # they are made further down

    planner = Planner(
        events,
        Surroundings(
            directory=directory,
            workflows=workflows,
            refused=TableRefusedWorkflows(database),
            folder=folder,
            clock=clock,
            environment=for_git,
            variables=ground.access.vault.variables_for,
            start=_make_starter(forks, start),
            reporter=results.reporting,
            on_default_branch=note_schedules,
            open_remote=_find_remote_workflows(ground),
        ),
    )
    fetcher = Fetcher(
        folder,
        for_git,
        internal_hosts=ground.settings.internal_forges,
        find_credential=lambda repository: _find_clone_credential(results, repository),
    )
    pushes = Pushes(TablePushes(database), events, planner, directory, folder, clock, for_git, url)
    deliveries = _make_deliveries(ground, results, planner, fetcher, for_git)
    schedules = Schedules(TableSchedules(database), events, planner, directory, fetcher, clock, url)
    return Happenings(
        events=events,
        workflows=workflows,
        planner=planner,
        pushes=pushes,
        remote=_make_remote(ground, pushes, for_git),
        deliveries=deliveries,
        hooks=Hooks(deliveries, directory, ground.access.vault, ground.access.audit, clock),
        dispatches=Dispatches(planner, fetcher, clock, url),
        schedules=schedules,
        polling=Polling(
            TableSeenRefs(database),
            events,
            planner,
            directory,
            folder,
            fetcher,
            clock,
            for_git,
            url,
            pulls=PullPolling(TableSeenPulls(database), results.forges, deliveries.wake, clock),
        ),
        chains=Chains(events, planner, directory, ground.stores.runs, url),
    )


def _make_remote(ground: Ground, pushes: Pushes, for_git: Mapping[str, str]) -> GitRemote:
    return GitRemote(
        GitRemoteParts(
            directory=ground.directory,
            folder=ground.folder,
            pushes=pushes,
            audit=ground.access.audit,
            environment=for_git,
        )
    )


def _make_deliveries(
    ground: Ground, results: Results, planner: Planner, fetcher: Fetcher, for_git: Mapping[str, str]
) -> Deliveries:
    return Deliveries(
        TableDeliveries(ground.database),
        ground.events,
        planner,
        DeliveryParts(
            directory=ground.directory,
            folder=ground.folder,
            clock=ground.clock,
            fetcher=fetcher,
            reporter=results.reporting,
            environment=for_git,
            url=ground.settings.url,
        ),
    )


def _find_remote_workflows(ground: Ground) -> Callable[[], FetchedFiles]:
    """How workflows of other repositories are fetched, as `homeport run` does. Raises `UsageError`."""
    try:
        locations = parse_sources(ground.environment.get(VARIABLE, "").split(), ground.folder.path)
    except SourceSyntaxError as error:
        raise UsageError(f"{VARIABLE}: {error}") from error
    return lambda: RemoteWorkflows(  # its actions anew each time, for they remember who was away
        lambda: FolderActions(ground.folder.path, locations, ground.environment, ground.clock)
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

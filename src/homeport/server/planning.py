"""From an event to its runs: each event is planned once, in the order of its repository, and each of its runs is started once.

An event is durable before anybody is told that it was taken in. Planning it may be cut off anywhere and is then done again: the id of
each run is tied to the event and the workflow before the run exists, so the second time finds the same run, and leaves it alone.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Any, Protocol

import msgspec

from homeport.event import Event
from homeport.git.changes import empty_tree, find_event_paths
from homeport.git.hosted import open_hosted
from homeport.git.repository import GitError, GitRepository
from homeport.language import nodes
from homeport.language.parser.workflow import parse_workflow
from homeport.plan.choice import Choice, Refused, choose
from homeport.plan.contexts import RunIdentity
from homeport.plan.files import FetchedFiles, ParsedBefore, ParsedFile, WorkflowFiles
from homeport.plan.model import NotStarted, Plan
from homeport.ports.clock import Clock
from homeport.ports.directory import HostedRepository, RepositoryDirectory
from homeport.ports.events import KnownWorkflow, StoredEvent, WorkflowStart
from homeport.ports.repositories import RunRecord, StoreError
from homeport.server.default_build import DEFAULT_FILE, write_default_build
from homeport.server.lanes import AT_ONCE, Lanes
from homeport.server.shadow import shade
from homeport.store.data_folder import DataFolder
from homeport.store.tables.directory import TableWorkflows
from homeport.store.tables.events import TableEvents
from homeport.store.tables.refused_workflows import TableRefusedWorkflows

_THREADS = 2
_OF_ONE_WORKFLOW = frozenset({"workflow_dispatch", "schedule"})
_BUILT_BY_DEFAULT = frozenset({"push", "pull_request"})
_MOST_REMEMBERED = 256
_MOST_IN_A_ROW = 32
"""How many events of a repository are planned before another's turn comes"""


class Starter(Protocol):
    """What becomes of a plan."""

    def __call__(self, repository: HostedRepository, event: Event, record: RunRecord, plan: Plan) -> None:
        """Start the run, or hold it until somebody approves; durable when it returns. Doing it twice is doing it once."""
        ...


class Reporter(Protocol):
    """Where it is said that a workflow could not be started. Both are safe to repeat."""

    def report_starts(
        self, repository: HostedRepository, event: Event, number: int, starts: Sequence[WorkflowStart]
    ) -> None:
        """What an event meant for each workflow; `number` is the stored event's."""
        ...

    def report_problem(self, repository: HostedRepository, sha: str, name: str, words: str, *, number: int) -> None:
        """Something that kept all workflows from starting."""
        ...


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What planning needs of the rest of the server."""

    directory: RepositoryDirectory
    workflows: TableWorkflows
    refused: TableRefusedWorkflows
    folder: DataFolder
    clock: Clock
    environment: Mapping[str, str]
    """what git gets"""
    variables: Callable[[HostedRepository], Mapping[str, str]]
    """the `vars` context"""
    open_remote: Callable[[], FetchedFiles] | None = None
    """fetches workflows of other repositories; None: none are fetched"""
    start: Starter
    reporter: Reporter
    on_default_branch: Callable[[HostedRepository, str, Sequence[ParsedFile]], None] = lambda *_: None
    """is told the workflows of a default branch when it was pushed to, and by whom"""


class Planner:
    """An `Intake` and a `BackgroundPart`."""

    def __init__(self, events: TableEvents, surroundings: Surroundings) -> None:
        self._events = events
        self._around = surroundings
        self._lanes = Lanes("planner", self._plan_next, threads=_THREADS)
        self._planned = threading.Condition()
        self._parsed_before = ParsedBefore()
        self._listening: dict[tuple[int, str], bool] = {}
        """whether a repository's default branch, at a commit, has workflows that wait for others"""
        self._log = logging.getLogger("homeport.planning")

    def start(self) -> None:
        """Begin with what the last process had accepted."""
        for repository in self._events.repositories_with_pending():
            self._lanes.wake(repository)
        self._lanes.start()

    def stop(self) -> None:
        """The event that is being planned is finished; the others wait in the database."""
        self._lanes.stop()

    def accept(self, repository: HostedRepository, event: Event, *, delivery: str) -> None:
        """Durable when it returns; known deliveries change nothing. Raises `StoreError`."""
        if self._events.accept([(repository.id, delivery, event)]):
            self._lanes.wake(repository.id)

    def wake(self, repository: int) -> None:
        """Events were put into the database by other ways."""
        self._lanes.wake(repository)

    def find_git(self, repository: HostedRepository) -> GitRepository | None:
        """The repository as it is kept here; for the thread that asks."""
        return open_hosted(self._around.folder.repository(repository.id), self._around.environment)

    def read_files(self, repository: HostedRepository, git: GitRepository, sha: str) -> WorkflowFiles:
        """The workflows of a commit."""

        def list_names(folder: str) -> Sequence[str]:
            return [name.rpartition("/")[2] for name in git.list_tree(sha, folder)]

        return WorkflowFiles(
            list_names,
            lambda file: git.show(sha, file),
            self._around.open_remote,
            folders=repository.settings.workflow_folders,
            parsed_before=self._parsed_before,
        )

    def note_tip(self, repository: HostedRepository, actor: str) -> None:
        """The default branch has moved without an event: what it has of workflows and schedules counts from now on."""
        git = self.find_git(repository)
        tip = None if git is None else git.find_ref(f"refs/heads/{repository.default_branch}")
        if git is None or tip is None:
            return
        parsed = self.read_files(repository, git, tip).read_all()
        names = {file.file: file.name for file in parsed}
        self._around.workflows.note(repository.id, names, is_default_branch=True)
        self._remember(repository, tip, parsed)
        self._around.on_default_branch(repository, actor, parsed)

    def has_listeners(self, repository: HostedRepository) -> bool:
        """Whether a workflow of the default branch waits for the runs of others (`on: workflow_run`)."""
        git = self.find_git(repository)
        return git is not None and self._has_listeners(repository, git)

    def find_workflow(self, repository: HostedRepository, path: str) -> dict[str, Any]:
        """The `workflow` of a payload."""
        known = self._around.workflows.find(repository.id, path)
        if known is None:
            return {"id": 0, "name": path, "path": path, "state": "deleted"}
        return {"id": known.id, "name": known.name, "path": known.path, "state": known.state}

    def wait_for(self, repository: int, delivery: str, seconds: float) -> StoredEvent | None:
        """The event of a delivery, once it is planned; None where it is not after so many seconds."""

        def find() -> StoredEvent | None:
            stored = self._events.find_by_delivery(repository, delivery)
            return stored if stored is not None and stored.state == "planned" else None

        with self._planned:
            return self._planned.wait_for(find, seconds) or None

    # --- one event ----------------------------------------------------------------------------------------------------

    def _plan_next(self, number: int) -> float | None:
        """Some events in a row: all of them ask the same git, and what became of them is written while the next is planned."""
        git = open_hosted(self._around.folder.repository(number), self._around.environment)
        concluded: list[Future[None]] = []
        last = 0
        with nullcontext() if git is None else git.reading():
            while len(concluded) < _MOST_IN_A_ROW and not (concluded and self._lanes.is_stopping):
                stored = self._events.next_pending(number, last)
                if stored is None:
                    break
                last = stored.id
                concluded.append(self._plan_one(stored, git))
                self._tell_planned()  # of those before it
        for future in concluded:
            future.result()
        self._tell_planned()
        return AT_ONCE if concluded else None

    def _tell_planned(self) -> None:
        with self._planned:
            self._planned.notify_all()

    def _plan_one(self, stored: StoredEvent, git: GitRepository | None) -> "Future[None]":
        try:
            return self._plan(stored, git)
        except StoreError:
            raise
        except Exception as error:  # whatever it was, the events behind this one must not wait for ever
            about = {
                "event": stored.event.name,
                "delivery": stored.delivery,
                "repository": stored.event.repository.full_name,
            }
            self._log.exception("an event cannot be planned", extra=about)
            return self._events.conclude(stored.id, f"a fault of Homeport's own: {type(error).__name__}: {error}", [])

    def _plan(self, stored: StoredEvent, git: GitRepository | None) -> "Future[None]":
        repository = self._around.directory.get(stored.repository)
        if repository is None or git is None:
            return self._events.conclude(stored.id, "the repository is not here any more", [])
        try:
            starts = self._start_workflows(stored, repository, git)
        except GitError as error:
            self._around.reporter.report_problem(repository, stored.event.sha, "Homeport", str(error), number=stored.id)
            return self._events.conclude(stored.id, f"the commit cannot be read: {error}", [])
        self._around.reporter.report_starts(repository, stored.event, stored.id, starts)
        if stored.event.name == "push" and stored.event.ref == f"refs/heads/{repository.default_branch}":
            self._around.refused.note(repository.id, stored.id, starts)
        self._report_conflict(repository, stored)
        note = "" if starts else _say_what_is_missing(stored.event, repository)
        return self._events.conclude(stored.id, note, [start for start in starts if start.outcome != "started"])

    def _start_workflows(
        self, stored: StoredEvent, repository: HostedRepository, git: GitRepository
    ) -> list[WorkflowStart]:
        event = stored.event
        files = self.read_files(repository, git, event.sha)
        parsed = files.read_all()
        if not parsed and event.name in _BUILT_BY_DEFAULT and repository.settings.builds_without_workflows:
            parsed = _read_default_build(git, event.sha)
        switched_off = _find_switched_off(self._note_workflows(repository, git, event, parsed))
        identities: dict[str, RunIdentity] = {}

        def identify(workflow: nodes.Workflow) -> RunIdentity:
            identities[workflow.file] = self._identify(stored, repository, git, workflow)
            return identities[workflow.file]

        wanted = [file for file in parsed if file.file not in switched_off and _is_meant(file, event)]
        choices = choose(
            wanted,
            files,
            event,
            changed_paths=lambda: find_event_paths(git, event),
            variables=self._around.variables(repository),
            identify=identify,
        )
        off = [
            WorkflowStart(workflow=file.file, name=file.name, outcome="disabled", reason=switched_off[file.file])
            for file in parsed
            if file.file in switched_off and _is_meant(file, event)
        ]
        return [*(self._carry_on(stored, repository, choice, identities) for choice in choices), *off]

    def _carry_on(
        self,
        stored: StoredEvent,
        repository: HostedRepository,
        choice: Choice,
        identities: Mapping[str, RunIdentity],
    ) -> WorkflowStart:
        file, name = choice.parsed.file, choice.parsed.name
        match choice.outcome:
            case Plan() as plan:
                return self._start(stored, repository, plan, identities[file])
            case NotStarted(reason=reason):
                return WorkflowStart(workflow=file, name=name, outcome="not-started", reason=reason)
            case Refused(diagnostics=diagnostics):
                first = next(iter(diagnostics), None)
                reason = "" if first is None else f"line {first.span.line}: {first.message}"
                return WorkflowStart(
                    workflow=file, name=name, outcome="refused", reason=reason, diagnostics=diagnostics
                )

    def _start(
        self, stored: StoredEvent, repository: HostedRepository, plan: Plan, identity: RunIdentity
    ) -> WorkflowStart:
        record = RunRecord(
            id=identity.id,
            repository=repository.full_name,
            workflow=plan.workflow.file,
            number=identity.number,
            created_at=self._around.clock.now(),
            repository_id=repository.id,
            delivery=stored.delivery,
        )
        chosen = shade(plan) if repository.settings.is_shadow else plan
        self._around.start(repository, stored.event, record, chosen)
        return WorkflowStart(
            workflow=record.workflow, name=plan.workflow.name, outcome="started", run=record.id, number=record.number
        )

    def _identify(
        self, stored: StoredEvent, repository: HostedRepository, git: GitRepository, workflow: nodes.Workflow
    ) -> RunIdentity:
        name = workflow.file if workflow.name is None else workflow.name.value
        is_watched = self._has_listeners(repository, git)
        return self._events.identify(stored, workflow.file, name, is_watched=is_watched)

    def _report_conflict(self, repository: HostedRepository, stored: StoredEvent) -> None:
        match stored.event.name, stored.event.payload:
            case "pull_request", {"pull_request": {"mergeable": False, "head": {"sha": str(sha)}}}:
                self._around.reporter.report_problem(
                    repository,
                    sha,
                    "pull_request",
                    "the pull request has a merge conflict: its workflows cannot run",
                    number=stored.id,
                )

    # --- what is known of a repository's workflows --------------------------------------------------------------------

    def _note_workflows(
        self, repository: HostedRepository, git: GitRepository, event: Event, parsed: Sequence[ParsedFile]
    ) -> Sequence[KnownWorkflow]:
        """What is known of those that were parsed."""
        tip = git.find_ref(f"refs/heads/{repository.default_branch}")
        is_default = event.sha == tip
        names = {file.file: file.name for file in parsed}
        known: Sequence[KnownWorkflow] = ()
        if names or is_default:
            known = self._around.workflows.note(repository.id, names, is_default_branch=is_default)
        if is_default:
            self._remember(repository, event.sha, parsed)
            if event.name == "push":
                self._around.on_default_branch(repository, event.actor, parsed)
        return known

    def _has_listeners(self, repository: HostedRepository, git: GitRepository) -> bool:
        """Whether a workflow of the default branch waits for the runs of others (`on: workflow_run`)."""
        tip = git.find_ref(f"refs/heads/{repository.default_branch}")
        if tip is None:
            return False
        if (repository.id, tip) not in self._listening:
            self._remember(repository, tip, self.read_files(repository, git, tip).read_all())
        return self._listening[repository.id, tip]

    def _remember(self, repository: HostedRepository, sha: str, parsed: Sequence[ParsedFile]) -> None:
        if len(self._listening) >= _MOST_REMEMBERED:
            self._listening = {}
        self._listening[repository.id, sha] = any(
            file.workflow is not None and file.workflow.find_trigger("workflow_run") is not None for file in parsed
        )


def _find_switched_off(known: Sequence[KnownWorkflow]) -> dict[str, str]:
    states = {"disabled_manually", "disabled_inactivity"}
    return {one.path: "the workflow is disabled" for one in known if one.state in states}


def _say_what_is_missing(event: Event, repository: HostedRepository) -> str:
    folders = ", ".join(repository.settings.workflow_folders)
    wanted = event.payload.get("workflow") if event.name in _OF_ONE_WORKFLOW else None
    return f"there is no workflow {wanted!r} in {folders}" if wanted else f"there are no workflows in {folders}"


def _is_meant(file: ParsedFile, event: Event) -> bool:
    """A manual start and a schedule are for one workflow only."""
    if event.name not in _OF_ONE_WORKFLOW:
        return True
    wanted = event.payload.get("workflow")
    return not isinstance(wanted, str) or wanted in {file.file, file.file.rpartition("/")[2]}


def _read_default_build(git: GitRepository, sha: str) -> list[ParsedFile]:
    """What is done where nothing was written: see `default_build`."""
    text = write_default_build(git.changed_paths(empty_tree(sha), sha))
    if text is None:
        return []
    workflow, diagnostics = parse_workflow(text, DEFAULT_FILE)
    return [ParsedFile(DEFAULT_FILE, workflow, tuple(diagnostics))]

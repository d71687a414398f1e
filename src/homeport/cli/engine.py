"""Puts the parts together that carry runs out in this process: stores, coordinator, runner threads, and who looks on."""

import os
from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING

import msgspec

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.execution import Execution
from homeport.cli.home import find_home
from homeport.cli.job_services import JobServices
from homeport.cli.session import Onlookers, Session
from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.peer import InProcessPeer
from homeport.coordinator.surroundings import Policy, Stores
from homeport.event import Event
from homeport.runner.job import JobRunner
from homeport.runner.loop import serve
from homeport.runner.settings import RunnerSettings

if TYPE_CHECKING:
    from homeport.toolkit.local import LocalToolkit


class WorkingTree(msgspec.Struct, frozen=True):
    """The `Sources` of local runs."""

    folder: str
    in_place: bool
    find: Callable[[str, str], str | None]
    is_bare: bool = False

    def find_repository(self, repository: str, ref: str) -> str | None:
        """Where another repository is to be read."""
        return self.find(repository, ref)


class Engine:
    """Everything that one invocation needs to carry out runs of one repository folder (`source`)."""

    def __init__(
        self,
        console: Console,
        execution: Execution,
        stores: Stores,
        onlookers: Onlookers,
        *,
        source: str,
        event: Event,
    ) -> None:
        self.clock = SystemClock()
        self._console = console
        self._execution = execution
        self._home = find_home(console.environment)
        self._tree = WorkingTree(source, execution.in_place, self._find_repository)
        self._cache_name = _cache_name(source, event)
        self._onlookers = onlookers
        self._runs = stores.runs
        self._peer = InProcessPeer()
        policy = Policy(labels=execution.labels, missing_runner=execution.missing_runner, secrets=execution.secrets)
        self.coordinator = Coordinator(stores, self._peer, self.clock, policy=policy, broadcast=onlookers.feed)
        self.session = Session(self.coordinator, self._peer, onlookers, self.clock, self._start_runners)
        self._services = JobServices(
            console,
            execution,
            self._home,
            self._tree,
            open_artifacts=self._open_artifacts,
            open_caches=self._open_caches,
            make_toolkit=self._make_toolkit,
        )

    def _start_runners(self) -> Thread:
        runner = JobRunner(self._services.build(), self._settings())
        thread = Thread(target=self._serve, args=(runner,), name="runners")
        thread.start()
        return thread

    def _serve(self, runner: JobRunner) -> None:
        try:
            serve(self._peer, runner, parallel=self._execution.parallel)
        finally:
            self._services.close()

    def _settings(self) -> RunnerSettings:
        on_step_failure = None
        if self._execution.shell_on_failure:
            from homeport.cli.failure_shell import FailureShell  # noqa: PLC0415 - rarely needed

            on_step_failure = FailureShell(self._onlookers, self._console)
        return RunnerSettings(
            name=os.uname().nodename,
            preference=self._execution.preference,
            strict_services=self._execution.strict_services,
            images=self._execution.images,
            requires_container=self._execution.requires_container,
            pause_on_failure=self._execution.pause_on_failure,
            on_step_failure=on_step_failure,
            on_fault=self.session.note_fault,
        )

    def _find_repository(self, repository: str, ref: str) -> str | None:
        from homeport.cli.action_sources import find_repository  # noqa: PLC0415 - few jobs check out another repository

        return find_repository(self._execution.action_sources, self._console, repository, ref)

    def _make_toolkit(self) -> "LocalToolkit":
        from homeport.cli.toolkit import make_toolkit  # noqa: PLC0415 - only actions that are not native may call it

        return make_toolkit(
            self._console,
            self._runs,
            self._open_artifacts,
            self._open_caches,
            source=self._tree.folder,
            on_fault=self.session.note_fault,
        )

    def _open_artifacts(self) -> object:
        from homeport.store.artifacts_folder import FolderArtifacts  # noqa: PLC0415 - hashlib is slow to import

        return FolderArtifacts(self._home, self.clock)

    def _open_caches(self) -> object:
        from homeport.store.caches_folder import FolderCaches  # noqa: PLC0415 - hashlib is slow to import

        search_path = self._console.environment.get("PATH", os.defpath)
        return FolderCaches(self._home, self._cache_name, self.clock, search_path=search_path)


def _cache_name(source: str, event: Event) -> str:
    """Whose caches are used: the repository's, or the folder's where the repository's name is made up."""
    is_made_up = any(part in ("repository", "repository.owner", "repository.name") for part in event.made_up)
    return source if is_made_up else event.repository.full_name

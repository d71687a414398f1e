"""Puts the parts together that carry runs out in this process: stores, coordinator, runner threads, and who looks on."""

import os
from collections.abc import Callable
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, cast

import msgspec

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.docker_host import find_docker_host
from homeport.cli.execution import Execution
from homeport.cli.home import find_home
from homeport.cli.isolation import add_sandbox
from homeport.cli.session import Onlookers, Session
from homeport.coordinator.coordinator import Coordinator
from homeport.coordinator.peer import InProcessPeer
from homeport.coordinator.surroundings import Policy, Stores
from homeport.event import Event
from homeport.language.tokens import StringToken
from homeport.ports.action_sources import ActionSources
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.containers import ServiceHost
from homeport.ports.executor import Executor
from homeport.ports.toolkit import Toolkit
from homeport.runner.actions.model import ResolvedAction, Surroundings
from homeport.runner.executors.process import ProcessExecutor
from homeport.runner.job import JobRunner
from homeport.runner.loop import serve
from homeport.runner.manners.shims import install_shims
from homeport.runner.settings import RunnerSettings, Services

if TYPE_CHECKING:
    from homeport.runner.containers.host import ContainerHost
    from homeport.toolkit.local import LocalToolkit


class WorkingTree(msgspec.Struct, frozen=True):
    """The `Sources` of local runs."""

    folder: str
    in_place: bool
    find: Callable[[str, str], str | None]

    def find_repository(self, repository: str, ref: str) -> str | None:
        """Where another repository is to be read."""
        return self.find(repository, ref)


class Deferred:
    """Stands for something that is slow to import or open, until it is first used."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object | None = None
        self._lock = Lock()

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return getattr(self._made, name)


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
        self._containers: ContainerHost | None = None
        self._toolkit: LocalToolkit | None = None
        self._runs = stores.runs
        self._peer = InProcessPeer()
        policy = Policy(labels=execution.labels, missing_runner=execution.missing_runner, secrets=execution.secrets)
        self.coordinator = Coordinator(stores, self._peer, self.clock, policy=policy, broadcast=onlookers.feed)
        self.session = Session(self.coordinator, self._peer, onlookers, self.clock, self._start_runners)

    def _start_runners(self) -> Thread:
        runner = JobRunner(self._services(), self._settings())
        thread = Thread(target=self._serve, args=(runner,), name="runners")
        thread.start()
        return thread

    def _serve(self, runner: JobRunner) -> None:
        try:
            serve(self._peer, runner, parallel=self._execution.parallel)
        finally:
            if self._containers is not None:
                self._containers.close()
            if self._toolkit is not None:
                self._toolkit.close()

    def _make_executor(self) -> Executor:
        shims = install_shims(self._home)
        # sandboxed jobs are not told: an engine's socket is a way out
        environment, pass_names = self._console.environment, self._execution.pass_env
        if (docker_host := find_docker_host(environment)) is not None:
            environment, pass_names = {**environment, "DOCKER_HOST": docker_host}, (*pass_names, "DOCKER_HOST")
        process = ProcessExecutor(
            work_folder=os.path.join(self._home, "work"),
            tool_cache=os.path.join(self._home, "tools"),
            host_environment=environment,
            pass_names=pass_names,
            in_place=self._tree.folder if self._tree.in_place else None,
            shims=shims,
        )
        return add_sandbox(
            self._execution.isolation,
            process,
            home=self._home,
            source=self._tree.folder,
            in_place=self._tree.in_place,
            environment=self._console.environment,
            pass_names=self._execution.pass_env,
            shims=shims,
            tell=lambda text: self._console.say(f"homeport: warning: {text}"),
        )

    def _services(self) -> Services:
        return Services(
            executor=self._make_executor(),
            clock=self.clock,
            resolve=_resolve_action,
            artifacts=cast("ArtifactStore", Deferred(self._open_artifacts)),
            caches=cast("CacheStore", Deferred(self._open_caches)),
            sources=self._tree,
            actions=cast("ActionSources", Deferred(self._open_actions)),
            service_host=cast("ServiceHost", Deferred(self._open_services)),
            enclosed_services=None
            if self._execution.services == "engine"
            else cast("ServiceHost", Deferred(self._open_enclosed_services)),
            containers=cast("ContainerHost", Deferred(self._get_containers)),
            toolkit=cast("Toolkit", Deferred(self._open_toolkit)),
        )

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

    def _open_services(self) -> object:
        from homeport.cli.service_host import make_service_host  # noqa: PLC0415 - many runs have no services

        containers = self._get_containers()
        return make_service_host(
            self._execution.services, containers, self._home, self._console.environment, self.clock
        )

    def _open_enclosed_services(self) -> object:
        from homeport.cli.service_host import make_enclosed_host  # noqa: PLC0415 - many runs have no services

        return make_enclosed_host(self._execution.isolation, self._home, self._console.environment, self.clock)

    def _get_containers(self) -> "ContainerHost":
        if self._containers is None:
            from homeport.runner.containers.host import ContainerHost  # noqa: PLC0415 - many runs need none

            self._containers = ContainerHost(
                self._home, self._console.environment, is_walled=self._execution.isolation.is_sandboxed
            )
        return self._containers

    def _find_repository(self, repository: str, ref: str) -> str | None:
        from homeport.cli.action_sources import find_repository  # noqa: PLC0415 - few jobs check out another repository

        return find_repository(self._execution.action_sources, self._console, repository, ref)

    def _open_actions(self) -> object:
        from homeport.cli.action_sources import open_actions  # noqa: PLC0415 - many workflows use no action

        return open_actions(self._execution.action_sources, self._console)

    def _open_toolkit(self) -> object:
        from homeport.cli.toolkit import make_toolkit  # noqa: PLC0415 - only actions that are not native may call it

        self._toolkit = make_toolkit(
            self._console,
            self._runs,
            self._open_artifacts,
            self._open_caches,
            source=self._tree.folder,
            on_fault=self.session.note_fault,
        )
        return self._toolkit

    def _open_artifacts(self) -> object:
        from homeport.store.artifacts_folder import FolderArtifacts  # noqa: PLC0415 - hashlib is slow to import

        return FolderArtifacts(self._home, self.clock)

    def _open_caches(self) -> object:
        from homeport.store.caches_folder import FolderCaches  # noqa: PLC0415 - hashlib is slow to import

        search_path = self._console.environment.get("PATH", os.defpath)
        return FolderCaches(self._home, self._cache_name, self.clock, search_path=search_path)


def _resolve_action(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
    from homeport.runner.actions.resolve import resolve_action  # noqa: PLC0415 - many workflows use no action

    return resolve_action(uses, surroundings)


def _cache_name(source: str, event: Event) -> str:
    """Whose caches are used: the repository's, or the folder's where the repository's name is made up."""
    is_made_up = any(part in ("repository", "repository.owner", "repository.name") for part in event.made_up)
    return source if is_made_up else event.repository.full_name

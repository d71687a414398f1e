"""Puts together what jobs use, for runners in this process: their executor, stores, services, actions and toolkit."""

import os
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from homeport.cli.clock import SystemClock
from homeport.cli.console import Console
from homeport.cli.docker_host import find_docker_host
from homeport.cli.execution import Execution
from homeport.cli.isolation import add_sandbox
from homeport.language.tokens import StringToken
from homeport.ports.action_sources import ActionSources
from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.containers import ServiceHost
from homeport.ports.executor import Executor
from homeport.ports.toolkit import Toolkit
from homeport.runner.actions.model import ResolvedAction, Surroundings
from homeport.runner.executors.process import ProcessExecutor
from homeport.runner.host import Sources
from homeport.runner.manners.shims import install_shims
from homeport.runner.settings import Services

if TYPE_CHECKING:
    from homeport.runner.containers.host import ContainerHost
    from homeport.toolkit.local import LocalToolkit


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


class JobServices:
    """What the jobs of one process use. Nothing of it is opened before it is needed.

    `home` is where everything is kept; `sources` the repository that jobs belong to. `open_artifacts`, `open_caches` and `make_toolkit`
    open what differs between a local run and a server's.
    """

    def __init__(
        self,
        console: Console,
        execution: Execution,
        home: str,
        sources: Sources,
        *,
        open_artifacts: Callable[[], object],
        open_caches: Callable[[], object],
        make_toolkit: "Callable[[], LocalToolkit]",
    ) -> None:
        self._console = console
        self._execution = execution
        self._home = home
        self._sources = sources
        self._open_artifacts = open_artifacts
        self._open_caches = open_caches
        self._make_toolkit = make_toolkit
        self._clock = SystemClock()
        self._containers: ContainerHost | None = None
        self._toolkit: LocalToolkit | None = None

    def build(self) -> Services:
        """For a `JobRunner`."""
        return Services(
            executor=self._make_executor(),
            clock=self._clock,
            resolve=_resolve_action,
            artifacts=cast("ArtifactStore", Deferred(self._open_artifacts)),
            caches=cast("CacheStore", Deferred(self._open_caches)),
            sources=self._sources,
            actions=cast("ActionSources", Deferred(self._open_actions)),
            service_host=cast("ServiceHost", Deferred(self._open_services)),
            enclosed_services=None
            if self._execution.services == "engine"
            else cast("ServiceHost", Deferred(self._open_enclosed_services)),
            containers=cast("ContainerHost", Deferred(self._get_containers)),
            toolkit=cast("Toolkit", Deferred(self._open_toolkit)),
        )

    def close(self) -> None:
        """When no job runs any more."""
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
            in_place=self._sources.folder if self._sources.in_place else None,
            shims=shims,
        )
        return add_sandbox(
            self._execution.isolation,
            process,
            home=self._home,
            source=self._sources.folder,
            in_place=self._sources.in_place,
            environment=self._console.environment,
            pass_names=self._execution.pass_env,
            shims=shims,
            tell=lambda text: self._console.say(f"homeport: warning: {text}"),
        )

    def _open_services(self) -> object:
        from homeport.cli.service_host import make_service_host  # noqa: PLC0415 - many runs have no services

        containers = self._get_containers()
        return make_service_host(
            self._execution.services, containers, self._home, self._console.environment, self._clock
        )

    def _open_enclosed_services(self) -> object:
        from homeport.cli.service_host import make_enclosed_host  # noqa: PLC0415 - many runs have no services

        return make_enclosed_host(self._execution.isolation, self._home, self._console.environment, self._clock)

    def _get_containers(self) -> "ContainerHost":
        if self._containers is None:
            from homeport.runner.containers.host import ContainerHost  # noqa: PLC0415 - many runs need none

            self._containers = ContainerHost(
                self._home, self._console.environment, is_walled=self._execution.isolation.is_sandboxed
            )
        return self._containers

    def _open_actions(self) -> object:
        from homeport.cli.action_sources import open_actions  # noqa: PLC0415 - many workflows use no action

        return open_actions(self._execution.action_sources, self._console)

    def _open_toolkit(self) -> object:
        self._toolkit = self._make_toolkit()
        return self._toolkit


def _resolve_action(uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
    from homeport.runner.actions.resolve import resolve_action  # noqa: PLC0415 - many workflows use no action

    return resolve_action(uses, surroundings)

"""What one job has of containers: a network, services in it, its own container, and those of actions; all of it removed at its end."""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from homeport.ports.containers import ContainerSpec, RunningService, ServiceUnavailableError
from homeport.ports.peer import JobOrder
from homeport.runner.containers.creation import Frame, find_breach
from homeport.runner.containers.engine import Engine
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.monitors import end_monitors
from homeport.runner.containers.services import EngineService
from homeport.runner.toolkit_access import CONTAINERS_NAME


class JobContainers:
    """Of one job. `release` forgets it at its host, told whether everything is gone. Used by the job's threads."""

    def __init__(
        self,
        engine: Engine,
        labels: Mapping[str, str],
        network: str,
        release: Callable[[bool], None],
        *,
        is_walled: bool = False,
    ) -> None:
        self.engine = engine
        self.labels = labels
        self.network = network
        self.job_container = ""
        """the id of the job's own container; empty where it has none"""
        self._release = release
        self._is_walled = is_walled
        self._services: list[EngineService] = []
        self._containers: list[str] = []
        self._has_network = False
        self._gateway = ""
        self._lock = threading.Lock()

    def make_network(self) -> str:
        """The job's network, made when it is first needed; its name. Raises `EngineError`."""
        with self._lock:
            if not self._has_network:
                self.engine.create_network(self.network, self.labels)
                self._has_network = True
                self._gateway = self.engine.find_gateway(self.network)
        return self.network

    @property
    def hosts(self) -> Sequence[str]:
        """What the job's containers know besides each other: this machine."""
        return [f"{CONTAINERS_NAME}:{self._gateway}"] if self._gateway else []

    @property
    def gateway(self) -> str:
        """The machine's address in the job's network; empty where it has none."""
        return self._gateway

    # --- services -----------------------------------------------------------------------------------------------------

    def start(self, spec: ContainerSpec) -> RunningService:
        """Start a service. Raises `ServiceUnavailableError`."""
        if self._is_walled and (breach := find_breach(spec)) is not None:
            message = f"it asks for {breach}, which a sandboxed job may not have"
            raise ServiceUnavailableError(message, spec.span)
        try:
            self.make_network()
        except EngineError as error:
            raise ServiceUnavailableError(error.message, spec.span, hint=error.hint) from error
        frame = Frame(
            network=self.network,
            labels=self.labels,
            aliases=[spec.name],
            environment={"GITHUB_ACTIONS": "true", "CI": spec.env.get("CI", "true")},
            hosts=self.hosts,
        )
        service = EngineService(self.engine, spec, frame)
        self._services.append(service)
        return service

    # --- containers ---------------------------------------------------------------------------------------------------

    def add(self, container: str) -> None:
        """A container that must go with the job, if it is not gone before."""
        self._containers.append(container)

    def remove(self, container: str) -> None:
        """Remove one. Raises `EngineError`."""
        self.engine.remove(container)
        if self.engine.is_podman:
            end_monitors(container)
        if container in self._containers:
            self._containers.remove(container)

    def close(self) -> None:
        """Remove everything, and go on where something cannot be. Safe to repeat."""
        work = [service.close for service in self._services]
        work += [partial(self.remove, container) for container in tuple(self._containers)]
        if self._has_network:
            work.append(partial(self.engine.remove_network, self.network))
        is_gone = all([_attempt(each) for each in work])  # noqa: C419 - all of them
        self._services, self._containers, self._has_network = [], [], False
        self._release(is_gone)


def _attempt(work: Callable[[], None]) -> bool:
    """What an engine cannot remove now is removed when Homeport starts next, by its labels."""
    try:
        work()
    except EngineError:
        return False
    return True


class OrderServices:
    """The `JobServices` of one job: its containers, seen as services. The job's own container may outlive them."""

    def __init__(self, containers: JobContainers) -> None:
        self._containers = containers

    @property
    def network(self) -> str:
        """Where they are."""
        return self._containers.network

    def start(self, spec: ContainerSpec) -> RunningService:
        """Start one."""
        return self._containers.start(spec)

    def close(self) -> None:
        """Remove all that the job has."""
        self._containers.close()


def name_network(order: JobOrder, salt: str) -> str:
    """As GitHub names it: `github_network_` and 32 hexadecimal digits."""
    import hashlib  # noqa: PLC0415 - slow to import

    digest = hashlib.sha256(f"{order.run}\0{order.lease}\0{salt}".encode()).hexdigest()
    return f"github_network_{digest[:32]}"

"""The machine's container engine for all jobs of a run: found when the first one needs it, and left as it was found."""

import os
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from homeport.ports.containers import ContainerSpec, ServiceUnavailableError
from homeport.ports.peer import JobOrder
from homeport.runner.containers.discovery import (
    Address,
    describe_absence,
    list_addresses,
    missing_package,
    no_engine,
)
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.ownership import describe_owner, make_labels
from homeport.runner.folders import make_folder, write_file
from homeport.runner.session import JobSession

if TYPE_CHECKING:
    from homeport.runner.containers.engine import Engine
    from homeport.runner.containers.jobs import JobContainers, OrderServices
    from homeport.runner.containers.podman_service import PodmanService

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class ContainerHost:
    """Containers for jobs, and a `ServiceHost`. Thread-safe. `home` is Homeport's own folder, `environment` the user's."""

    def __init__(
        self,
        home: str,
        environment: Mapping[str, str],
        *,
        is_walled: Callable[[JobOrder], bool] = lambda _: False,
    ) -> None:
        self._home = home
        self._is_walled = is_walled
        self._environment = environment
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._service: PodmanService | None = None
        self._failure: EngineError | None = None
        self._is_clean = True
        self._jobs: dict[str, JobContainers] = {}
        self._mark = f"{home}/engines/{describe_owner()}"

    # --- the engine ---------------------------------------------------------------------------------------------------

    def connect(self) -> "Engine":
        """The engine, looked for once. Raises `EngineError`, with all that was tried."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._engine is None:
                try:
                    self._engine, self._service = find_engine(self._environment)
                except EngineError as error:
                    self._failure = error
                    raise
                self._remember(self._engine)
            return self._engine

    def _remember(self, engine: "Engine") -> None:
        """So that the next Homeport knows where to look, should this one be killed."""
        make_folder(os.path.dirname(self._mark))
        try:
            write_file(self._mark, b"" if self._service is not None else engine.address.encode())
        except FileExistsError:
            return

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def open_job(self, order: JobOrder) -> "JobContainers":
        """The containers of a job; the same ones each time, until they are closed. Raises `EngineError`."""
        from homeport.runner.containers.jobs import JobContainers, name_network  # noqa: PLC0415 - an optional extra

        engine = self.connect()
        with self._lock:
            found = self._jobs.get(order.lease)
            if found is None:
                labels = make_labels(self._home, order.run, order.leg.key)
                network = name_network(order, labels["homeport.owner"])
                found = JobContainers(
                    engine,
                    labels,
                    network,
                    lambda is_gone: self._forget(order.lease, is_gone=is_gone),
                    is_walled=self._is_walled(order),
                )
                self._jobs[order.lease] = found
            return found

    def _forget(self, lease: str, *, is_gone: bool) -> None:
        with self._lock:
            self._jobs.pop(lease, None)
            self._is_clean &= is_gone

    @property
    def owner_labels(self) -> Mapping[str, str]:
        """Of what outlives jobs."""
        return {"homeport.home": self._home}

    @property
    def owns_engine(self) -> bool:
        """Whether the engine's socket is there for Homeport only."""
        return self._service is not None

    def find_mount_refusal(self, order: JobOrder) -> str | None:
        """Why a job's folders cannot be in a container; None where they can."""
        if self._is_walled(order):
            return "it is sandboxed, and a container stands outside of the sandbox"
        try:
            engine = self.connect()
        except EngineError as error:
            return error.message if error.hint is None else f"{error.message} ({error.hint})"
        if engine.is_local or urllib.parse.urlsplit(engine.address).hostname in _LOCAL_HOSTS:
            return None
        return f"the engine at {engine.address} is on another machine, and does not see the job's workspace"

    # --- services -----------------------------------------------------------------------------------------------------

    def find_refusal(self, spec: ContainerSpec) -> str | None:
        """Why this container cannot be had at all: no engine, or something in it that is not supported."""
        try:
            self.connect()
        except EngineError as error:
            return error.message if error.hint is None else f"{error.message} ({error.hint})"
        from homeport.runner.containers.creation import check_options  # noqa: PLC0415 - an optional extra

        return check_options(spec)

    def open(self, order: JobOrder) -> "OrderServices":
        """The services of a job. Raises `ServiceUnavailableError`."""
        try:
            containers = self.open_job(order)
        except EngineError as error:
            raise ServiceUnavailableError(error.message, order.job.id_span, hint=error.hint) from error
        from homeport.runner.containers.jobs import OrderServices  # noqa: PLC0415 - an optional extra

        return OrderServices(containers)

    def close(self) -> None:
        """All jobs have ended. Removes what they left, and ends the engine if it was started here. Safe to repeat."""
        for job in list(self._jobs.values()):
            job.close()
        with self._lock:
            engine, self._engine = self._engine, None
            service, self._service = self._service, None
        if engine is not None:
            engine.close()
            if self._is_clean:
                _unlink(self._mark)
        if service is not None:
            service.close(is_clean=self._is_clean)


def find_engine(environment: Mapping[str, str], *, own: bool = False) -> "tuple[Engine, PodmanService | None]":
    """The first engine that answers, and podman's service if that was started for it. `own`: no other than that will do.

    Raises `EngineError`, with all that was tried.
    """
    try:
        import docker  # noqa: F401, PLC0415 - an optional extra
    except ImportError as error:
        if (absence := describe_absence(environment)) is not None:
            raise EngineError(absence) from error
        raise missing_package(error) from error
    reasons: list[str] = []
    for address in list_addresses(environment):
        if own and not address.podman:
            continue
        try:
            return _try(address, environment)
        except EngineError as error:
            reasons.append(f"{address.url or address.podman}: {error.message}")
    raise no_engine(reasons)


def _try(address: Address, environment: Mapping[str, str]) -> "tuple[Engine, PodmanService | None]":
    from homeport.runner.containers.engine import Engine  # noqa: PLC0415 - an optional extra

    if address.url:
        return Engine(address.url), None
    from homeport.runner.containers.podman_service import PodmanService  # noqa: PLC0415 - rarely needed

    service = PodmanService(address.podman, environment, describe_owner())
    try:
        return Engine(f"unix://{service.socket}"), service
    except EngineError:
        service.close()
        raise


def get_host(session: JobSession) -> ContainerHost:
    """The host of a job that has been found to need it (`runner/unsupported.py` refuses where there is none)."""
    return cast("ContainerHost", session.services.containers)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return

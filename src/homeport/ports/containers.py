"""Containers of a job, and the services that stand beside it, whoever carries them out: a container engine, or programs of this machine.

The order of calls for one job: `ServiceHost.open` → `start` for each service, in the order in which they are written → `close`, whatever happened.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from homeport.diagnostics.span import Span
from homeport.ports.peer import JobOrder

Health = Literal["starting", "healthy", "unhealthy", "ended"]


class ContainerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """`jobs.<id>.container`, or one of `services`, with everything evaluated. Never holds an empty image: those are not started.

    `ports` and `volumes` as they are written (`5432:5432/tcp`, `/tmp`); `options` is one string of arguments of `docker create`.
    `password` is a secret and must not show in a list of processes, a log or an error.
    """

    name: str
    """the service's id; empty for the job's own container"""
    image: str
    username: str = ""
    password: str = ""
    env: Mapping[str, str] = {}
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    options: str = ""
    entrypoint: str = ""
    command: str = ""
    span: Span


class ServiceUnavailableError(Exception):
    """A service (or container) cannot be had here, or did not come up. `log` is what it printed, for the user to see."""

    def __init__(self, message: str, span: Span, *, hint: str | None = None, log: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint
        self.log = log


class RunningService(Protocol):
    """A service that was started."""

    @property
    def id(self) -> str:
        """`job.services.<id>.id`: the container's id, or a name that says what it is where there is no container."""
        ...

    @property
    def network(self) -> str:
        """`job.services.<id>.network`."""
        ...

    @property
    def ports(self) -> Mapping[str, str]:
        """`job.services.<id>.ports`: port of the service → port where the job reaches it."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What differs from what was asked for and should be seen, such as another major version: raised as warnings."""
        ...

    def health(self) -> Health:
        """How it stands now. Does not wait. What has no health check is healthy as soon as it runs (and accepts connections, natively)."""
        ...

    def log(self) -> str:
        """What it has printed so far."""
        ...


class JobServices(Protocol):
    """The services of one job. Used by the job's thread."""

    @property
    def network(self) -> str:
        """The network that they are in; empty where they are programs of this machine."""
        ...

    def start(self, spec: ContainerSpec) -> RunningService:
        """Start one, without waiting for its health. Raises `ServiceUnavailableError`."""
        ...

    def close(self) -> None:
        """End and remove all of them, with their data and what belongs to them. Safe to call twice and after a failed start."""
        ...


class ServiceHost(Protocol):
    """A way to have services. Thread-safe. `find_refusal` is asked before anything starts, so that a job learns all that is missing at once."""

    def find_refusal(self, spec: ContainerSpec) -> str | None:
        """Why a service cannot be had here at all (no engine, and no provider for its image); None where it can be tried."""
        ...

    def open(self, order: JobOrder) -> JobServices:
        """Prepare for a job. Raises `ServiceUnavailableError`."""
        ...


class ContainerEngines(ServiceHost, Protocol):
    """A way to have containers that see a job's folders: for jobs and actions that run in one. Services among them share its network."""

    def find_mount_refusal(self, order: JobOrder) -> str | None:
        """Why the folders of this job cannot be in a container here (no engine, or one elsewhere); None where they can."""
        ...

"""What a native provider is: it knows an image's documented interface, and carries it out with a program of this machine."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from homeport.ports.containers import ContainerSpec
from homeport.runner.services.create_options import CreateOptions
from homeport.runner.services.images import Image
from homeport.runner.services.keeper import Keeper
from homeport.runner.services.ports import PortRequest
from homeport.runner.services.programs import Search


class Honoured(msgspec.Struct, frozen=True):
    """The variable does what it does in the image."""


class WithoutEffect(msgspec.Struct, frozen=True):
    """The variable is accepted, does nothing, and that is said."""

    why: str


class Meaningless(msgspec.Struct, frozen=True):
    """The variable does nothing that a job could see; nothing is said."""


class Refused(msgspec.Struct, frozen=True):
    """A job that sets it cannot be served."""

    why: str


Treatment = Honoured | WithoutEffect | Meaningless | Refused
Variables = Mapping[str, Treatment]
"""By the names that the image documents; what it does not know does nothing there either."""


class Volume(msgspec.Struct, frozen=True):
    """`source` is empty for an anonymous volume, without a slash for a named one."""

    source: str
    target: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a workflow asks of a service, taken apart. `env` is that of `env` and of `options`; `arguments` is `command`."""

    spec: ContainerSpec
    image: Image
    options: CreateOptions
    env: Mapping[str, str]
    ports: Sequence[PortRequest]
    volumes: Sequence[Volume]
    arguments: Sequence[str]
    entrypoint: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service is started. `folder` is its own, and belongs to the user whose process it becomes."""

    keeper: Keeper
    folder: str
    store: str
    """the provider's own, kept between jobs, for what takes long to make; not there yet, perhaps"""
    output: str
    """the file that its log goes to"""
    search: Search
    port: int
    say: Callable[[str], None]
    """a line for the service's log"""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How the program is started, once everything is prepared."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    product: str
    """what it is, with its version: `PostgreSQL 15.18`"""
    is_ready: Callable[[], bool]
    """whether it answers on its port; takes a moment only"""
    health_environment: Mapping[str, str] = {}
    """for `--health-cmd`: where the service is, in the words of its own clients"""
    search_path: str = ""
    """folders with the clients that belong to it"""
    clients: Mapping[str, tuple[str, ...]] = {}
    """clients in a `--health-cmd` that must be told by arguments where the service is: those come first"""
    own_health: tuple[str, ...] = ()
    """words of a `--health-cmd` that only the image can answer; `is_ready` does then"""
    shown: tuple[str, ...] = ()
    """what the program must be able to read besides its own installation"""
    stop: int = signal.SIGKILL
    drop: bool = True
    remarks: tuple[str, ...] = ()


class Provider(Protocol):
    """One kind of service. It has no state: several jobs use it at the same time."""

    @property
    def variables(self) -> Variables:
        """The environment variables that the image documents."""
        ...

    def find_port(self, asked: Asked) -> int:
        """The port that the service listens on inside its container: what `ports` refers to."""
        ...

    def list_problems(self, asked: Asked, search: Search) -> list[str]:
        """Why it cannot be served; asked before anything is started. Variables and options were looked at already."""
        ...

    def list_remarks(self, asked: Asked) -> list[str]:
        """What will not be as it was asked for."""
        ...

    def prepare(self, asked: Asked, place: Place) -> Launch:
        """Do what must be done before it runs. Raises `ServiceProgramError`."""
        ...


def compare_versions(image: Image, product: str, major: int) -> tuple[str, ...]:
    """The remark that another major version runs than the image's tag says; none where the tag says none."""
    if image.major is None or image.major == major:
        return ()
    return (f"'{image.text}' asks for version {image.major}, and {product} runs: this machine has no {image.major}",)


def locate(volume: Volume) -> str | None:
    """The path of this machine that a volume shows, where there is one."""
    return volume.source if os.path.isabs(volume.source) and os.path.exists(volume.source) else None

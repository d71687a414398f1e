"""Services as programs of this machine, for machines without a container engine: each image that is known has a provider.

What an image promises and a program of this machine cannot keep is refused before anything starts, or is a remark, which a job shows as a
warning (`--strict-services`: as a failure).
"""

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Any, cast

from homeport.ports.clock import Clock
from homeport.ports.containers import ContainerSpec, Health, ServiceUnavailableError
from homeport.ports.peer import JobOrder
from homeport.runner.folders import write_file
from homeport.runner.services.account import find_account
from homeport.runner.services.create_options import HealthOptions, read_create_options
from homeport.runner.services.health import CommandCheck, HealthCommand, PortCheck
from homeport.runner.services.images import Image, read_image
from homeport.runner.services.keeper import Keeper, ServiceProgramError, read_log
from homeport.runner.services.ports import HeldPort, PortError, PortHolder, read_ports
from homeport.runner.services.programs import Search, is_program
from homeport.runner.services.providers.model import (
    Asked,
    Honoured,
    Launch,
    Meaningless,
    Place,
    Provider,
    Refused,
    Volume,
    WithoutEffect,
)
from homeport.runner.services.wall import Wall
from homeport.runner.services.words import split_words

_PROVIDERS = {
    "postgres": ("postgres", "PostgresProvider", ()),
    "redis": ("redis", "RedisProvider", ("redis",)),
    "valkey/valkey": ("redis", "RedisProvider", ("valkey",)),
    "localstack/localstack": ("localstack", "LocalstackProvider", ()),
    "minio/minio": ("minio", "MinioProvider", ()),
}
"""By the image's name: module below `providers`, class, and what it is made with. A module is imported when its image is asked for."""
_OTHERS = {
    "postgis/postgis": "PostGIS is not part of a plain PostgreSQL server; `postgres` has a provider",
    "pgvector/pgvector": "pgvector is not part of a plain PostgreSQL server; `postgres` has a provider",
    "timescale/timescaledb": "TimescaleDB is not part of a plain PostgreSQL server; `postgres` has a provider",
    "bitnami/postgresql": "its variables differ from those of `postgres`, which has a provider",
    "bitnami/redis": "its variables differ from those of `redis`, which has a provider",
    "bitnami/minio": "its variables differ from those of `minio/minio`, which has a provider",
    "redis/redis-stack": "its modules are not part of a plain Redis server; `redis` has a provider",
    "redis/redis-stack-server": "its modules are not part of a plain Redis server; `redis` has a provider",
    "localstack/localstack-pro": "what needs a licence of LocalStack is not here; `localstack/localstack` has a provider",
}
_ENGINE_HINT = "podman or Docker on this machine would run the image itself"


class NativeServiceHost:
    """The `ServiceHost` of a machine without an engine. Thread-safe.

    `home` is where what takes long to make is kept; `search` says where programs are looked for; `wall` is for the services of
    sandboxed jobs.
    """

    def __init__(
        self,
        home: str,
        search: Search,
        clock: Clock,
        wall: Wall | None = None,
    ) -> None:
        self._store = os.path.join(home, "services")
        self._search = search
        self._clock = clock
        self._ports = PortHolder()
        self._wall = wall

    def find_refusal(self, spec: ContainerSpec) -> str | None:
        """Everything that stands in the way: no provider, an option or a variable that cannot be honoured, no program."""
        image = read_image(spec.image)
        provider = find_provider(image)
        if provider is None:
            known = ", ".join(_PROVIDERS)
            why = _OTHERS.get(image.name, f"there are providers for {known}")
            return f"there is no provider for the image '{spec.image}' without a container engine: {why}"
        asked, problems = ask_for(spec, image)
        problems += _list_outside(self._wall, asked)
        problems += [
            f"{name} cannot be honoured: {treatment.why}"
            for name in asked.env
            if isinstance(treatment := provider.variables.get(name), Refused)
        ]
        if not problems:
            problems += provider.list_problems(asked, self._search)
            inner = provider.find_port(asked)
            if len([port for port in asked.ports if port.container == inner]) > 1:
                problems.append(f"port {inner} is asked for twice: a program listens on one port")
        return "; ".join(problems) or None

    def open(self, order: JobOrder) -> "NativeJobServices":
        """Make the job's folder and the process that keeps its services."""
        try:
            keeper = Keeper(find_account(), self._wall)
        except (OSError, ServiceProgramError) as error:
            raise ServiceUnavailableError(f"services cannot be started here: {error}", order.job.id_span) from error
        return NativeJobServices(keeper, self._store, self._search, self._clock, self._ports, order.leg.name)


class NativeJobServices:
    """The services of one job."""

    network = ""

    def __init__(self, keeper: Keeper, store: str, search: Search, clock: Clock, ports: PortHolder, job: str) -> None:
        self._keeper = keeper
        self._store = store
        self._search = search
        self._clock = clock
        self._ports = ports
        self._job = job
        self._held: list[HeldPort] = []
        self._count = 0

    def start(self, spec: ContainerSpec) -> "NativeService":
        """Prepare its data and start it. A taken port is an error that names it."""
        image = read_image(spec.image)
        provider = find_provider(image)
        if provider is None:
            raise ServiceUnavailableError(f"there is no provider for the image '{spec.image}'", spec.span)
        asked, _ = ask_for(spec, image)
        inner = provider.find_port(asked)
        wanted = next((port.host for port in asked.ports if port.container == inner), 0)
        try:
            held = self._ports.hold(wanted, f"the service '{spec.name}' of the job '{self._job}'")
        except PortError as error:
            hint = f"`ports: [{inner}]` takes a free port; steps find it in job.services.{spec.name}.ports['{inner}']"
            raise ServiceUnavailableError(str(error), spec.span, hint=hint) from error
        self._held.append(held)
        self._count += 1
        place = self._make_place(held.number, f"{self._store}/{image.name.rpartition('/')[2]}")
        try:
            launch = provider.prepare(asked, place)
            if not launch.drop:
                os.chown(place.folder, os.geteuid(), os.getegid())
            pid = self._keeper.start(
                launch.arguments,
                launch.environment,
                place.folder,
                output=place.output,
                stop=launch.stop,
                drop=launch.drop,
                shown=launch.shown,
            )
        except ServiceProgramError as error:
            log = "\n".join(part for part in (read_log(place.output), error.log) if part)
            raise ServiceUnavailableError(str(error), spec.span, log=log) from error
        except OSError as error:
            raise ServiceUnavailableError(f"its data cannot be made: {error}", spec.span) from error
        remarks = (*_list_remarks(provider, asked, inner), *launch.remarks)
        return NativeService(self._keeper, self._clock, pid, place, asked, launch, inner, remarks)

    def _make_place(self, port: int, store: str) -> Place:
        folder = self._keeper.make_folder(str(self._count))
        output = f"{folder}.log"

        def say(line: str) -> None:
            descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, f"{line}\n".encode("utf-8", "replace"))
            finally:
                os.close(descriptor)

        return Place(
            keeper=self._keeper,
            folder=folder,
            store=store,
            output=output,
            search=self._search,
            port=port,
            say=say,
        )

    def close(self) -> None:
        """End them and remove their data; their ports are free again."""
        self._keeper.close()
        for held in self._held:
            held.release()
        self._held = []


class NativeService:
    """One program that runs."""

    def __init__(
        self,
        keeper: Keeper,
        clock: Clock,
        pid: int,
        place: Place,
        asked: Asked,
        launch: Launch,
        inner: int,
        remarks: tuple[str, ...],
    ) -> None:
        self._keeper = keeper
        self._pid = pid
        self._place = place
        self._product = launch.product
        self.remarks = remarks
        self._ports = {str(port.container): str(place.port) for port in asked.ports if port.container == inner}
        self._is_healthy = False
        self._check = _make_check(keeper, clock, place, asked, launch, inner)

    @property
    def id(self) -> str:
        """What it is, and where."""
        return f"{self._product.replace(' ', '-').lower()}-on-port-{self._place.port}"

    @property
    def network(self) -> str:
        """There is none."""
        return ""

    @property
    def ports(self) -> Mapping[str, str]:
        """The one port, if the job asks for it."""
        return self._ports

    def health(self) -> Health:
        """Starting, until its check succeeds once; ended, when its program has ended."""
        try:
            if self._keeper.poll(self._pid) is not None:
                return "ended"
            if self._is_healthy:
                return "healthy"
            state = self._check.look()
        except ServiceProgramError:
            return "ended"  # with the process that keeps it
        self._is_healthy = state == "healthy"
        return state

    def log(self) -> str:
        """What the program printed, after what was done for it; and the last answer of a health command that never succeeded."""
        text = read_log(self._place.output)
        check = self._check
        if isinstance(check, CommandCheck):
            text += f"{check.note}\n" if check.note else ""
            if check.last_output and not self._is_healthy:
                text += f"The health command printed last: {check.last_output}"
        return text


def _list_outside(wall: Wall | None, asked: Asked) -> list[str]:
    """What a sandboxed job may not have: a service that reads the machine's files for it, or one that it cannot reach."""
    if wall is None:
        return []
    problems = [
        f"the volume {volume.source} is of this machine, and the job is in a sandbox"
        for volume in asked.volumes
        if os.path.isabs(volume.source)
    ]
    return problems if wall.has_network else [*problems, "a job in a sandbox without a network could not reach it"]


def find_provider(image: Image) -> Provider | None:
    """Who can serve an image."""
    found = _PROVIDERS.get(image.name)
    if found is None:
        return None
    module, name, arguments = found
    made: Callable[..., Any] = getattr(importlib.import_module(f"homeport.runner.services.providers.{module}"), name)
    return cast("Provider", made(*arguments))


def ask_for(spec: ContainerSpec, image: Image) -> tuple[Asked, list[str]]:
    """What a service asks for, taken apart, and what is wrong with how it is written."""
    options = read_create_options(spec.options)
    ports, problems = read_ports((*spec.ports, *options.ports))
    volumes = []
    for text in (*spec.volumes, *options.volumes):
        parts = text.split(":")
        volumes.append(Volume(parts[0] if len(parts) > 1 else "", parts[1] if len(parts) > 1 else parts[0]))
    asked = Asked(
        spec=spec,
        image=image,
        options=options,
        env={**spec.env, **options.env},
        ports=ports,
        volumes=volumes,
        arguments=split_words(spec.command),
        entrypoint=spec.entrypoint or options.entrypoint,
    )
    return asked, [*options.refused, *problems]


def _list_remarks(provider: Provider, asked: Asked, inner: int) -> list[str]:
    remarks = list(asked.options.without_effect)
    for name in asked.env:
        match provider.variables.get(name):
            case WithoutEffect(why):
                remarks.append(f"the variable {name} has no effect: {why}")
            case Honoured() | Meaningless() | Refused() | None:
                continue
    others = [str(port.container) for port in asked.ports if port.container != inner or port.protocol != "tcp"]
    if others:
        shown = f"{others[0]}-{others[-1]}" if len(others) > 3 else ", ".join(others)
        remarks.append(f"port {shown} is not served: the service listens on {inner} only")
    return [*remarks, *provider.list_remarks(asked)]


def _make_clients(keeper: Keeper, place: Place, launch: Launch, path: str) -> str:
    """A folder with clients that go to the service's port where none is named."""
    folder = f"{place.folder}.clients"
    os.mkdir(folder, 0o755)
    for name, arguments in launch.clients.items():
        found = next((each for each in (f"{part}/{name}" for part in path.split(":")) if is_program(each)), None)
        if found is not None:
            words = " ".join(_quote(word) for word in (keeper.bring(found), *arguments))
            write_file(f"{folder}/{name}", f'#!/bin/sh\nexec {words} "$@"\n'.encode())
            os.chmod(f"{folder}/{name}", 0o755)  # noqa: S103 - the services' user is to run it
    return folder


def _quote(word: str) -> str:
    """A word for a shell (paths of programs and numbers)."""
    return "'" + word.replace("'", "'\\''") + "'"


def _make_check(
    keeper: Keeper, clock: Clock, place: Place, asked: Asked, launch: Launch, inner: int
) -> PortCheck | CommandCheck:
    options: HealthOptions = asked.options.health
    command = options.command
    if not command:
        return PortCheck(launch, clock)
    port_check = PortCheck(launch, clock, options.patience)
    if any(word in command for word in launch.own_health):
        place.say("The health command is not of this machine: the service's port is looked at.")
        return port_check
    path = ":".join(part for part in (launch.search_path, place.search.path) if part)
    if launch.clients:
        path = f"{_make_clients(keeper, place, launch, path)}:{path}"
    environment = {**launch.health_environment, "PATH": path, "HOME": place.folder}
    shown = [part for part in path.split(":") if part.startswith("/")]
    health = HealthCommand(command, environment, place.folder, {inner: place.port}, shown, drop=launch.drop)
    return CommandCheck(keeper, clock, options, health, port_check)

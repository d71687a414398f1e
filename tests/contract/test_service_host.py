"""What every way to have services does: the native providers of this machine, and a container engine."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from homeport.ports.containers import ContainerSpec, JobServices, ServiceHost, ServiceUnavailableError
from homeport.ports.peer import JobOrder
from homeport.runner.containers.host import ContainerHost
from tests.support.images import Podman, make_redis_image, open_podman
from tests.support.jobs import Bench
from tests.support.services import (
    await_health,
    await_true,
    list_folders,
    list_processes,
    native_host,
    spec,
    start_healthy,
)


class Kind(Protocol):
    """One implementation: a host, and the image of a Redis that it can serve."""

    host: ServiceHost
    image: str

    def count_left(self) -> int:
        """What jobs have left on the machine."""
        ...


class NativeKind:
    """Programs of this machine."""

    image = "redis"

    def __init__(self, folder: Path) -> None:
        self.host: ServiceHost = native_host(folder)

    def count_left(self) -> int:
        return len(list_folders(os.getpid())) + len(list_processes(os.getpid()))


class EngineKind:
    """podman, with an image of this machine's Redis."""

    image = "localhost/redis:1"

    def __init__(self, podman: Podman, host: ContainerHost) -> None:
        self.host: ServiceHost = host
        self._podman = podman
        make_redis_image(podman, self.image)

    def count_left(self) -> int:
        left = self._podman.list_left()
        return len(left["containers"]) + len(left["networks"]) + len(left["monitors"]) + len(left["mounts"])


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    yield from open_podman(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="module")
def engine(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerHost]:
    host = ContainerHost(str(tmp_path_factory.mktemp("home")), {**os.environ, **podman.variables})
    yield host
    host.close()


@pytest.fixture(params=["native", pytest.param("engine", marks=pytest.mark.xdist_group("podman"))])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    if request.param == "native":
        return NativeKind(tmp_path / "home")
    return EngineKind(request.getfixturevalue("podman"), request.getfixturevalue("engine"))


@pytest.fixture
def order(tmp_path: Path) -> JobOrder:
    return Bench(tmp_path).order("on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n")


@pytest.fixture
def services(kind: Kind, order: JobOrder) -> Iterator[JobServices]:
    opened = kind.host.open(order)
    yield opened
    opened.close()
    assert kind.count_left() == 0


def redis(kind: Kind, name: str = "cache", **fields: object) -> ContainerSpec:
    return spec(kind.image, name, **{"ports": ("6379",), **fields})


def ping(port: str) -> bytes:
    """What Redis answers, once it does: a container without a health check counts as healthy before it listens, as on GitHub."""
    answers: list[bytes] = []

    def has_answered() -> bool:
        try:
            with socket.create_connection(("localhost", int(port)), 10) as connection:
                connection.sendall(b"PING\r\n")
                answers.append(connection.recv(64))
        except ConnectionError:
            return False
        return bool(answers[-1])

    await_true(has_answered, "the service does not answer")
    return answers[-1]


def test_a_service_is_reached_on_the_port_that_it_was_given(kind: Kind, services: JobServices) -> None:
    running = start_healthy(services, redis(kind))
    assert list(running.ports) == ["6379"]
    assert ping(running.ports["6379"]) == b"+PONG\r\n"
    assert running.id
    assert running.network == services.network
    assert running.remarks == ()
    assert running.log()


def test_a_service_gets_the_port_that_was_asked_for(kind: Kind, services: JobServices) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = start_healthy(services, redis(kind, ports=(f"{port}:6379",)))
    assert running.ports == {"6379": str(port)}
    assert ping(str(port)) == b"+PONG\r\n"


def test_a_taken_port_is_named(kind: Kind, services: JobServices) -> None:
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        wanted = redis(kind, ports=(f"{port}:6379",))
        with pytest.raises(ServiceUnavailableError, match=str(port)) as raised:
            services.start(wanted)
    assert raised.value.span == wanted.span


def test_two_services_of_one_image_do_not_meet(kind: Kind, services: JobServices) -> None:
    first = start_healthy(services, redis(kind, "first"))
    second = start_healthy(services, redis(kind, "second"))
    assert first.ports["6379"] != second.ports["6379"]
    assert first.id != second.id


def test_a_command_is_honoured(kind: Kind, services: JobServices) -> None:
    running = start_healthy(services, redis(kind, command='redis-server --requirepass "a secret"'))
    assert ping(running.ports["6379"]).startswith(b"-NOAUTH")


def test_a_health_command_decides(kind: Kind, services: JobServices) -> None:
    options = '--health-cmd "exit 1" --health-interval 100ms --health-retries 2 --health-timeout 5s'
    assert await_health(services.start(redis(kind, options=options))) == "unhealthy"


def test_a_service_that_ends_is_told(kind: Kind, services: JobServices) -> None:
    running = services.start(redis(kind, command="redis-server --no-such-setting 1"))
    await_true(lambda: running.health() == "ended", "the service goes on")
    assert "no-such-setting" in running.log()


def test_closing_twice_and_after_a_failed_start_is_safe(kind: Kind, order: JobOrder) -> None:
    opened = kind.host.open(order)
    with pytest.raises(ServiceUnavailableError):
        opened.start(spec("no/such-image:1", "gone"))
    opened.close()
    opened.close()
    assert kind.count_left() == 0


def test_an_option_that_is_not_known_is_refused_before_anything_starts(kind: Kind) -> None:
    refusal = kind.host.find_refusal(redis(kind, options="--no-such-option"))
    assert refusal is not None
    assert "--no-such-option" in refusal
    assert kind.host.find_refusal(redis(kind)) is None

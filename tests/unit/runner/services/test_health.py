"""Health checks of services, with real commands and a clock that can be moved."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.ports.containers import Health
from homeport.runner.services.account import find_account
from homeport.runner.services.create_options import HealthOptions
from homeport.runner.services.health import CommandCheck, HealthCommand, PortCheck, map_ports
from homeport.runner.services.keeper import Keeper
from homeport.runner.services.providers.model import Launch
from tests.support.jobs import TravellingClock
from tests.support.services import await_true


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    made = Keeper(find_account())
    yield made
    made.close()


class Bench:
    """A check of one command."""

    def __init__(self, keeper: Keeper, text: str, **options: float) -> None:
        self.clock = TravellingClock()
        self.is_ready = False
        self.folder = keeper.make_folder("1")
        launch = Launch(arguments=(), environment={}, product="x", is_ready=lambda: self.is_ready)
        health = HealthOptions(command=text, **options)  # type: ignore[arg-type]
        command = HealthCommand(text, {"PATH": os.defpath, "WORD": "from-the-image"}, self.folder, {1234: 4321})
        self.check = CommandCheck(keeper, self.clock, health, command, PortCheck(launch, self.clock, health.patience))

    def look(self) -> Health:
        """How it stands after a check that has ended."""
        states: list[Health] = []

        def has_ended() -> bool:
            states.append(self.check.look())
            return states[-1] != "starting" or not self.check._pid

        self.check.look()
        await_true(has_ended, "the check never ended")
        return states[-1]


def test_one_success_is_enough(keeper: Keeper) -> None:
    assert Bench(keeper, 'test "$WORD" = from-the-image').look() == "healthy"


def test_a_service_may_fail_its_check_as_long_as_docker_lets_it(keeper: Keeper) -> None:
    bench = Bench(keeper, "echo not yet; exit 1", interval=10, retries=3, start_period=5)
    assert bench.look() == "starting"
    bench.clock.advance(30)
    assert bench.look() == "starting"
    bench.clock.advance(6)
    assert bench.look() == "unhealthy"
    assert bench.check.last_output == "not yet\n"


def test_a_check_that_hangs_is_ended_after_its_time(keeper: Keeper) -> None:
    bench = Bench(keeper, "sleep 1000", timeout=5, interval=1, retries=1)
    assert bench.check.look() == "starting"
    assert bench.check.look() == "starting"
    bench.clock.advance(6)
    assert bench.check.look() == "unhealthy"


def test_a_check_by_a_program_that_is_not_here_looks_at_the_port(keeper: Keeper) -> None:
    bench = Bench(keeper, "only-in-the-image --ping")
    assert bench.look() == "starting"
    assert "only-in-the-image" in bench.check.note
    bench.is_ready = True
    assert bench.check.look() == "healthy"


def test_a_service_that_never_answers_on_its_port_is_unhealthy() -> None:
    clock = TravellingClock()
    check = PortCheck(Launch(arguments=(), environment={}, product="x", is_ready=lambda: False), clock)
    assert check.look() == "starting"
    clock.advance(61)
    assert check.look() == "unhealthy"


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("curl -f http://localhost:5432/", "curl -f http://localhost:6000/"),
        ("pg_isready -p 5432", "pg_isready -p 6000"),
        ("redis-cli -p 5432 ping", "redis-cli -p 6000 ping"),
        ("nc -z localhost 5432", "nc -z localhost 6000"),
        ("curl --port=5432", "curl --port=6000"),
        ("echo 15432 5432a a5432 0.5432", "echo 15432 5432a a5432 0.5432"),
    ],
)
def test_the_images_port_becomes_the_one_of_this_machine(text: str, mapped: str) -> None:
    assert map_ports(text, {5432: 6000}) == mapped


def test_nothing_of_a_check_is_left(keeper: Keeper) -> None:
    bench = Bench(keeper, "sleep 1000 & sleep 1000")
    bench.check.look()
    pid = bench.check._pid
    keeper.close()
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(bench.folder).exists()

"""Puts together who starts the services of jobs, as the command line says."""

from collections.abc import Mapping

from homeport.cli.isolation import Isolation
from homeport.ports.clock import Clock
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.host import ContainerHost
from homeport.runner.environment import DEFAULT_PATH
from homeport.runner.services.choice import ChosenServiceHost, Preference
from homeport.runner.services.native import NativeServiceHost
from homeport.runner.services.programs import Search
from homeport.runner.services.wall import Wall


def make_service_host(
    preference: Preference,
    containers: ContainerHost,
    home: str,
    environment: Mapping[str, str],
    clock: Clock,
) -> ChosenServiceHost:
    """`containers` is the run's `ContainerHost`, which others may use too."""
    native = NativeServiceHost(home, Search(environment.get("PATH", DEFAULT_PATH)), clock)

    def has_engine() -> bool:
        try:
            containers.connect()
        except EngineError:
            return False
        return True

    return ChosenServiceHost(preference, containers, has_engine, native)


def make_enclosed_host(
    isolation: Isolation, home: str, environment: Mapping[str, str], clock: Clock
) -> NativeServiceHost:
    """For sandboxed jobs. An engine mounts what a job asks it to mount, so it is not asked by them."""
    wall = Wall(isolation.program, isolation.network)
    return NativeServiceHost(home, Search(environment.get("PATH", DEFAULT_PATH)), clock, wall)

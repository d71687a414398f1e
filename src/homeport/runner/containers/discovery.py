"""Finds the container engine: the one that is named, the machine's own, or podman started for as long as it is needed."""

import os
from collections.abc import Iterator, Mapping

import msgspec

from homeport.runner.containers.errors import EngineError
from homeport.runner.shells import find_program

_HINT = "install podman or Docker, or name an engine with DOCKER_HOST"
_PACKAGE_HINT = "pip install 'homeport[containers]'"


class Address(msgspec.Struct, frozen=True):
    """Where an engine may listen. `podman` is a program to start where nobody listens yet."""

    url: str = ""
    podman: str = ""


def list_addresses(environment: Mapping[str, str]) -> Iterator[Address]:
    """Where to look, the first that answers is taken: `DOCKER_HOST` alone if it is set (as `docker` does); Docker's socket; podman's
    sockets, the user's own first; podman itself.
    """
    if named := environment.get("DOCKER_HOST"):
        yield Address(url=named)
        return
    for path in list_sockets(environment):
        yield Address(url=f"unix://{path}")
    if podman := find_program("podman", environment.get("PATH", "")):
        yield Address(podman=podman)


def list_sockets(environment: Mapping[str, str]) -> Iterator[str]:
    """The sockets of this machine that its user may use."""
    runtime = environment.get("XDG_RUNTIME_DIR")
    places = [
        "/var/run/docker.sock",
        *([f"{runtime}/podman/podman.sock"] if runtime else []),
        "/run/podman/podman.sock",
    ]
    return (path for path in places if os.access(path, os.R_OK | os.W_OK))


def describe_absence(environment: Mapping[str, str]) -> str | None:
    """Why there can be no engine here, without asking any; None where one may be found."""
    if next(list_addresses(environment), None) is None:
        return "there is no container engine here"
    return None


def missing_package(error: ImportError) -> EngineError:
    """What to say where Docker's client library is not installed."""
    return EngineError(f"containers need the package '{error.name}', which is not installed", _PACKAGE_HINT)


def no_engine(reasons: list[str]) -> EngineError:
    """What to say where none answers."""
    if not reasons:
        return EngineError("there is no container engine here", _HINT)
    return EngineError(f"no container engine can be used here: {'; '.join(reasons)}", _HINT)

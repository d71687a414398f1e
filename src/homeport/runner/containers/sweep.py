"""Removes what a killed Homeport has left with a container engine: everything that carries its labels."""

import os
from collections.abc import Callable, Mapping

from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.host import find_engine
from homeport.runner.containers.monitors import end_monitors
from homeport.runner.containers.ownership import PREFIX, is_abandoned, is_owner_alive
from homeport.runner.folders import read_file


def sweep(home: str, environment: Mapping[str, str]) -> list[str]:
    """Containers and networks of processes of this home that are gone; gives what was removed.

    A process that uses an engine leaves its mark in `engines/` while it lives: without the mark of a dead one nothing is done, and no
    engine is looked for. Where the engine cannot be reached, the mark stays for another time.
    """
    folder = f"{home}/engines"
    removed: list[str] = []
    for owner in _list_dead(folder):
        mark = f"{folder}/{owner}"
        try:
            removed += _sweep_engine(home, environment, read_file(mark).decode())
        except (EngineError, OSError):
            continue
        _forget(mark)
    return removed


def _list_dead(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not is_owner_alive(name)]
    except OSError:
        return []


def _sweep_engine(home: str, environment: Mapping[str, str], address: str) -> list[str]:
    """`address` is what the dead process talked to; empty for podman that it had started itself."""
    engine, service = find_engine(
        {**environment, "DOCKER_HOST": address} if address else {**environment}, own=not address
    )
    try:
        containers = engine.list_containers(f"{PREFIX}.home={home}")
        removed = [each for each, labels in containers.items() if is_abandoned(labels, home)]
        for container in removed:
            _attempt(engine.remove, container)
            end_monitors(container)
        networks = engine.list_networks(f"{PREFIX}.home={home}")
        for network, labels in networks.items():
            if is_abandoned(labels, home):
                _attempt(engine.remove_network, network)
                removed.append(network)
    finally:
        engine.close()
        if service is not None:
            service.close()
    return removed


def _attempt(remove: Callable[[str], None], name: str) -> None:
    try:
        remove(name)
    except EngineError:
        return  # somebody else removes it at this moment, or holds it


def _forget(mark: str) -> None:
    try:
        os.unlink(mark)
    except FileNotFoundError:
        return

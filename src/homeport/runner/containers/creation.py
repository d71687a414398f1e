"""Makes containers: image fetched, options applied, created and started.

Source: actions/runner `ContainerOperationProvider.StartContainerAsync` and `DockerCommandManager.DockerCreate`. Other than there, an
image that is on the machine already is not fetched again, and ports are published on 127.0.0.1 where no address is written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.ports.containers import ContainerSpec, ServiceUnavailableError
from homeport.runner.containers.engine import Engine
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.options import Creation, OptionError, read_options
from homeport.runner.services.ports import read_ports
from homeport.runner.services.words import split_words

_LOOPBACK = "127.0.0.1"
_HARMLESS = frozenset(
    {
        *(
            "ExtraHosts",
            "CapDrop",
            "Dns",
            "DnsOptions",
            "DnsSearch",
            "Init",
            "LogConfig",
            "ReadonlyRootfs",
            "RestartPolicy",
        ),
        *("Memory", "MemoryReservation", "MemorySwap", "MemorySwappiness", "PidsLimit", "ShmSize", "Tmpfs", "Ulimits"),
        *("NanoCpus", "CpuPeriod", "CpuQuota", "CpuShares", "CpusetCpus", "CpusetMems", "BlkioWeight", "GroupAdd"),
        *("OomKillDisable", "OomScoreAdj", "PublishAllPorts"),
    }
)
"""What limits a container or only concerns its inside"""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What Homeport adds to what the workflow asks for. Its entrypoint and arguments replace those of the image."""

    network: str
    """empty: the engine's own, where nobody else is"""
    labels: Mapping[str, str]
    aliases: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    binds: Sequence[str] = ()
    hosts: Sequence[str] = ()
    working_directory: str = ""
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()


def check_options(spec: ContainerSpec) -> str | None:
    """What is wrong with the options and ports of a container; None where nothing is."""
    try:
        read_options(spec.options)
    except OptionError as error:
        return str(error)
    _, problems = read_ports(spec.ports)
    return problems[0] if problems else None


def find_breach(spec: ContainerSpec) -> str | None:
    """What would give a container more of this machine than its own network and files; None where nothing does. Malformed options are
    met when it is created.
    """
    try:
        creation = read_options(spec.options)
    except OptionError:
        return None
    for key in creation.host.keys() - _HARMLESS:
        return f"`{key}` in its options"
    binds, _ = _sort_volumes([*spec.volumes, *creation.volumes])
    return next((f"the folder '{bind}' of this machine" for bind in binds if bind.startswith(("/", ".", "~"))), None)


def fetch_image(engine: Engine, spec: ContainerSpec, platform: str | None = None) -> None:
    """Have the image here. Raises `ServiceUnavailableError` with the engine's words."""
    image = spec.image
    try:
        if engine.has_image(image):
            return
        credentials = (
            {"username": spec.username, "password": spec.password} if spec.username and spec.password else None
        )
        engine.pull(image, credentials, platform)
    except EngineError as error:
        message = f"the image '{image}' is not on this machine and cannot be pulled: {_hide(error.message, spec)}"
        raise ServiceUnavailableError(message, spec.span, hint=error.hint) from error


def create(engine: Engine, spec: ContainerSpec, frame: Frame) -> str:
    """The id of a new container, not started. Raises `ServiceUnavailableError`; nothing is left then."""
    try:
        creation = read_options(spec.options)
        body = _make_body(spec, creation, frame)
    except OptionError as error:
        raise ServiceUnavailableError(f"the container of '{spec.image}' cannot be made: {error}", spec.span) from error
    fetch_image(engine, spec, creation.platform)
    try:
        return engine.create(body, name=creation.name, platform=creation.platform)
    except EngineError as error:
        raise explain(spec, "made", error) from error


def explain(spec: ContainerSpec, what: str, error: EngineError, log: str = "") -> ServiceUnavailableError:
    """The engine's words, about one container."""
    message = f"the container of '{spec.image}' could not be {what}: {_hide(error.message, spec)}"
    return ServiceUnavailableError(message, spec.span, hint=error.hint, log=log)


def _hide(words: str, spec: ContainerSpec) -> str:
    return words.replace(spec.password, "***") if spec.password else words


def _make_body(spec: ContainerSpec, creation: Creation, frame: Frame) -> dict[str, Any]:
    bindings = _bind_ports([*spec.ports, *creation.ports])
    binds, anonymous = _sort_volumes([*spec.volumes, *creation.volumes])
    body = {
        "Image": spec.image,
        **creation.body,
        # later ones win: options, `env`, what is Homeport's own
        "Env": [
            *creation.environment,
            *(f"{name}={value}" for name, value in {**spec.env, **frame.environment}.items()),
        ],
        "Labels": {**creation.labels, **frame.labels},
        "ExposedPorts": {**creation.body.get("ExposedPorts", {}), **{port: {} for port in bindings}},
        "Volumes": {folder: {} for folder in anonymous},
        "HostConfig": {
            **creation.host,
            "NetworkMode": frame.network or "default",
            "Binds": [*binds, *frame.binds],
            "PortBindings": bindings,
            "ExtraHosts": [*creation.host.get("ExtraHosts", ()), *frame.hosts],
        },
    }
    if frame.network:
        endpoint = {"Aliases": [*frame.aliases, *creation.aliases]}
        body["NetworkingConfig"] = {"EndpointsConfig": {frame.network: endpoint}}
    if frame.working_directory:
        body["WorkingDir"] = frame.working_directory
    if entrypoint := (list(frame.entrypoint) or ([spec.entrypoint] if spec.entrypoint else [])):
        body["Entrypoint"] = entrypoint
    if command := (list(frame.command) or split_words(spec.command)):
        body["Cmd"] = command
    return body


def _bind_ports(written: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for text in written:
        requests, problems = read_ports([text])
        if problems:
            raise OptionError(problems[0])
        for request in requests:
            place = {"HostIp": _find_address(text) or _LOOPBACK, "HostPort": str(request.host) if request.host else ""}
            bindings.setdefault(f"{request.container}/{request.protocol}", []).append(place)
    return bindings


def _find_address(text: str) -> str:
    """What stands before the ports, if it is an address."""
    if text.startswith("["):
        return text[1:].partition("]:")[0]
    address, colon, _ = text.partition(":")
    return address if colon and "." in address else ""


def _sort_volumes(written: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those that have a source, and those that are only a place in the container. Source: actions/runner `MountVolume`."""
    binds: list[str] = []
    anonymous: list[str] = []
    for text in written:
        if (":" in text and not text.endswith(":ro")) or text.count(":") > 1:
            binds.append(text)
        else:
            anonymous.append(text.removesuffix(":ro"))
    return binds, anonymous

"""The container engine of this machine, asked in the words of Docker's API (which podman speaks too), with typed answers."""

import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import docker
import docker.errors
import docker.utils
import msgspec
import requests.exceptions

from homeport.runner.containers.errors import EngineError

_TIMEOUT_SECONDS = 600
"""An engine that says nothing for so long is broken; what streams may take longer."""


class Container(msgspec.Struct, frozen=True):
    """How a container stands."""

    id: str
    is_running: bool
    exit_code: int
    pid: int
    """on the engine's machine; 0 where it does not run"""
    health: str
    """`starting`, `healthy`, `unhealthy`, or empty without a health check"""
    health_check: Mapping[str, Any]
    """as Docker's API has it, times in nanoseconds"""
    environment: tuple[str, ...]
    ports: Mapping[str, str]
    """container's port → host's"""


class Engine:
    """A connection, for any number of threads. Every method raises `EngineError` with the engine's own words."""

    def __init__(self, address: str) -> None:
        """Connect, and ask who answers."""
        self.address = address
        _check_socket(self.socket_path)
        try:
            self._client = docker.APIClient(base_url=address, version="auto", timeout=_TIMEOUT_SECONDS)
            version = self._client.version()
        except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
            raise EngineError(_explain(error)) from error
        self.is_podman = "podman" in json.dumps(version.get("Components", "")).lower()
        self.name = f"{'podman' if self.is_podman else 'Docker'} {version.get('Version', '')}".strip()
        self._lock = threading.Lock()

    @property
    def is_local(self) -> bool:
        """Whether it sees this machine's files: they can be mounted."""
        return self.address.startswith(("unix://", "http+unix://"))

    @property
    def is_rootless(self) -> bool:
        """Whether root in its containers is the user that it runs as (podman's `rootless`, Docker's security option of that name)."""
        try:
            info = self._client.info()
        except _ERRORS as error:
            _fail(error)
        return bool(info.get("Rootless")) or any(
            "rootless" in str(option) for option in info.get("SecurityOptions") or ()
        )

    @property
    def socket_path(self) -> str:
        """Of its unix socket; empty where it has none."""
        return self.address.removeprefix("http+").removeprefix("unix://") if self.is_local else ""

    # --- images -------------------------------------------------------------------------------------------------------

    def has_image(self, image: str) -> bool:
        """Whether it is here already."""
        try:
            self._client.inspect_image(image)
        except docker.errors.NotFound:
            return False
        except _ERRORS as error:
            _fail(error)
        return True

    def find_user(self, image: str) -> str:
        """Whom its programs run as, if it says; empty is root."""
        try:
            return str((self._client.inspect_image(image).get("Config") or {}).get("User") or "")
        except _ERRORS as error:
            _fail(error)

    def pull(self, image: str, credentials: Mapping[str, str] | None, platform: str | None = None) -> None:
        """Fetch an image; a tag that is not named is `latest`."""
        repository, tag = docker.utils.parse_repository_tag(image)
        try:
            for event in self._client.pull(
                repository, tag or "latest", stream=True, decode=True, auth_config=credentials, platform=platform
            ):
                if error := event.get("error"):
                    raise EngineError(_tidy(error))
        except _ERRORS as error:
            _fail(error)

    def build(self, folder: str, dockerfile: str, tag: str, labels: Mapping[str, str]) -> Iterator[str]:
        """Build an image; gives what is printed, as it comes. The result is `tag`."""
        try:
            for event in self._client.build(
                path=folder, dockerfile=dockerfile, tag=tag, labels=dict(labels), rm=True, forcerm=True, decode=True
            ):
                if error := event.get("error"):
                    raise EngineError(_tidy(error))
                if text := event.get("stream"):
                    yield text
        except (*_ERRORS, TypeError) as error:
            _fail(error)

    def remove_image(self, image: str) -> None:
        """Remove it; one that is gone or in use is left."""
        try:
            self._client.remove_image(image, noprune=False)
        except (docker.errors.NotFound, docker.errors.APIError):
            return
        except _ERRORS as error:
            _fail(error)

    # --- containers ---------------------------------------------------------------------------------------------------

    def create(self, config: Mapping[str, Any], *, name: str | None = None, platform: str | None = None) -> str:
        """The id of a new container; `config` is the body of `POST /containers/create`."""
        try:
            return str(self._client.create_container_from_config(dict(config), name, platform)["Id"])
        except _ERRORS as error:
            _fail(error)

    def start(self, container: str) -> None:
        """Start a created container."""
        try:
            self._client.start(container)
        except _ERRORS as error:
            _fail(error)

    def inspect(self, container: str) -> Container:
        """How it stands now."""
        try:
            found = self._client.inspect_container(container)
        except _ERRORS as error:
            _fail(error)
        state, config = found["State"], found["Config"]
        bound = (found.get("NetworkSettings") or {}).get("Ports") or {}
        return Container(
            id=found["Id"],
            is_running=bool(state["Running"]),
            exit_code=int(state.get("ExitCode") or 0),
            pid=int(state.get("Pid") or 0),
            health=(state.get("Health") or {}).get("Status") or "",
            health_check=config.get("Healthcheck") or {},
            environment=tuple(config.get("Env") or ()),
            ports={port.partition("/")[0]: places[0]["HostPort"] for port, places in bound.items() if places},
        )

    def logs(self, container: str) -> str:
        """All that it has printed."""
        try:
            return bytes(self._client.logs(container)).decode("utf-8", "replace")
        except _ERRORS as error:
            _fail(error)

    def kill(self, container: str, signal_name: str) -> None:
        """Signal its first process; one that has ended is left alone."""
        try:
            self._client.kill(container, signal_name)
        except docker.errors.APIError:
            return
        except _ERRORS as error:
            _fail(error)

    def remove(self, container: str) -> None:
        """End and remove it with its unnamed volumes; one that is gone is no matter."""
        try:
            self._client.remove_container(container, force=True, v=True)
        except docker.errors.NotFound:
            return
        except _ERRORS as error:
            _fail(error)

    def list_containers(self, label: str) -> Mapping[str, Mapping[str, str]]:
        """The ids of all containers with this label, and all labels of each."""
        try:
            found = self._client.containers(all=True, filters={"label": label})
        except _ERRORS as error:
            _fail(error)
        return {each["Id"]: each.get("Labels") or {} for each in found}

    def attach(self, container: str) -> socket.socket:
        """What it will print, as frames (see `frames`). Before it is started."""
        try:
            stream = self._client.attach_socket(container, {"stdout": 1, "stderr": 1, "stream": 1})
        except _ERRORS as error:
            _fail(error)
        return _take_socket(stream)

    # --- commands in a container --------------------------------------------------------------------------------------

    def execute(
        self,
        container: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        user: str = "",
    ) -> tuple[str, socket.socket]:
        """Start a command; gives its id, and the socket on which its output comes as frames."""
        variables = None if environment is None else [f"{name}={value}" for name, value in environment.items()]
        try:
            command = self._client.exec_create(
                container, list(arguments), environment=variables, workdir=folder, user=user
            )
            stream = self._client.exec_start(command["Id"], socket=True)
        except _ERRORS as error:
            _fail(error)
        return str(command["Id"]), _take_socket(stream)

    def find_command(self, command: str) -> tuple[bool, int | None, int]:
        """Whether it runs, its exit code, and its process id on the engine's machine."""
        try:
            found = self._client.exec_inspect(command)
        except _ERRORS as error:
            _fail(error)
        return bool(found["Running"]), found.get("ExitCode"), int(found.get("Pid") or 0)

    # --- networks -----------------------------------------------------------------------------------------------------

    def create_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a bridge."""
        try:
            self._client.create_network(name, driver="bridge", labels=dict(labels))
        except _ERRORS as error:
            _fail(error)

    def remove_network(self, name: str) -> None:
        """Remove it; one that is gone is no matter."""
        try:
            self._client.remove_network(name)
        except docker.errors.NotFound:
            return
        except _ERRORS as error:
            _fail(error)

    def find_gateway(self, network: str) -> str:
        """The address of this machine in a network; empty where there is none."""
        try:
            found = self._client.inspect_network(network)
        except _ERRORS as error:
            _fail(error)
        configs = (found.get("IPAM") or {}).get("Config") or []
        return next((str(config["Gateway"]) for config in configs if config.get("Gateway")), "")

    def list_networks(self, label: str) -> Mapping[str, Mapping[str, str]]:
        """The names of all networks with this label, and all labels of each."""
        try:
            found = self._client.networks(filters={"label": label})
        except _ERRORS as error:
            _fail(error)
        return {each["Name"]: each.get("Labels") or {} for each in found}

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()


_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


def _check_socket(path: str) -> None:
    """Somebody must listen there: the client library does not let go of a socket which it could not connect."""
    if path:
        with socket.socket(socket.AF_UNIX) as tried:
            try:
                tried.connect(path)
            except OSError as error:
                raise EngineError(f"the container engine does not answer: {error.strerror}") from error


def _take_socket(stream: Any) -> socket.socket:
    """The socket behind what docker-py gives (it wraps it for unix sockets)."""
    taken = getattr(stream, "_sock", stream)
    duplicate = socket.socket(fileno=os.dup(taken.fileno()))
    duplicate.setblocking(True)
    stream.close()
    taken.close()
    return duplicate


def _fail(error: Exception) -> NoReturn:
    raise EngineError(_explain(error)) from error


def _explain(error: Exception) -> str:
    if isinstance(error, docker.errors.APIError):
        return _tidy(str(error.explanation or error))
    if isinstance(error, (requests.exceptions.ConnectionError, docker.errors.DockerException)):
        return "the container engine does not answer: " + _find_reason(error)
    return _tidy(str(error))


def _find_reason(error: Exception) -> str:
    """The system's own word, from the depths of what the libraries wrap around it."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        inner = next((part for part in cause.args if isinstance(part, BaseException)), None)
        cause = inner or cause.__cause__ or cause.__context__
    return _tidy(str(error))


def _tidy(words: str) -> str:
    return " ".join(words.split())

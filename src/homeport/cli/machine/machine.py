"""This machine as jobs meet it: asked once for each thing, when it is first wanted."""

import os
import sys
import tempfile
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec

import msgspec

from homeport.cli.clock import SystemClock
from homeport.cli.machine.remedies import Installation, find_installation
from homeport.coordinator.dispatch import Labels, machine_labels
from homeport.diagnostics.span import point
from homeport.ports.containers import ContainerSpec
from homeport.runner.actions.native.setup_python.discovery import Interpreter, find_interpreters
from homeport.runner.actions.node import Node, find_node
from homeport.runner.containers.discovery import describe_absence, list_addresses
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.host import ContainerHost
from homeport.runner.environment import pick_variables
from homeport.runner.folders import remove_tree
from homeport.runner.services.native import NativeServiceHost
from homeport.runner.services.programs import Search
from homeport.runner.shells import find_program


class EngineAnswer(msgspec.Struct, frozen=True):
    """What the container engine of this machine says (`podman 4.3.1`), or `why` none can be used."""

    name: str = ""
    address: str = ""
    """empty where it is started when it is needed"""
    is_rootless: bool = False
    why: str = ""
    needs_package: bool = False
    """an engine may be here: the client library is what is missing"""


class Machine:
    """Asks the machine. `home` is HOMEPORT_HOME; `host` the whole environment of the command."""

    def __init__(self, host: Mapping[str, str], home: str) -> None:
        self.host = host
        self.home = home
        self.variables = pick_variables(host)
        """what jobs inherit"""
        self.search_path = self.variables["PATH"]
        self.tool_cache = os.path.join(home, "tools")

    @cached_property
    def installation(self) -> Installation:
        """How a missing part is installed here."""
        managers = [name for name in ("apt-get", "dnf", "brew") if self.find(name)]
        return find_installation(managers, is_root=os.geteuid() == 0)

    @cached_property
    def labels(self) -> Labels:
        """What this machine answers to without options."""
        system = os.uname()
        return Labels(machine_labels(system.sysname, system.machine))

    @cached_property
    def interpreters(self) -> list[Interpreter]:
        """The Pythons that `setup-python` chooses from."""
        return find_interpreters(self.variables, self.tool_cache)

    @cached_property
    def uv(self) -> str | None:
        """The uv that `setup-python` asks for what is missing: shims of pyenv aside, beside the Pythons too."""
        folders = [folder for folder in self.search_path.split(":") if not folder.endswith("/shims")]
        beside = [os.path.join(each.prefix, "bin") for each in self.interpreters]
        return find_program("uv", ":".join([*folders, *beside]))

    def node(self, using: str) -> Node | None:
        """The Node.js that runs an action with this `runs.using`."""
        return find_node(using, self.search_path, self.tool_cache)

    def find(self, program: str) -> str | None:
        """A program as steps find it."""
        return find_program(program, self.search_path)

    @cached_property
    def engine(self) -> EngineAnswer:
        """The container engine, as a job would find it: podman is started for a moment where nothing answers yet."""
        try:
            engine = self._containers.connect()
            is_listening = any(each.url == engine.address for each in list_addresses(self.host))
            return EngineAnswer(engine.name, engine.address if is_listening else "", engine.is_rootless)
        except EngineError as error:
            is_absent = describe_absence(self.host) is not None
            return EngineAnswer(why=error.message, needs_package=not is_absent and find_spec("docker") is None)

    @cached_property
    def _folder(self) -> str:
        """For what an engine's start leaves behind: gone with `close`."""
        return tempfile.mkdtemp(prefix="homeport-doctor-")

    @cached_property
    def _containers(self) -> ContainerHost:
        return ContainerHost(self._folder, self.host)

    def close(self) -> None:
        """End what was started to be asked."""
        if "_containers" in self.__dict__:
            self._containers.close()
        if "_folder" in self.__dict__:
            remove_tree(self._folder)

    @cached_property
    def service_host(self) -> NativeServiceHost:
        """Services as programs of this machine."""
        return NativeServiceHost(self.home, self.search, SystemClock())

    @cached_property
    def search(self) -> Search:
        """Where the programs of services are looked for."""
        return Search(self.search_path)

    def refuse_service(self, spec: ContainerSpec) -> str | None:
        """Why a service cannot be had, from the engine or as a program; None where it can."""
        return self._containers.find_refusal(spec) if not self.engine.why else self.service_host.find_refusal(spec)

    def refuse_image(self, image: str) -> str | None:
        """The same for an image alone, without an engine."""
        command = "server /data" if image.startswith("minio") else ""
        env = {"POSTGRES_PASSWORD": "x"} if image.startswith("postgres") else {}
        spec = ContainerSpec(name="x", image=image, env=env, command=command, span=point(""))
        return self.service_host.find_refusal(spec)

    @property
    def is_root(self) -> bool:
        """Whether jobs would run as root."""
        return os.geteuid() == 0

    @property
    def is_macos(self) -> bool:
        """Whether this is Apple's system."""
        return sys.platform == "darwin"

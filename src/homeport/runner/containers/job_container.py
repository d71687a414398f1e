"""A job's own container: `jobs.<id>.container`, or the image that a runner stands for (`--runner LABEL=container:IMAGE`).

Source: actions/runner `ContainerOperationProvider` (mounts, `tail -f /dev/null`, `HOME`), GitHub docs, "Running jobs in a container".
"""

import os
from collections.abc import Iterator, Mapping

import msgspec

from homeport.ports.containers import ContainerSpec, ServiceUnavailableError
from homeport.ports.executor import JobPaths
from homeport.runner.actions.node import find_node
from homeport.runner.containers.creation import Frame, create, explain
from homeport.runner.containers.engine import Container
from homeport.runner.containers.environment import ContainerJobEnvironment
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.host import ContainerHost, get_host
from homeport.runner.containers.jobs import JobContainers
from homeport.runner.containers.options import read_options
from homeport.runner.containers.paths import home_folder, list_folders, map_job
from homeport.runner.environment import pick_variables
from homeport.runner.folders import make_folder
from homeport.runner.path_map import Mount, PathMap
from homeport.runner.record import Voice
from homeport.runner.session import JobSession
from homeport.runner.toolkit_access import reach_from_containers

_NODES = ("node20", "node24")
_PASSED_PREFIXES = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_")
_DOCKER_SOCKET = "/var/run/docker.sock"


class JobContainer:
    """From `start` to `stop`, which is safe after a failed start. Used by the job's thread."""

    def __init__(self, session: JobSession, spec: ContainerSpec) -> None:
        self._session = session
        self._host = get_host(session)
        self._spec = spec
        self._containers: JobContainers | None = None
        self._id = ""

    def start(self, voice: Voice) -> None:
        """Make it, and let the job's commands run in it from now on. Raises `ServiceUnavailableError`."""
        spec = self._spec
        voice.log.write("##[group]Starting job container")
        voice.log.write(spec.image)
        voice.log.send()
        try:
            self._start(voice)
        except ServiceUnavailableError as error:
            message = f"The job's container cannot be started: {error.message}"
            raise ServiceUnavailableError(message, error.span, hint=error.hint, log=error.log) from error
        voice.log.write("##[endgroup]")

    def _start(self, voice: Voice) -> None:
        session, spec = self._session, self._spec
        try:
            containers = self._containers = self._host.open_job(session.order)
            network = containers.make_network()
        except EngineError as error:
            raise ServiceUnavailableError(error.message, spec.span, hint=error.hint) from error
        paths = self._prepare_paths()
        frame = Frame(
            network=network,
            labels=containers.labels,
            environment=self._list_variables(),
            binds=[*paths.binds, *list_sockets(containers, self._host)],
            hosts=containers.hosts,
            working_directory=paths.to_inside(session.paths.workspace),
            entrypoint=("tail",),
            command=("-f", "/dev/null"),
        )
        found = self._create(containers, frame)
        self._enter(containers, paths, found)
        session.standing.setdefault("container", {}).update(id=found.id, network=network)
        voice.log.write(found.id)

    def _prepare_paths(self) -> PathMap:
        job = self._session.paths
        for folder in list_folders(job):
            make_folder(folder)
        nodes = tuple(_find_nodes(self._session.search_environment.get("PATH", ""), job))
        return map_job(job, nodes)

    def _list_variables(self) -> Mapping[str, str]:
        """Of the container itself: proxies and package indexes of the machine, and the marks of a workflow (actions/runner
        `ContainerInfo.UpdateWebProxyEnv`, `DockerCommandManager.DockerCreate`).
        """
        machine = pick_variables(self._session.outside.base_environment)
        passed = {
            name: value
            for name, value in machine.items()
            if name.upper().endswith("_PROXY") or name.startswith(_PASSED_PREFIXES)
        }
        given = self._spec.env
        own = {name: value for name, value in passed.items() if name not in given}
        return {**own, "HOME": "/github/home", "GITHUB_ACTIONS": "true", "CI": given.get("CI", "true")}

    def _create(self, containers: JobContainers, frame: Frame) -> Container:
        spec, engine = self._spec, containers.engine
        # its own command keeps it alive, whatever the workflow says (docs: `--entrypoint` is not supported)
        self._id = create(engine, msgspec.structs.replace(spec, entrypoint="", command=""), frame)
        containers.add(self._id)
        try:
            engine.start(self._id)
            found = engine.inspect(self._id)
        except EngineError as error:
            raise explain(spec, "started", error, _read_log(containers, self._id)) from error
        if not found.is_running:
            message = f"the container of '{spec.image}' ended at once, with exit code {found.exit_code}"
            hint = "the job's container is kept alive by `tail`, which the image must have"
            raise ServiceUnavailableError(message, spec.span, hint=hint, log=_read_log(containers, self._id))
        return found

    def _enter(self, containers: JobContainers, paths: PathMap, found: Container) -> None:
        session = self._session
        search_path = next((text[5:] for text in found.environment if text.startswith("PATH=")), "")
        user = str(read_options(self._spec.options).body.get("User") or containers.engine.find_user(self._spec.image))
        is_root = user.partition(":")[0] in {"", "0", "root"}
        if not is_root:
            _open_folders(session.paths)
        containers.job_container = found.id
        session.path_map = paths
        session.gateway = containers.gateway
        if session.toolkit is not None and session.toolkit.identity_variables:
            names = session.toolkit.identity_variables.keys()
            reached = reach_from_containers(session, containers.gateway)
            session.variables.update((name, reached[name]) for name in names)
        session.paths = msgspec.structs.replace(session.paths, home=home_folder(session.paths))
        session.environment = ContainerJobEnvironment(
            session.outside,
            containers.engine,
            found.id,
            paths,
            {"PATH": search_path} if search_path else {},
            is_root=is_root,
        )

    def stop(self, voice: Voice) -> None:
        """Leave it, and remove it with everything that runs in it."""
        session = self._session
        if self._containers is None:
            return
        if isinstance(session.environment, ContainerJobEnvironment):
            self._give_back_files()
            session.environment = session.outside
            session.path_map, session.gateway = None, ""
        if self._id:
            voice.log.write(f"Stop and remove container: {self._id}")
        self._containers.close()

    def _give_back_files(self) -> None:
        """What the job made as somebody else could not be removed by an ordinary user (on GitHub the machine is thrown away)."""
        user = os.geteuid()
        containers = self._containers
        if user == 0 or containers is None or containers.engine.is_rootless:
            return
        command = ("chown", "-R", f"{user}:{os.getegid()}", "/__w")
        try:
            _, stream = containers.engine.execute(self._id, command, folder="/", user="0")
        except EngineError:
            return
        with stream:
            while stream.recv(65536):
                continue


def _find_nodes(search_path: str, paths: JobPaths) -> Iterator[Mount]:
    """Each Node once: `node20` and `node24` may be the same program here."""
    seen: set[str] = set()
    for using in _NODES:
        node = find_node(using, search_path, paths.tool_cache)
        if node is not None and node.path not in seen:
            seen.add(node.path)
            yield Mount(node.path, f"/__e/{using}/bin/node", read_only=True)


def list_sockets(containers: JobContainers, host: ContainerHost) -> list[str]:
    """The engine's socket where its user may use it anyway, as on GitHub; never that of an engine which Homeport has started."""
    path = containers.engine.socket_path
    return [f"{path}:{_DOCKER_SOCKET}"] if path and not host.owns_engine else []


def _open_folders(paths: JobPaths) -> None:
    """For an image whose user is not root: he may come in, others of this machine may not."""
    os.chmod(os.path.dirname(paths.root), 0o700)
    os.chmod(paths.root, 0o755)  # noqa: S103 - within a folder that is closed
    for folder in (paths.workspace, paths.temp, paths.commands, *list_folders(paths)):
        os.chmod(folder, 0o777)  # noqa: S103


def _read_log(containers: JobContainers, container: str) -> str:
    try:
        return containers.engine.logs(container)
    except EngineError:
        return ""

"""The surroundings of a job that runs in a container: commands are executed there, with the paths that they have there.

Source: actions/runner `ContainerStepHost` (`docker exec` for each step: working directory and variables translated, PATH is what steps
added and then the image's) and `NodeScriptActionHandler` (the runner's own Node, mounted below `/__e`).
"""

import os
import stat
from collections.abc import Mapping

from homeport.ports.executor import Command, JobEnvironment, JobPaths, Process
from homeport.runner.containers.engine import Engine
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.processes import ExecutedProcess
from homeport.runner.path_map import PathMap

_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ContainerJobEnvironment:
    """A `JobEnvironment` around that of the machine, which is `outside`: native actions and git run there. Used by the job's threads."""

    def __init__(
        self,
        outside: JobEnvironment,
        engine: Engine,
        container: str,
        paths: PathMap,
        variables: Mapping[str, str],
        *,
        is_root: bool,
    ) -> None:
        self.outside = outside
        self.paths: JobPaths = outside.paths
        self.map = paths
        self.container = container
        self.base_environment: Mapping[str, str] = {"PATH": _SEARCH_PATH, **variables, "HOME": "/github/home"}
        self._engine = engine
        self._is_root = is_root
        self._node: str | None = None

    def start(self, command: Command) -> Process:
        """Start a command in the container. Raises `OSError`, with the engine's words if it is the engine."""
        folder = self.map.to_inside(command.working_directory)
        outside = self.map.to_outside(folder)
        if outside != folder and not os.path.isdir(outside):
            raise FileNotFoundError(2, "No such file or directory", command.working_directory)
        environment = {name: self.map.to_inside(value) for name, value in command.environment.items()}
        arguments = [self._translate(argument) for argument in command.arguments]
        if arguments[0].startswith("/__e/"):
            arguments[0] = self._choose_node(arguments[0])
        if not self._is_root:
            self._open_files(command)
        return self._execute(arguments, environment, folder)

    def _execute(self, arguments: list[str], environment: Mapping[str, str], folder: str) -> ExecutedProcess:
        try:
            number, stream = self._engine.execute(self.container, arguments, environment=environment, folder=folder)
        except EngineError as error:
            raise OSError(8, f"the container does not start it: {error.message}") from error
        return ExecutedProcess(self._engine, self.container, number, stream)

    def _translate(self, argument: str) -> str:
        """A path alone, or the path of a script within an argument (`bash -c "time {0}"`)."""
        temp = f"{self.paths.temp}/"
        return self.map.to_inside(argument).replace(temp, self.map.to_inside(self.paths.temp) + "/")

    def _choose_node(self, mounted: str) -> str:
        """The mounted Node, or the image's own where that one does not run there (Alpine has another C library)."""
        if self._node is None:
            self._node = next((node for node in (mounted, "node") if self._runs(node)), "")
        if not self._node:
            raise OSError(
                8,
                "JavaScript actions cannot run in this container: the Node.js of this machine does not start in it (the image may be "
                "built on another C library, as Alpine's are), and the image has none; choose an image with Node.js",
            )
        return self._node

    def _runs(self, program: str) -> bool:
        process = self._execute([program, "--version"], {}, "/")
        try:
            while os.read(process.exit_fileno(), 1):
                continue
            return process.poll() == 0
        finally:
            process.close()

    def _open_files(self, command: Command) -> None:
        """Let the image's user, who is not root, read the step's script and write to its command files."""
        temp = f"{self.paths.temp}/"
        for path in (*command.arguments, *command.environment.values()):
            if path.startswith(temp) and os.path.isfile(path):
                os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | 0o666)  # noqa: S103 - within a closed folder

    def end_processes(self) -> tuple[str, ...]:
        """They end with the container; what runs outside is the machine's."""
        return self.outside.end_processes()

    def release(self) -> None:
        """Leave the folders."""
        self.outside.release()

    def close(self) -> None:
        """Remove the folders."""
        self.outside.close()

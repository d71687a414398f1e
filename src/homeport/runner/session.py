"""What the steps of one job share while it runs."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from homeport.ports.containers import ContainerSpec, ServiceHost
from homeport.ports.executor import JobEnvironment, WalledJobEnvironment
from homeport.ports.peer import JobOrder, Peer
from homeport.ports.toolkit import JobToolkit
from homeport.run.codec import to_plain
from homeport.run.facts import Conclusion
from homeport.runner.actions.model import ResolvedAction, Surroundings
from homeport.runner.confined import write_below
from homeport.runner.contexts import default_variables, github_context, job_context, runner_context
from homeport.runner.file_set import NO_ARTIFACTS, CommandFileSet
from homeport.runner.folders import make_folder
from homeport.runner.masking import Masker
from homeport.runner.matchers import MatcherProcess
from homeport.runner.reporter import Reporter
from homeport.runner.settings import RunnerSettings, Services
from homeport.runner.stop import JobStop

if TYPE_CHECKING:
    from homeport.runner.artifact_subjects import Subject
    from homeport.runner.path_map import PathMap

MOST_ANNOTATIONS = 50
"""Of one job (docs: "Workflow commands": limits of annotations)."""


class Defaults:
    """The evaluated `defaults.run`."""

    __slots__ = ("shell", "working_directory")

    def __init__(self, shell: str = "", working_directory: str = "") -> None:
        self.shell = shell
        self.working_directory = working_directory


class JobSession:
    """The state of one job. Steps that run at the same time share it: what they change themselves is put off until they are waited
    for, so only the job's own thread changes `env`, `path`, `steps` and `status`.
    """

    reason: str | None = None
    """why the job failed before, or apart from, any step"""
    wanted_container: ContainerSpec | None = None
    """the job's own, once the job is set up"""
    wanted_services: tuple[ContainerSpec, ...] = ()
    """those with an image, once the job is set up"""
    toolkit: JobToolkit | None = None
    """the services that its actions may call, where any may"""
    identity_token: str = ""
    """by which the job asks its server for identity tokens"""
    server_token: str = ""
    """by which its server's REST interface is asked for it"""
    gateway: str = ""
    """this machine's address in the network of the job's container"""
    path_map: "PathMap | None" = None
    """where the job's folders are in its container"""

    def __init__(
        self,
        order: JobOrder,
        environment: JobEnvironment,
        secrets: dict[str, str],
        *,
        peer: Peer,
        settings: RunnerSettings,
        services: Services,
        masker: Masker,
        reporter: Reporter,
        stop: JobStop,
    ) -> None:
        self.order = order
        self.peer = peer
        self.outside = environment
        """the machine's own surroundings, also of a job in a container"""
        self.wall = environment if isinstance(environment, WalledJobEnvironment) else None
        """where the job is kept from the rest of the machine: what must be done there is done through it"""
        self.environment = environment
        self.settings = settings
        self.services = services
        self.clock = services.clock
        self.masker = masker
        self.reporter = reporter
        self.stop = stop
        self.paths = environment.paths
        self.is_debug = _is_on(secrets, order.variables, "ACTIONS_STEP_DEBUG")
        self.status: Conclusion = "success"
        self.env: dict[str, str] = {}
        """workflow and job `env`, and what steps wrote to `GITHUB_ENV`"""
        self.path: list[str] = []
        """what steps wrote to `GITHUB_PATH`, the last one first in PATH"""
        self.defaults = Defaults()
        self.standing: dict[str, Any] = {}
        """what stands beside the job: `container` and `services` of its `job` context"""
        self.steps: dict[str, Any] = {}
        self.states: dict[tuple[str, ...], dict[str, str]] = {}
        """what actions saved for their later stages, by the path of ids to the step"""
        self.actions: dict[str, ResolvedAction] = {}
        self.resolving = threading.Lock()
        """held while an action is looked for once the steps run: those in the background share the folder of actions"""
        self.subjects: dict[str, Subject] = {}
        """what steps declared in `GITHUB_ARTIFACTS`, by name"""
        self.artifacts_list = NO_ARTIFACTS
        self.matchers = MatcherProcess()
        self.github = github_context(order, self.paths, secrets.get("GITHUB_TOKEN", ""))
        self.runner = runner_context(settings.name, settings.environment, self.paths, debug=self.is_debug)
        self.variables = {**default_variables(self.github, self.runner), "GITHUB_ACTIONS": "true"}
        self.contexts: dict[str, Any] = {
            "needs": order.needs,
            "strategy": order.strategy,
            "matrix": order.leg.matrix,
            "runner": self.runner,
            "vars": order.variables,
            "secrets": secrets,
            "inputs": order.inputs,
        }
        self.at_end: list[Callable[[], None]] = []
        """what must be cleared away with the job, whatever happens; safe to call twice"""
        self._files: CommandFileSet | None = None
        self._names = 0
        self._annotations = 0
        self._lock = threading.Lock()

    @property
    def service_host(self) -> ServiceHost | None:
        """Who starts the services of this job."""
        if self.wall is not None:
            return self.services.enclosed_services
        if self.wanted_container is not None:  # it could not reach what listens on this machine only
            return self.services.containers
        return self.services.service_host

    @property
    def job(self) -> dict[str, Any]:
        """The `job` context as it stands."""
        return {**job_context(self.order, self.status), **self.standing}

    def select(self, names: str) -> dict[str, Any]:
        """These contexts of the job, for keys that stand outside of its steps."""
        contexts = {"github": self.github, **self.contexts}
        return {name: contexts[name] for name in names.split()}

    @property
    def surroundings(self) -> Surroundings:
        """What resolving actions may look at."""
        return Surroundings(
            order=self.order,
            paths=self.paths if self.wall is None else self.wall.trusted_paths,
            sources=self.services.sources,
            environment=self.search_environment,
            wall=self.wall,
            preference=self.settings.preference,
            is_contained=self.wanted_container is not None,
            actions=self.services.actions,
            is_stopped=lambda: self.stop.is_requested,
        )

    @property
    def search_environment(self) -> dict[str, str]:
        """What a command of the job would get, without any step's own variables."""
        if self.wanted_container is not None or self.wall is not None:
            # what the job set is for its container or its side of the wall: no program of the machine's is looked for there
            return dict(self.outside.base_environment)
        base = {**self.environment.base_environment, **self.env}
        return {**base, "PATH": self.extend_path(base.get("PATH", ""))}

    def extend_path(self, path: str) -> str:
        """PATH with what steps have added in front."""
        return ":".join([*reversed(self.path), path]) if self.path else path

    def add_path(self, folder: str) -> None:
        """Put a folder first; one that is there already moves."""
        if folder in self.path:
            self.path.remove(folder)
        self.path.append(folder)

    def next_name(self) -> str:
        """A number that no other file of the job has in its name."""
        with self._lock:
            self._names += 1
            return str(self._names)

    def skip_names(self, last: int) -> None:
        """Files with numbers up to this one may be there already."""
        with self._lock:
            self._names = max(self._names, last)

    def mend_folders(self) -> None:
        """Write the event's payload and make the folder it is in, if need be: steps may remove what is in `RUNNER_TEMP`, and on GitHub
        too it is there again for the next one. Raises `OSError`.
        """
        path = str(self.github["event_path"])
        with self._lock:
            if not os.path.lexists(path):
                make_folder(self.paths.commands)
                content = msgspec.json.encode(to_plain(self.order.github.get("event", {})))
                write_below(self.paths.temp, tuple(os.path.relpath(path, self.paths.temp).split("/")), content)

    def take_files(self) -> CommandFileSet:
        """Command files for one step: those of the step before, where it wrote nothing and left nothing behind that could."""
        with self._lock:
            files, self._files = self._files, None
        return files or CommandFileSet(f"{self.paths.commands}/", self.next_name(), self.artifacts_list)

    def give_back(self, files: CommandFileSet) -> None:
        """These files are untouched."""
        self._files = files

    def count_annotation(self) -> bool:
        """Whether the job may raise one more."""
        with self._lock:
            self._annotations += 1
            return self._annotations <= MOST_ANNOTATIONS

    def worsen(self, conclusion: Conclusion) -> None:
        """A step ended so: the job stands no better from here on."""
        if conclusion == "cancelled" or (conclusion == "failure" and self.status == "success"):
            self.status = conclusion

    def check_stop(self) -> bool:
        """Whether the job has to end; it counts as cancelled then."""
        if self.stop.is_requested:
            self.worsen("cancelled")
            return True
        return False


def _is_on(secrets: dict[str, str], variables: dict[str, str], name: str) -> bool:
    return (secrets.get(name) or variables.get(name) or "").lower() == "true"

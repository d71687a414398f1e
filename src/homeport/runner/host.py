"""What an action may ask of the job that it runs in: the one seam between the runner's step loop and the actions' code."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.executor import JobPaths
from homeport.ports.peer import JobOrder, StopSignal
from homeport.run.facts import Level


class ActionError(Exception):
    """The action ends its step as a failure; the message is shown as an error, as `core.setFailed` does."""


class Sources(Protocol):
    """The running repository as this machine has it; what a native checkout copies from."""

    @property
    def folder(self) -> str:
        """The repository's working tree (the folder that was named, which may lie inside a larger git repository)."""
        ...

    @property
    def in_place(self) -> bool:
        """Whether jobs run in the user's own working tree (`--workspace in-place`)."""
        ...

    @property
    def is_bare(self) -> bool:
        """Whether `folder` is a bare repository of the server's: it has commits, and no working tree."""
        ...

    def find_repository(self, repository: str, ref: str) -> str | None:
        """Where another repository is to be read, by `--action-source`: an address or an absolute folder. Empty where nothing was said
        of it, so that its own server is meant; None where only folders were named, and none of them has it.
        """
        ...


class ActionHost(Protocol):
    """One use of an action, in its main or post stage. Used by one thread.

    Every value written here (outputs, variables, state) has the effect of the matching command file: visible to later steps, or
    to the post stage for state. Output lines are masked, matched and stored like those of a process.
    """

    @property
    def inputs(self) -> Mapping[str, str]:
        """`with` over the action's defaults, evaluated; names in lower case."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The complete environment that a process of this step would get."""
        ...

    @property
    def order(self) -> JobOrder:
        """The job."""
        ...

    @property
    def github(self) -> Mapping[str, Any]:
        """The `github` context of this step."""
        ...

    @property
    def paths(self) -> JobPaths:
        """The job's folders."""
        ...

    @property
    def state(self) -> Mapping[str, str]:
        """What earlier stages of this same step saved."""
        ...

    @property
    def job_status(self) -> Literal["success", "failure", "cancelled"]:
        """How the job stands now (`job.status`)."""
        ...

    @property
    def stop(self) -> StopSignal:
        """Tells the step to end. Its `reason` is asked now and then by whatever takes long; its descriptor knows of the job only."""
        ...

    @property
    def artifacts(self) -> ArtifactStore:
        """The run's artifacts."""
        ...

    @property
    def caches(self) -> CacheStore:
        """The repository's caches."""
        ...

    @property
    def sources(self) -> Sources:
        """The working tree that the run was started from."""
        ...

    def log(self, text: str) -> None:
        """Print lines (workflow commands in them are not interpreted)."""
        ...

    def annotate(self, severity: Level, message: str) -> None:
        """Print the message and raise an annotation, as `core.warning` does."""
        ...

    def set_output(self, name: str, value: str) -> None:
        """As a line in `GITHUB_OUTPUT`."""
        ...

    def export_variable(self, name: str, value: str) -> None:
        """As a line in `GITHUB_ENV`."""
        ...

    def add_path(self, folder: str) -> None:
        """As a line in `GITHUB_PATH`."""
        ...

    def save_state(self, name: str, value: str) -> None:
        """As a line in `GITHUB_STATE`."""
        ...

    def add_summary(self, markdown: str) -> None:
        """As what is written to `GITHUB_STEP_SUMMARY`."""
        ...

    def mask(self, value: str) -> None:
        """Keep a value out of every later line."""
        ...

    def add_matcher(self, definition: bytes) -> None:
        """Register the problem matchers of a JSON definition."""
        ...

    def resolved(self, kind: Literal["action", "tool", "cache"], name: str, version: str, detail: str = "") -> None:
        """Report what a name turned out to be (a `VersionResolved` fact)."""
        ...

    def uploaded(self, name: str, artifact_id: str, size: int, digest: str) -> None:
        """Report a complete artifact (an `ArtifactUploaded` fact)."""
        ...

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: str | None = None,
    ) -> int:
        """Run a program as a step does: its output is the step's (commands interpreted). Gives the exit code, 128 and more for a
        signal. `environment` is the whole of it; None is that of the step. The working directory is the workspace, if not named.

        A stop ends the program, and then the action too: what is raised then is not to be caught.
        """
        ...

    def capture(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: str | None = None,
    ) -> tuple[int, str]:
        """Run a program quietly: (exit code, its stdout and stderr)."""
        ...

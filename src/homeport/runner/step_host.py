"""What an action's code is given to work with: the job, seen from one stage of one step."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.executor import JobPaths
from homeport.ports.peer import JobOrder, StopSignal
from homeport.run.facts import ArtifactUploaded, Level, VersionResolved
from homeport.runner.frame import StepFrame
from homeport.runner.host import Sources
from homeport.runner.matchers import parse_matchers


class StepHost:
    """The `ActionHost` of one stage. `inputs` are as written; they and the state are in the environment too."""

    def __init__(self, frame: StepFrame, inputs: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self._frame = frame
        self._session = frame.session
        self._record = frame.record
        self._voice = frame.record.voice
        self.inputs: Mapping[str, str] = {name.lower(): value for name, value in inputs.items()}
        state = {f"STATE_{name}": value for name, value in frame.record.state.items()}
        self.environment: Mapping[str, str] = frame.environment({**variables, **state})

    @property
    def order(self) -> JobOrder:
        """The job."""
        return self._session.order

    @property
    def github(self) -> Mapping[str, Any]:
        """The `github` context of this step."""
        return self._frame.github

    @property
    def paths(self) -> JobPaths:
        """The job's folders, for the runner's own use."""
        wall = self._session.wall
        return self._session.paths if wall is None else wall.trusted_paths

    @property
    def state(self) -> Mapping[str, str]:
        """What earlier stages of this same step saved."""
        return self._record.state

    @property
    def job_status(self) -> Literal["success", "failure", "cancelled"]:
        """How the job stands now."""
        return cast("Literal['success', 'failure', 'cancelled']", self._session.status)

    @property
    def stop(self) -> StopSignal:
        """Tells the step to end: with its job, by a `cancel` step, or because its time is over."""
        return _StepSignal(self._frame)

    @property
    def artifacts(self) -> ArtifactStore:
        """The run's artifacts."""
        return self._session.services.artifacts

    @property
    def caches(self) -> CacheStore:
        """The repository's caches."""
        return self._session.services.caches

    @property
    def sources(self) -> Sources:
        """The working tree that the run was started from."""
        return self._session.services.sources

    def log(self, text: str) -> None:
        """Print lines."""
        self._voice.log.write(text)
        self._voice.log.send()

    def annotate(self, severity: Level, message: str) -> None:
        """Print a message and raise an annotation."""
        self._voice.annotate(severity, message)

    def set_output(self, name: str, value: str) -> None:
        """As a line in `GITHUB_OUTPUT`."""
        self._record.set_output(name, value)

    def export_variable(self, name: str, value: str) -> None:
        """As a line in `GITHUB_ENV`."""
        self._record.effects.export(name, value)

    def add_path(self, folder: str) -> None:
        """As a line in `GITHUB_PATH`."""
        self._record.effects.add_path(folder)

    def save_state(self, name: str, value: str) -> None:
        """As a line in `GITHUB_STATE`."""
        self._record.save_state(name, value)

    def add_summary(self, markdown: str) -> None:
        """As what is written to `GITHUB_STEP_SUMMARY`."""
        self._record.add_summary(markdown)

    def mask(self, value: str) -> None:
        """Keep a value out of every later line."""
        self._session.masker.add(value)

    def add_matcher(self, definition: bytes) -> None:
        """Register problem matchers. A definition that is wrong fails the step."""
        self._session.matchers.add(parse_matchers(definition))

    def resolved(self, kind: Literal["action", "tool", "cache"], name: str, version: str, detail: str = "") -> None:
        """Report what a name turned out to be."""
        self._session.reporter.add(
            VersionResolved(
                at=self._session.clock.now(),
                run=self.order.run,
                job=self.order.leg.key,
                step=self._voice.step,
                kind=kind,
                name=name,
                version=version,
                detail=detail,
            )
        )

    def uploaded(self, name: str, artifact_id: str, size: int, digest: str) -> None:
        """Report a complete artifact."""
        self._session.reporter.add(
            ArtifactUploaded(
                at=self._session.clock.now(),
                run=self.order.run,
                job=self.order.leg.key,
                step=self._voice.step,
                name=name,
                id=artifact_id,
                size=size,
                digest=digest,
            )
        )

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: str | None = None,
    ) -> int:
        """Run a program as a step does."""
        return self._frame.run(arguments, self._choose(environment), working_directory or self.paths.workspace)

    def capture(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: str | None = None,
    ) -> tuple[int, str]:
        """Run a program quietly."""
        sink = _Memory()
        folder = working_directory or self.paths.workspace
        code = self._frame.run_quietly(arguments, self._choose(environment), folder, sink)
        return code, b"".join(sink.parts).decode("utf-8", "replace")

    def _choose(self, environment: Mapping[str, str] | None) -> dict[str, str]:
        return dict(self.environment if environment is None else environment)


class _StepSignal:
    """What `StepFrame.stop` says, as actions are told it."""

    def __init__(self, frame: StepFrame) -> None:
        self._frame = frame

    @property
    def reason(self) -> str | None:
        """None while the step may go on."""
        return self._frame.stop.find_cause()

    @property
    def forced(self) -> bool:
        """Whether nothing may be cleaned up."""
        return self._frame.session.stop.is_forced

    def fileno(self) -> int:
        """The job's; a time limit makes nothing readable."""
        return self._frame.session.stop.signal.fileno()


class _Memory:
    """Keeps output."""

    due_at = None

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Keep a chunk."""
        self.parts.append(data)

    def send(self) -> None:
        """Nobody waits for it."""

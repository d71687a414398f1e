"""The `ActionHost` of a stage that runs inside of its job's wall: what is told goes to the runner, what is asked comes from it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import msgspec

from homeport.ports.artifacts import ArtifactStore
from homeport.ports.caches import CacheStore
from homeport.ports.executor import JobPaths
from homeport.ports.peer import JobOrder, StopSignal
from homeport.run.facts import Level
from homeport.runner.host import Sources
from homeport.runner.walled.conversation import (
    Annotate,
    Answer,
    Ask,
    FindStop,
    Line,
    Log,
    Put,
    Resolved,
    Run,
    Stage,
    Uploaded,
    decode_answer,
    encode,
)
from homeport.runner.walled.stores_inside import ArtifactsInside, CachesInside


class _Leg(msgspec.Struct, frozen=True):
    key: str


class _Order(msgspec.Struct, frozen=True):
    """What native actions ask of a `JobOrder`."""

    run: str
    leg: _Leg


class _Sources(msgspec.Struct, frozen=True):
    """`repository` is the answer for the one repository that the step asks for."""

    folder: str
    in_place: bool
    is_bare: bool
    repository: str | None

    def find_repository(self, repository: str, ref: str) -> str | None:  # noqa: ARG002 - it was asked outside
        """Found out before the stage began."""
        return self.repository


class HostInside:
    """One use of an action, in one stage."""

    def __init__(self, task: Stage, line: Line) -> None:
        self._line = line
        self._task = task
        self.inputs: Mapping[str, str] = task.inputs
        self.environment: Mapping[str, str] = task.environment
        self.github: Mapping[str, Any] = task.github
        self.paths: JobPaths = task.paths
        self._state = dict(task.state)
        self.order = cast("JobOrder", _Order(task.run, _Leg(task.job)))
        self.artifacts: ArtifactStore = ArtifactsInside(self, task.paths.temp)
        self.caches: CacheStore = CachesInside(self, task.paths.temp, task.environment.get("PATH", ""))
        self.sources: Sources = _Sources(task.source, task.in_place, task.is_bare, task.repository)
        self.stop: StopSignal = _Stop(self)

    @property
    def state(self) -> Mapping[str, str]:
        """What earlier stages of this same step saved."""
        return self._state

    @property
    def job_status(self) -> Literal["success", "failure", "cancelled"]:
        """How the job stood when the stage began."""
        return self._task.job_status

    def log(self, text: str) -> None:
        """Print lines."""
        self.tell(Log(text))

    def annotate(self, severity: Level, message: str) -> None:
        """Print a message and raise an annotation."""
        self.tell(Annotate(severity, message))

    def set_output(self, name: str, value: str) -> None:
        """As a line in `GITHUB_OUTPUT`."""
        self.tell(Put("output", name, value))

    def export_variable(self, name: str, value: str) -> None:
        """As a line in `GITHUB_ENV`."""
        self.tell(Put("variable", name, value))

    def add_path(self, folder: str) -> None:
        """As a line in `GITHUB_PATH`."""
        self.tell(Put("path", folder))

    def save_state(self, name: str, value: str) -> None:
        """As a line in `GITHUB_STATE`."""
        self._state[name] = value
        self.tell(Put("state", name, value))

    def add_summary(self, markdown: str) -> None:
        """As text in `GITHUB_STEP_SUMMARY`."""
        self.tell(Put("summary", markdown))

    def mask(self, value: str) -> None:
        """Keep a value out of every later line."""
        self.tell(Put("mask", value))

    def add_matcher(self, definition: bytes) -> None:
        """Register problem matchers."""
        self.tell(Put("matcher", definition.decode("utf-8", "replace")))

    def resolved(self, kind: Literal["action", "tool", "cache"], name: str, version: str, detail: str = "") -> None:
        """Report what a name turned out to be."""
        self.tell(Resolved(kind, name, version, detail))

    def uploaded(self, name: str, artifact_id: str, size: int, digest: str) -> None:
        """Report a complete artifact."""
        self.tell(Uploaded(name, artifact_id, size, digest))

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: str | None = None,
    ) -> int:
        """Run a program as a step does."""
        return int(self._run(arguments, environment, working_directory, quietly=False)[0])

    def capture(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: str | None = None,
    ) -> tuple[int, str]:
        """Run a program quietly."""
        code, text = self._run(arguments, environment, working_directory, quietly=True)
        return int(code), str(text)

    def _run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None,
        working_directory: str | None,
        *,
        quietly: bool,
    ) -> tuple[int, str]:
        chosen = None if environment is None else dict(environment)
        answer = self.ask(Run(tuple(arguments), chosen, working_directory, quietly))
        return cast("tuple[int, str]", answer.value)

    def tell(self, message: Ask) -> None:
        """Say what has no answer."""
        self._line.send(encode(message))

    def ask(self, message: Ask, descriptor: int = -1) -> Answer:
        """Say what has one, and wait for it."""
        self._line.send(encode(message), descriptor)
        return decode_answer(self._line.receive())


class _Stop:
    """Asks the runner. It also ends this process by signals, as it does with any command."""

    def __init__(self, host: HostInside) -> None:
        self._host = host
        self._pipe = -1

    @property
    def reason(self) -> str | None:
        """None while the step may go on."""
        value = cast("tuple[str | None, bool]", self._host.ask(FindStop()).value)
        return value[0]

    @property
    def forced(self) -> bool:
        """Whether nothing may be cleaned up."""
        return bool(cast("tuple[str | None, bool]", self._host.ask(FindStop()).value)[1])

    def fileno(self) -> int:
        """A descriptor that never becomes readable: here a stop comes as a signal."""
        if self._pipe < 0:
            self._pipe, _ = os.pipe()
        return self._pipe

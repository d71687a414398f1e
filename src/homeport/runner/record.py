"""What one step has said and done so far: where commands, command files and actions leave their effects."""

import os
from typing import TYPE_CHECKING, Any

import msgspec

from homeport.diagnostics.span import Span
from homeport.run.facts import Level, SummaryWritten
from homeport.runner.output import StepLog
from homeport.runner.session import JobSession

if TYPE_CHECKING:
    from homeport.runner.path_map import PathMap

MOST_ANNOTATIONS = 10
"""Of one severity in one step (docs: "Workflow commands": limits of annotations)."""
LONGEST_MESSAGE = 4096


class Place(msgspec.Struct, frozen=True):
    """Where an annotation points to."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None


class Voice:
    """The log of a step of the job and its annotations; steps inside an action speak with the voice of the step that uses it."""

    def __init__(self, session: JobSession, step: str, log: StepLog) -> None:
        self.session = session
        self.step = step
        self.log = log
        self.last_failure = ""
        self._raised: dict[Level, int] = {}

    def annotate(self, severity: Level, message: str, place: Place | None = None, *, title: str | None = None) -> None:
        """Print a message and raise an annotation; an empty one is nothing."""
        if message:
            self.log.write(f"##[{severity}]{message}")
        self.raise_annotation(severity, message, place or Place(), title=title)

    def raise_annotation(self, severity: Level, message: str, place: Place, *, title: str | None = None) -> None:
        """Raise an annotation, as far as the limits allow."""
        self._raised[severity] = self._raised.get(severity, 0) + 1
        if self._raised[severity] <= MOST_ANNOTATIONS and message.strip() and self.session.count_annotation():
            self._raise(severity, message, place, title)

    def fail(self, message: str, span: Span | None = None) -> None:
        """Say why the step fails. What points at a place of the workflow is shown whatever the step has said before."""
        self.last_failure = message
        if span is None:
            self.annotate("error", message)
            return
        self.log.write(f"##[error]{message}")
        self._raise("error", message, Place(span.file, span.line, span.column, span.end_line, span.end_column), None)

    def debug(self, message: str) -> None:
        """Print a line that is only shown while `ACTIONS_STEP_DEBUG` is on."""
        if self.session.is_debug:
            self.log.write(f"##[debug]{message}")

    def _raise(self, severity: Level, message: str, place: Place, title: str | None) -> None:
        masker = self.session.masker
        self.log.collect()
        self.session.reporter.annotation(
            severity,
            masker.mask_text(message)[:LONGEST_MESSAGE],
            step=self.step,
            file=place.file and masker.mask_text(place.file),
            line=place.line,
            column=place.column,
            end_line=place.end_line,
            end_column=place.end_column,
            title=title and masker.mask_text(title),
        )


class Effects:
    """What steps change for those after them. A background step's changes are seen by nobody else before `apply`."""

    def __init__(self, session: JobSession, *, is_deferred: bool = False) -> None:
        self._session = session
        self._is_deferred = is_deferred
        self._variables: dict[str, str] = {}
        self._folders: list[str] = []

    def export(self, name: str, value: str) -> None:
        """A variable for later steps."""
        (self._variables if self._is_deferred else self._session.env)[name] = value

    def add_path(self, folder: str) -> None:
        """A folder in front of PATH for later steps."""
        if self._is_deferred:
            self._folders.append(folder)
        else:
            self._session.add_path(folder)

    @property
    def env(self) -> dict[str, str]:
        """The variables that a step which shares these effects begins with."""
        return {**self._session.env, **self._variables}

    def extend_path(self, path: str) -> str:
        """PATH as such a step sees it."""
        return ":".join([*reversed(self._folders), self._session.extend_path(path)])

    def apply(self) -> None:
        """Let the changes of a background step count, now that it was waited for. Called in the job's thread."""
        self._session.env.update(self._variables)
        for folder in self._folders:
            self._session.add_path(folder)
        self._variables, self._folders = {}, []


class StepRecord:
    """One step, or one step inside an action."""

    def __init__(self, voice: Voice, effects: Effects, path: tuple[str, ...]) -> None:
        self.voice = voice
        self.session = voice.session
        self.effects = effects
        self.path = path
        self.outputs: dict[str, str] = {}
        self.state = self.session.states.setdefault(path, {})
        self._output_names: dict[str, str] = {}
        """by lower case, as first written: names that differ in case only are one, as in the runner's dictionaries"""
        self._state_names = {name.lower(): name for name in self.state}
        self.path_map: PathMap | None = None
        """of the container that the step's command runs in, where that is not the job's"""
        self.has_failed = False
        """a command or a command file was wrong: the step fails whatever its exit code"""

    def set_output(self, name: str, value: str) -> None:
        """As a line in `GITHUB_OUTPUT`."""
        self.outputs[self._output_names.setdefault(name.lower(), name)] = value

    def save_state(self, name: str, value: str) -> None:
        """As a line in `GITHUB_STATE`."""
        self.state[self._state_names.setdefault(name.lower(), name)] = value

    def add_summary(self, markdown: str) -> None:
        """Report a summary; secrets are taken out of it."""
        session = self.session
        session.reporter.add(
            SummaryWritten(
                at=session.clock.now(),
                run=session.order.run,
                job=session.order.leg.key,
                step=self.voice.step,
                markdown=session.masker.mask_text(markdown),
            )
        )

    def describe(self, outcome: str, conclusion: str) -> dict[str, Any]:
        """The step as the `steps` context shows it."""
        return {"outputs": dict(self.outputs), "outcome": outcome, "conclusion": conclusion}

    def find_outside(self, path: str) -> str:
        """A path that the step's command has named, as this machine has it (actions/runner `TranslateToHostPath`)."""
        path_map = self.path_map or self.session.path_map
        return path if path_map is None else path_map.to_outside(path)

    def find_relative(self, file: str) -> str:
        """A path below the workspace as it is there; any other unchanged."""
        workspace = self.session.paths.workspace
        file = self.find_outside(file)
        return os.path.relpath(file, workspace) if file.startswith(workspace + "/") else file

"""What a `uses` turns out to be, and what the step loop and the code of actions promise each other.

The job loop (`runner/job.py`) resolves every action that it can before the first step (all but `./path`, which exists only after
checkout), runs the pre stages of all of them, then the steps, then the post stages in reverse order of their main stages. Each
stage is one call with a fresh `ActionHost`; state saved by one stage is the next one's `host.state`. (C# runner: `JobExtension`,
`ActionManager`, `ActionRunner`.)

- `CompositeAction`: its steps recurse into the step loop; no code of its own.
- `NodeAction`: `runner.actions.javascript.run_stage(action, stage, host)` runs the stage's file with Node and gives the exit code.
- `DockerAction`: `runner.containers.action.run_stage(action, stage, frame, host)` runs the stage's container and gives the exit code.
- `NativeAction`: the module named is imported when its first stage is reached and answers `NativeModule` (and `NativePost` where
  `has_post`).
"""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.tokens import StringToken
from homeport.ports.action_sources import ActionSources
from homeport.ports.executor import JobPaths, WalledJobEnvironment
from homeport.ports.peer import JobOrder
from homeport.runner.host import ActionHost, Sources

Stage = Literal["pre", "main", "post"]


class ActionUnavailableError(Exception):
    """This `uses` cannot be run here. `span` is what to blame, in the workflow or in the action file that names it."""

    def __init__(self, message: str, span: Span, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint


class FailedUse(msgspec.Struct, frozen=True):
    """An action that could not be found, and where it was first asked for."""

    uses: StringToken
    error: ActionUnavailableError

    def blame(self, uses: StringToken) -> ActionUnavailableError:
        """The error for another place that uses the same action; what is wrong within the action stays where it is."""
        error = self.error
        span = uses.span if error.span == self.uses.span else error.span
        return type(error)(error.message, span, error.hint)


class ActionStoppedError(ActionUnavailableError):
    """The job was stopped while the action was looked for."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What resolving an action may look at. `environment` is that of the job's commands (its PATH finds node and git)."""

    order: JobOrder
    paths: JobPaths
    sources: Sources
    environment: Mapping[str, str]
    wall: WalledJobEnvironment | None = None
    """where the job is behind one, and its files are to be read through it"""
    preference: Literal["native", "upstream"] = "native"
    """`--actions`"""
    is_contained: bool = False
    """whether the job runs in a container: not every native action serves it"""
    actions: ActionSources | None = None
    """where published actions come from; None: from nowhere"""
    is_stopped: Callable[[], bool] = lambda: False
    """whether the job has to end, so that nothing more is wanted"""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an action came from; what the `github.action_*` context and the `VersionResolved` fact say."""

    uses: str
    """as it is written"""
    repository: str = ""
    """`owner/name`; empty for `./path`"""
    ref: str = ""
    """what follows `@`; empty for `./path` and `$/path`"""
    version: str = ""
    """the commit, or `native` and Homeport's version of the action"""
    remarks: tuple[str, ...] = ()
    """what should be seen of how it was found: raised as warnings"""


class CompositeAction(msgspec.Struct, frozen=True, kw_only=True, tag="composite"):
    """Steps of an action file; `action.runs` is a `CompositeRuns`. `folder` becomes `github.action_path`."""

    origin: Origin
    action: nodes.Action
    runs: nodes.CompositeRuns
    folder: str


class NodeAction(msgspec.Struct, frozen=True, kw_only=True, tag="node"):
    """A JavaScript action; `action.runs` is a `NodeRuns`. Resolving has checked that Node is there and the files of its stages too."""

    origin: Origin
    action: nodes.Action
    runs: nodes.NodeRuns
    folder: str
    node: str
    """the absolute path of the `node` that runs it"""


class DockerAction(msgspec.Struct, frozen=True, kw_only=True, tag="docker"):
    """A container action: of a folder with an `action.yml` or only a `Dockerfile`, or `docker://image`, which has no folder.

    `runs.image` is `Dockerfile` (or another path within the folder) or `docker://image`, as in an action file. For what has no
    action file, `action` has no inputs and `action.file` is empty.
    """

    origin: Origin
    action: nodes.Action
    runs: nodes.DockerRuns
    folder: str
    """empty for `docker://image`"""

    @property
    def is_image(self) -> bool:
        """Whether it is a `uses: docker://image`, where any input may be given."""
        return not self.folder


class NativeAction(msgspec.Struct, frozen=True, kw_only=True, tag="native"):
    """An action that Homeport carries itself, in place of a published one. Defaults of its inputs may hold expressions."""

    origin: Origin
    module: str
    """the full name of a `NativeModule`"""
    inputs: tuple[nodes.InputDeclaration, ...] = ()
    has_post: bool = False
    post_condition: nodes.Condition | None = None
    """None: `always()`"""


ResolvedAction = CompositeAction | NodeAction | DockerAction | NativeAction


class ResolveAction(Protocol):
    """The signature of `runner.actions.resolve.resolve_action`: one `uses`, not the ones that a composite action names in turn.

    Raises `ActionUnavailableError`. Safe to repeat; used by one thread of a job (other jobs may resolve at the same time).
    """

    def __call__(self, uses: StringToken, surroundings: Surroundings) -> ResolvedAction:
        """Find (and parse) the action. `./path` is looked up below `surroundings.paths.workspace`."""
        ...


class NativeModule(Protocol):
    """What the module of a native action holds. Failure is an `ActionError`; anything else raised is a fault of Homeport's."""

    def main(self, host: ActionHost) -> None:
        """The main stage."""
        ...


class NativePost(Protocol):
    """The post stage of a native action that has one."""

    def post(self, host: ActionHost) -> None:
        """Called after all main stages, with the state that `main` saved."""
        ...

"""Runs on the inside of a job's wall what the runner would otherwise do itself on files that the job has made.

A native action is Homeport's own code, but it follows the job's paths and links: outside it would read and write what the user can.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from homeport.git.discovery import bare_layout, find_layout
from homeport.ports.executor import WalledJobEnvironment
from homeport.runner.actions.model import NativeAction
from homeport.runner.frame import StepFrame, StepStoppedError
from homeport.runner.step_host import StepHost
from homeport.runner.walled.conversation import (
    Annotate,
    Answer,
    Ask,
    Done,
    Failed,
    FetchArtifact,
    FetchCache,
    FindCache,
    FindStop,
    ListArtifacts,
    Log,
    Put,
    PutArtifact,
    PutCache,
    Resolved,
    Run,
    Stage,
    Uploaded,
)
from homeport.runner.walled.conversing import Conversation, StageStoppedError
from homeport.runner.walled.questions import HIDDEN_HOME, program_environment
from homeport.runner.walled.stores_outside import StoresOutside

_NEEDS_REPOSITORY = "homeport.runner.actions.native.checkout"
"""The one action that reads the user's working tree, which jobs do not see"""


def run_native_stage(
    wall: WalledJobEnvironment,
    frame: StepFrame,
    action: NativeAction,
    host: StepHost,
    stage: Literal["pre", "main", "post"],
) -> None:
    """Run a stage of a native action inside. Raises as the stage itself would: `ActionError`, `OSError`, `StepStoppedError`.

    What reads the user's own tree runs behind a wall of its own, beside the job's: nothing that the job has set (its PATH, its home
    with git's configuration, its variables) is followed there, and the job's processes stand still meanwhile.
    """
    task = _describe(frame, action, host, stage)
    reads_repository = action.module == _NEEDS_REPOSITORY and stage == "main"
    if reads_repository:
        task = msgspec.structs.replace(task, environment=_trusted_environment(wall, frame))
    shown = _list_shown(task) if reads_repository else ()
    stores = StoresOutside(host, wall.paths.commands)
    with wall.open_inside(shown) as inside:
        try:
            conversation = Conversation(
                frame.stop, inside, lambda message, take_file: _heed(host, stores, message, take_file)
            )
            conversation.carry_out(task, program_environment(wall))
        except StageStoppedError as error:
            raise StepStoppedError from error


def _describe(frame: StepFrame, action: NativeAction, host: StepHost, stage: Literal["pre", "main", "post"]) -> Stage:
    session = frame.session
    sources = session.services.sources
    wanted, own = host.inputs.get("repository", ""), str(host.github.get("repository") or "")
    is_other = bool(wanted) and wanted.lower() != own.lower()
    return Stage(
        module=action.module,
        stage=stage,
        inputs=dict(host.inputs),
        environment=dict(host.environment),
        github={name: value for name, value in host.github.items() if name != "token"},
        paths=session.paths,
        state=dict(host.state),
        job_status=host.job_status,
        run=host.order.run,
        job=host.order.leg.key,
        source=sources.folder,
        in_place=sources.in_place,
        is_bare=sources.is_bare,
        repository=sources.find_repository(wanted, host.inputs.get("ref", "")) if is_other else "",
    )


def _list_shown(task: Stage) -> tuple[str, ...]:
    """The repository's working tree and git folder; that of another repository which is a folder of this machine."""
    layout = bare_layout(task.source) if task.is_bare else find_layout(task.source)
    own = (task.source,) if layout is None else (layout.work_tree, layout.git_dir, layout.common_dir)
    other = task.repository or ""
    return (*own, other) if other.startswith("/") else own


def _trusted_environment(wall: WalledJobEnvironment, frame: StepFrame) -> dict[str, str]:
    return {**wall.base_environment, **frame.session.variables, "HOME": HIDDEN_HOME, "GIT_CONFIG_NOSYSTEM": "1"}


def _heed(host: StepHost, stores: StoresOutside, message: Ask, take_file: Callable[[], int]) -> Answer | None:
    match message:
        case Log(text):
            host.log(text)
        case Annotate(severity, text):
            host.annotate(severity, text)
        case Put():
            _put(host, message)
        case Resolved(kind, name, version, detail):
            host.resolved(kind, name, version, detail)
        case Uploaded(name, artifact_id, size, digest):
            host.uploaded(name, artifact_id, size, digest)
        case Run():
            return Answer(_run(host, message))
        case FindStop():
            return Answer((host.stop.reason, host.stop.forced))
        case ListArtifacts() | PutArtifact() | FetchArtifact() | FindCache() | FetchCache() | PutCache():
            return stores.answer(message, take_file)
        case Done() | Failed():
            return None
    return None


def _put(host: StepHost, message: Put) -> None:
    match message.kind:
        case "output":
            host.set_output(message.name, message.value)
        case "variable":
            host.export_variable(message.name, message.value)
        case "path":
            host.add_path(message.name)
        case "state":
            host.save_state(message.name, message.value)
        case "summary":
            host.add_summary(message.name)
        case "mask":
            host.mask(message.name)
        case "matcher":
            host.add_matcher(message.name.encode())


def _run(host: StepHost, message: Run) -> tuple[int, str]:
    if message.quietly:
        return host.capture(
            message.arguments, environment=message.environment, working_directory=message.working_directory
        )
    code = host.run(message.arguments, environment=message.environment, working_directory=message.working_directory)
    return code, ""

"""Runs a stage of a container action: its image built or fetched, a container for this one stage, its output as the step's.

Source: actions/runner `ContainerActionHandler` (entrypoints, arguments, mounts, variables) and `ActionManager` (build before the first step);
GitHub docs, "Dockerfile support for GitHub Actions". Here an image is built when its first stage is reached, and kept: its name holds a
digest of the folder that it was built from.
"""

import os
from collections.abc import Mapping

from homeport.language.expr.values import Value
from homeport.plan.evaluation import evaluate_text, evaluate_texts
from homeport.ports.containers import ContainerSpec, ServiceUnavailableError
from homeport.ports.executor import Process
from homeport.runner.actions.model import ActionUnavailableError, DockerAction, Stage
from homeport.runner.containers.build import BuildError, build_image
from homeport.runner.containers.creation import Frame, create
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.host import ContainerHost, get_host
from homeport.runner.containers.job_container import list_sockets
from homeport.runner.containers.jobs import JobContainers
from homeport.runner.containers.paths import home_folder, list_folders, map_action
from homeport.runner.containers.processes import ContainerProcess
from homeport.runner.containers.wanted import find_engine_refusal
from homeport.runner.folders import make_folder
from homeport.runner.frame import StepFrame
from homeport.runner.host import ActionError, ActionHost
from homeport.runner.services.words import split_words
from homeport.runner.toolkit_access import reach_from_containers


def run_stage(action: DockerAction, stage: Stage, frame: StepFrame, host: ActionHost) -> int:
    """The exit code of the stage's container; it is gone afterwards. Raises `ActionError` and `ActionUnavailableError`."""
    if (refusal := find_engine_refusal(frame.session)) is not None:
        raise ActionError(f"'{action.origin.uses}' cannot run in a container: {refusal}")
    try:
        return _Stage(action, stage, frame, host, get_host(frame.session)).run()
    except EngineError as error:
        message = error.message if error.hint is None else f"{error.message}\n{error.hint}"
        raise ActionError(f"'{action.origin.uses}' cannot run in a container: {message}") from error
    except ServiceUnavailableError as error:
        message = f"'{action.origin.uses}' cannot run in a container: {error.message}"
        raise ActionUnavailableError(message, error.span, error.hint) from error


class _Stage:
    """One container, from its image to its end."""

    def __init__(
        self, action: DockerAction, stage: Stage, frame: StepFrame, host: ActionHost, engines: ContainerHost
    ) -> None:
        self._action = action
        self._stage = stage
        self._frame = frame
        self._host = host
        self._engines = engines
        self._containers: JobContainers = engines.open_job(frame.session.order)
        frame.session.at_end.append(self._containers.close)
        self._paths = map_action(frame.session.paths)

    def run(self) -> int:
        """Make it, wait for its end, remove it."""
        containers, frame = self._containers, self._frame
        containers.make_network()
        for folder in list_folders(frame.session.paths):
            make_folder(folder)
        variables = self._list_variables()
        spec = ContainerSpec(
            name="",
            image=self._find_image(),
            entrypoint=self._find_entrypoint(),
            span=frame.written.uses.span if hasattr(frame.written, "uses") else self._action.runs.span,
        )
        container = create(containers.engine, spec, self._make_frame(variables))
        containers.add(container)
        frame.record.path_map = self._paths
        try:
            return frame.run_process(variables, lambda: self._start(container))
        finally:
            frame.record.path_map = None
            containers.remove(container)

    def _start(self, container: str) -> Process:
        engine = self._containers.engine
        stream = engine.attach(container)
        try:
            engine.start(container)
        except EngineError as error:
            stream.close()
            raise OSError(8, error.message) from error
        return ContainerProcess(engine, container, stream)

    def _make_frame(self, variables: Mapping[str, str]) -> Frame:
        containers = self._containers
        return Frame(
            network=containers.network,
            labels=containers.labels,
            environment=variables,
            binds=[*self._paths.binds, *list_sockets(containers, self._engines)],
            hosts=containers.hosts,
            working_directory="/github/workspace",
            command=self._list_arguments(),
        )

    # --- image --------------------------------------------------------------------------------------------------------

    def _find_image(self) -> str:
        image = evaluate_text(self._action.runs.image, {})
        if image.lower().startswith("docker://"):
            return image[len("docker://") :]
        dockerfile = os.path.normpath(os.path.join(self._action.folder, image))
        if not os.path.isfile(dockerfile):
            raise ActionError(f"File not found: '{dockerfile}'")
        self._host.log("##[group]Building docker image")
        self._host.log(f"Dockerfile for action: '{dockerfile}'.")
        try:
            return build_image(self._containers.engine, dockerfile, self._engines.owner_labels, self._host.log)
        except BuildError as error:
            raise ActionError(f"Docker build failed: {error}") from error
        finally:
            self._host.log("##[endgroup]")

    # --- what it is given ---------------------------------------------------------------------------------------------

    def _find_entrypoint(self) -> str:
        runs = self._action.runs
        match self._stage:
            case "pre":
                return runs.pre_entrypoint or ""
            case "post":
                return runs.post_entrypoint or ""
            case "main":
                return runs.entrypoint or self._host.inputs.get("entrypoint", "")

    @property
    def _contexts(self) -> Mapping[str, Value]:
        """What `args` and `env` of an action file may use."""
        return {"inputs": dict(self._host.inputs)}

    def _list_arguments(self) -> list[str]:
        if self._action.runs.args:
            return [evaluate_text(argument, self._contexts) for argument in self._action.runs.args]
        return split_words(self._host.inputs.get("args", ""))

    def _list_variables(self) -> dict[str, str]:
        """Those of the step, not of this machine: what nobody set for the job is left out, PATH and HOME are the container's."""
        machine = self._frame.session.outside.base_environment
        own = self._frame.env
        given = {
            name: value
            for name, value in self._host.environment.items()
            if name in own or (machine.get(name) != value and name not in {"PATH", "HOME"})
        }
        written = evaluate_texts(self._action.runs.env, self._contexts)
        toolkit = reach_from_containers(self._frame.session, self._containers.gateway)
        merged = {
            **written,
            **given,
            **toolkit,
            "HOME": home_folder(self._frame.session.paths),
            "GITHUB_ACTIONS": "true",
        }
        return {name: self._paths.to_inside(value) for name, value in merged.items()}

"""Every expression of a workflow or action, with what is known where it stands: the key, the slot it fills, and the contexts."""

from collections.abc import Iterator, Mapping
from typing import Literal, assert_never

import msgspec

from homeport.language.expr.syntax import Node
from homeport.language.expr.types import ObjectType, Type
from homeport.language.nodes import (
    Action,
    CallJob,
    CancelStep,
    CompositeRuns,
    Concurrency,
    Condition,
    Container,
    Defaults,
    DockerRuns,
    Job,
    ParallelStep,
    RunStep,
    Step,
    Strategy,
    UsesStep,
    WaitStep,
    Workflow,
)
from homeport.language.project import Project
from homeport.language.scopes import (
    JobResults,
    Scope,
    action_scope,
    find_called,
    job_scope,
    parse_at,
    step_result_type,
    workflow_scope,
)
from homeport.language.tokens import (
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    SequenceToken,
    StringToken,
    Token,
)

Slot = Literal["text", "boolean", "number", "object", "array", "labels", "condition", "any"]
"""What a value must be where an expression gives the whole of it; a piece of a text is always `text`."""

_SCRIPT_ACTION = "actions/github-script@"
_KIND_SLOTS: Mapping[str, Slot] = {"boolean": "boolean", "number": "number"}
"""The slots of inputs of a called workflow, by their kind; all others are texts."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One expression. `at` is its key in `availability.AVAILABILITY`, `key` what the author wrote before it."""

    token: ExpressionToken
    node: Node
    at: str
    key: str
    slot: Slot
    scope: Scope
    group: str = ""
    """the key of the mapping that `key` stands in: `env`, `with`, `credentials`"""
    job: Job | CallJob | None = None
    step: RunStep | UsesStep | None = None
    in_script: bool = False
    """its value becomes part of a program: of `run`, or of github-script's `script`"""


def find_sites(root: Workflow | Action, project: Project) -> tuple[Site, ...]:
    """All expressions, job by job in the order of execution."""
    if isinstance(root, Workflow):
        return tuple(_workflow_sites(root, project))
    return tuple(_action_sites(root, project))


# --- one value -------------------------------------------------------------------------------------------------------


class _Place(msgspec.Struct, frozen=True):
    """Where values are being read."""

    scope: Scope
    job: Job | CallJob | None = None
    step: RunStep | UsesStep | None = None

    def value(
        self, token: Token | None, at: str, key: str, slot: Slot = "text", *, group: str = "", in_script: bool = False
    ) -> Iterator[Site]:
        """The expressions of a value; those inside a list or mapping are texts, unless the slot is `any`."""
        match token:
            case ExpressionToken():
                yield from self._site(token, at, key, slot, group, in_script=in_script)
            case InterpolationToken():
                for part in token.parts:
                    if isinstance(part, ExpressionToken):
                        yield from self._site(part, at, key, "text", group, in_script=in_script)
            case SequenceToken():
                for item in token.items:
                    yield from self.value(item, at, key, "any" if slot == "any" else "text")
            case MappingToken():
                for entry in token.entries:
                    name = entry.key.value if isinstance(entry.key, StringToken) else ""
                    yield from self.value(entry.key, at, key)
                    yield from self.value(entry.value, at, name, "any" if slot == "any" else "text", group=key)
            case _:
                return

    def mapping(self, token: Token | None, at: str, key: str) -> Iterator[Site]:
        """A mapping of texts, or one expression that gives it."""
        yield from self.value(token, at, key, "object")

    def condition(self, condition: Condition | None, at: str) -> Iterator[Site]:
        """An `if`; none where none is written."""
        if condition is not None and condition.expression.source != "success()":
            yield from self.value(condition.expression, at, "if", "condition")

    def _site(
        self, token: ExpressionToken, at: str, key: str, slot: Slot, group: str, *, in_script: bool
    ) -> Iterator[Site]:
        node = parse_at(token, at)
        if node is not None:
            yield Site(
                token=token,
                node=node,
                at=at,
                key=key,
                slot=slot,
                scope=self.scope,
                group=group,
                job=self.job,
                step=self.step,
                in_script=in_script,
            )


# --- a workflow ------------------------------------------------------------------------------------------------------


def _workflow_sites(workflow: Workflow, project: Project) -> Iterator[Site]:
    scope = workflow_scope(workflow)
    place = _Place(scope)
    for trigger in workflow.triggers:
        for declared in trigger.inputs if trigger.event == "workflow_call" else ():
            slot = _KIND_SLOTS.get(declared.kind, "text")
            yield from place.value(declared.default, "on.workflow_call.inputs.default", "default", slot)
    yield from place.value(workflow.run_name, "run-name", "run-name")
    yield from place.mapping(workflow.env, "env", "env")
    yield from _concurrency_sites(workflow.concurrency, "concurrency", place)
    results = JobResults(workflow, project)
    for job in workflow.jobs:
        inside = _Place(job_scope(job, results, scope), job)
        yield from inside.condition(job.condition, "jobs.if")
        yield from _strategy_sites(job.strategy, inside)
        yield from inside.value(job.name, "jobs.name", "name")
        yield from _concurrency_sites(job.concurrency, "jobs.concurrency", inside)
        if isinstance(job, Job):
            yield from _job_sites(job, inside, project)
        else:
            yield from _call_sites(job, workflow, inside, project)
    call = workflow.find_trigger("workflow_call")
    outputs = _Place({**scope, "jobs": results.all()})
    for output in () if call is None else call.outputs:
        yield from outputs.value(output.value, "on.workflow_call.outputs.value", output.name)


def _strategy_sites(strategy: Strategy | None, place: _Place) -> Iterator[Site]:
    if strategy is None:
        return
    at = "jobs.strategy"
    yield from place.mapping(strategy.whole, at, "strategy")
    yield from place.value(strategy.fail_fast, at, "fail-fast", "boolean")
    yield from place.value(strategy.max_parallel, at, "max-parallel", "number")
    if not isinstance(strategy.matrix, MappingToken):
        yield from place.mapping(strategy.matrix, at, "matrix")
        return
    for entry in strategy.matrix.entries:
        name = entry.key.value if isinstance(entry.key, StringToken) else ""
        yield from place.value(entry.key, at, "matrix")
        if isinstance(entry.value, SequenceToken):
            yield from place.value(entry.value, at, name, "any")
        else:
            yield from place.value(entry.value, at, name, "array")


def _concurrency_sites(concurrency: Concurrency | None, at: str, place: _Place) -> Iterator[Site]:
    if concurrency is not None:
        whole = concurrency.group.span == concurrency.span  # one expression may give the mapping too
        yield from place.value(concurrency.group, at, "group", "any" if whole else "text")
        yield from place.value(concurrency.cancel_in_progress, at, "cancel-in-progress", "boolean")
        yield from place.value(concurrency.queue, at, "queue")


def _call_sites(job: CallJob, workflow: Workflow, place: _Place, project: Project) -> Iterator[Site]:
    called = find_called(job, workflow, project)
    trigger = None if called is None else called.find_trigger("workflow_call")
    kinds = {} if trigger is None else {declared.name.lower(): declared.kind for declared in trigger.inputs}
    if isinstance(job.inputs, MappingToken):
        for entry in job.inputs.entries:
            name = entry.key.value if isinstance(entry.key, StringToken) else ""
            slot = _KIND_SLOTS.get(kinds.get(name.lower(), "string"), "text")
            yield from place.value(entry.value, "jobs.with", name, slot)
    else:
        yield from place.mapping(job.inputs, "jobs.with", "with")
    yield from place.mapping(job.secrets, "jobs.secrets", "secrets")


# --- a job -----------------------------------------------------------------------------------------------------------


def _job_sites(job: Job, place: _Place, project: Project) -> Iterator[Site]:
    yield from place.value(job.runs_on.labels, "jobs.runs-on", "runs-on", "labels")
    yield from place.value(job.runs_on.group, "jobs.runs-on", "group")
    yield from place.mapping(job.env, "jobs.env", "env")
    yield from _defaults_sites(job.defaults, place)
    yield from place.value(job.timeout_minutes, "jobs.timeout-minutes", "timeout-minutes", "number")
    yield from place.value(
        job.cancel_timeout_minutes, "jobs.cancel-timeout-minutes", "cancel-timeout-minutes", "number"
    )
    yield from place.value(job.continue_on_error, "jobs.continue-on-error", "continue-on-error", "boolean")
    yield from _container_sites(job.container, "jobs.container", "container", place)
    if isinstance(job.services, ExpressionToken):
        yield from place.mapping(job.services, "jobs.services", "services")
    else:
        for service in job.services:
            yield from _container_sites(service.container, "jobs.services", service.id, place)
    steps = _Steps(place, project)
    yield from steps.sites(job.steps)
    yield from _after_sites(job, _Place(steps.final_scope(), job))


def _after_sites(job: Job, place: _Place) -> Iterator[Site]:
    """What is evaluated when all steps are done, beside what is named together with it."""
    for output in job.outputs:
        yield from place.value(output.value, "jobs.outputs", output.name)
    environment = job.environment
    if environment is not None:
        whole = environment.name.span == environment.span  # one expression may give the mapping too
        yield from place.value(environment.name, "jobs.environment", "environment", "any" if whole else "text")
        yield from place.value(environment.url, "jobs.environment.url", "url")
        yield from place.value(environment.deployment, "jobs.environment", "deployment", "boolean")
    if job.snapshot is not None:
        yield from place.value(job.snapshot.image_name, "jobs.snapshot", "image-name")
        yield from place.value(job.snapshot.version, "jobs.snapshot", "version")
        yield from place.condition(job.snapshot.condition, "jobs.snapshot.if")


def _defaults_sites(defaults: Defaults | None, place: _Place) -> Iterator[Site]:
    if defaults is not None:
        yield from place.value(defaults.shell, "jobs.defaults.run", "shell")
        yield from place.value(defaults.working_directory, "jobs.defaults.run", "working-directory")


def _container_sites(container: Container | ExpressionToken | None, at: str, key: str, place: _Place) -> Iterator[Site]:
    if not isinstance(container, Container):
        yield from place.value(container, at, key, "any")
        return
    yield from place.value(container.image, at, "image")
    yield from place.mapping(container.credentials, f"{at}.credentials", "credentials")
    yield from place.mapping(container.env, f"{at}.env", "env")
    yield from place.value(container.ports, at, "ports", "array")
    yield from place.value(container.volumes, at, "volumes", "array")
    yield from place.value(container.options, at, "options")
    yield from place.value(container.entrypoint, at, "entrypoint")
    yield from place.value(container.command, at, "command")


# --- steps -----------------------------------------------------------------------------------------------------------


class _Steps:
    """Walks the steps of a job or of a composite action. A step sees those before it; a background one, once it was waited for."""

    def __init__(self, place: _Place, project: Project, *, in_action: bool = False) -> None:
        self._place = place
        self._project = project
        self._in_action = in_action
        self._done: dict[str, Type] = {}
        self._running: dict[str, Type] = {}
        self._scope: Scope | None = None

    def final_scope(self) -> Scope:
        """The contexts when all steps are done."""
        self._finish(None)
        return self._current_scope()

    def sites(self, steps: tuple[Step, ...]) -> Iterator[Site]:
        """The expressions of the steps, in order."""
        for step in steps:
            place = _Place(self._current_scope(), self._place.job)
            match step:
                case RunStep() | UsesStep():
                    yield from self._working_sites(step)
                    self._add(step, in_background=step.background)
                case ParallelStep():
                    yield from place.value(step.name, self._at("name"), "name")
                    for inner in step.steps:
                        yield from self._working_sites(inner)
                    for inner in step.steps:
                        self._add(inner)
                case WaitStep():
                    yield from self._waiting_sites(step, place)
                    self._finish(None if step.targets is None else {target.value.lower() for target in step.targets})
                case CancelStep():
                    yield from self._waiting_sites(step, place)
                    self._finish({step.target.value.lower()})
                case _:
                    assert_never(step)
            if not isinstance(step, RunStep | UsesStep):
                self._add(step)

    def _at(self, key: str) -> str:
        if self._in_action:
            return "action.steps.if" if key == "if" else "action.steps"
        return f"steps.{key}"

    def _current_scope(self) -> Scope:
        if self._scope is None:
            self._scope = {**self._place.scope, "steps": ObjectType(dict(self._done))}
        return self._scope

    def _add(self, step: Step, *, in_background: bool = False) -> None:
        if step.named:
            (self._running if in_background else self._done)[step.id] = step_result_type(step, self._project)
            self._scope = None

    def _finish(self, ids: set[str] | None) -> None:
        for name in [name for name in self._running if ids is None or name.lower() in ids]:
            self._done[name] = self._running.pop(name)
            self._scope = None

    def _waiting_sites(self, step: WaitStep | CancelStep, place: _Place) -> Iterator[Site]:
        yield from place.value(step.name, self._at("name"), "name")
        at = self._at("continue-on-error")
        yield from place.value(step.continue_on_error, at, "continue-on-error", "boolean")

    def _working_sites(self, step: RunStep | UsesStep) -> Iterator[Site]:
        place = _Place(self._current_scope(), self._place.job, step)
        yield from place.value(step.name, self._at("name"), "name")
        yield from place.condition(step.condition, self._at("if"))
        yield from place.mapping(step.env, self._at("env"), "env")
        yield from place.value(step.continue_on_error, self._at("continue-on-error"), "continue-on-error", "boolean")
        yield from place.value(step.timeout_minutes, self._at("timeout-minutes"), "timeout-minutes", "number")
        if isinstance(step, RunStep):
            yield from place.value(step.script, self._at("run"), "run", in_script=True)
            yield from place.value(step.working_directory, self._at("working-directory"), "working-directory")
            if self._in_action:
                yield from place.value(step.shell, self._at("shell"), "shell")
        elif isinstance(step.inputs, MappingToken):
            yield from self._input_sites(step, step.inputs, place)
        else:
            yield from place.mapping(step.inputs, self._at("with"), "with")

    def _input_sites(self, step: UsesStep, inputs: MappingToken, place: _Place) -> Iterator[Site]:
        runs_script = step.uses.value.lower().startswith(_SCRIPT_ACTION)
        for entry in inputs.entries:
            name = entry.key.value if isinstance(entry.key, StringToken) else ""
            yield from place.value(entry.key, self._at("with"), "")
            in_script = runs_script and name.lower() == "script"
            yield from place.value(entry.value, self._at("with"), name, group="with", in_script=in_script)


# --- an action -------------------------------------------------------------------------------------------------------


def _action_sites(action: Action, project: Project) -> Iterator[Site]:
    scope = action_scope(action)
    place = _Place(scope)
    for declared in action.inputs:
        yield from place.value(declared.default, "action.inputs.default", "default")
    runs = action.runs
    final = scope
    if isinstance(runs, CompositeRuns):
        steps = _Steps(place, project, in_action=True)
        yield from steps.sites(runs.steps)
        final = dict(steps.final_scope())
    else:
        yield from place.condition(runs.pre_condition, "action.runs.if")
        yield from place.condition(runs.post_condition, "action.runs.if")
        if isinstance(runs, DockerRuns):
            for argument in runs.args:
                yield from place.value(argument, "action.runs.args", "args")
            yield from place.mapping(runs.env, "action.runs.env", "env")
    for output in action.outputs:
        yield from _Place(final).value(output.value, "action.outputs.value", output.name)

"""The inside of composite actions: steps that stand in a scope of their own and speak with the voice of the step that uses them.

Source: actions/runner `CompositeActionHandler`: the contexts of the steps inside, `github.action_status`, when the action has failed,
and what its outputs are evaluated with.
"""

from collections.abc import Callable, Sequence

from homeport.language import nodes
from homeport.plan.evaluation import EvaluationError, evaluate_text
from homeport.runner.action_inputs import Inputs
from homeport.runner.actions.model import CompositeAction
from homeport.runner.ending import SKIPPED, Ending, StepFailedError, Work, conclude, fail_evaluation
from homeport.runner.frame import StepFrame, StepStoppedError
from homeport.runner.names import find_name
from homeport.runner.record import StepRecord
from homeport.runner.scope import Scope

InnerStep = nodes.RunStep | nodes.UsesStep
InnerStage = tuple[InnerStep, nodes.Condition | None, Work]
"""A step, its condition (None: always) and what it does."""

_OF_OUTPUTS = ("github", "inputs", "strategy", "matrix", "steps", "job", "runner", "env")
"""What an action's outputs may use."""


def enter(frame: StepFrame, step: nodes.UsesStep, action: CompositeAction, inputs: Inputs) -> Scope:
    """The scope of the steps inside. They go by the name of the step that uses the action (actions/runner#615, #2525)."""
    github = {
        "action": frame.github["action"],
        "action_path": action.folder,
        "action_repository": action.origin.repository,
        "action_ref": action.origin.ref,
    }
    inner = Scope.inside(frame.scope, step.id, env=frame.own_env, github=github)
    inner.set_inputs(inputs)
    return inner


def run_inner_steps(
    frame: StepFrame, action: CompositeAction, inner: Scope, choose_work: Callable[[InnerStep], Work]
) -> None:
    """The main stage: all steps, each under its own condition, then the outputs. Raises `StepFailedError`, `EvaluationError`."""
    for step in action.runs.steps:
        _heed_stop(frame, inner)
        inner.github["action_status"] = inner.status
        try:
            ending = _run(frame, inner, (step, step.condition, choose_work(step)))
        except _ConditionError:
            inner.worsen("failure")
            break  # not even the steps that always run go on (actions/runner `CompositeActionHandler.RunStepsAsync`)
        inner.worsen(ending.conclusion)
    _set_outputs(frame, action, inner)
    if inner.status == "failure":
        raise StepFailedError("a step of the action failed")


def run_inner_stages(frame: StepFrame, inner: Scope, stages: Sequence[InnerStage]) -> None:
    """Pre or post stages, which ask for the job's status, not the action's. Raises `StepFailedError`."""
    inner.use_job_status()
    try:
        endings = [_run(frame, inner, stage) for stage in stages]
    except _ConditionError as error:
        raise StepFailedError("a step of the action failed") from error
    if any(ending.conclusion == "failure" for ending in endings):
        raise StepFailedError("a step of the action failed")


def _heed_stop(frame: StepFrame, inner: Scope) -> None:
    """Where the step outside is cancelled its inside is too: cleanup steps alone go on. Out of time, nothing does."""
    if frame.stop.find_cause() is not None:
        inner.worsen("cancelled")
        if frame.stop.is_out_of_time or frame.stop.was_cancelled_by_name:
            raise StepStoppedError


class _ConditionError(Exception):
    """The `if` of a step inside could not be evaluated; that is said already."""


def _run(outer: StepFrame, inner: Scope, stage: InnerStage) -> Ending:
    step, condition, work = stage
    record = StepRecord(outer.record.voice, outer.record.effects, (*inner.path, step.id))

    def may_go_on() -> bool:
        if outer.stop.find_cause() is not None:
            inner.worsen("cancelled")
        return frame.is_still_wanted(condition)

    frame = StepFrame(inner, step, record, outer.stop.inside(may_go_on))
    ending, is_condition_broken = _carry_out(frame, step, condition, work)
    if step.named:
        inner.steps[step.id] = record.describe(ending.outcome, ending.conclusion)
    if ending.conclusion == "failure":
        outer.exit_code = ending.exit_code
    if is_condition_broken:
        raise _ConditionError
    return ending


def _carry_out(frame: StepFrame, step: InnerStep, condition: nodes.Condition | None, work: Work) -> tuple[Ending, bool]:
    """How the step ended, and whether that was because its condition could not be evaluated."""
    try:
        frame.set_env(step.env)
        frame.name = find_name(frame)
    except EvaluationError as error:
        return fail_evaluation(frame, error), False
    try:
        is_wanted = frame.is_wanted(condition)
    except EvaluationError as error:
        return fail_evaluation(frame, error), True
    return (conclude(frame, work) if is_wanted else SKIPPED), False


def _set_outputs(frame: StepFrame, action: CompositeAction, inner: Scope) -> None:
    contexts = inner.contexts(frame.env, {**frame.github, **inner.github})
    available = {name: value for name, value in contexts.items() if name in _OF_OUTPUTS}
    for output in action.action.outputs:
        if output.value is not None:
            frame.record.set_output(output.name, evaluate_text(output.value, available))

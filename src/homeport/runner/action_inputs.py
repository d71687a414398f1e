"""What an action is given: `with`, over the defaults that it declares.

Source: actions/runner `ActionRunner` (inputs, warnings about unknown and deprecated ones) and `Handler.PrintActionDetails`.
"""

from collections.abc import Collection, Sequence

from homeport.language import nodes
from homeport.plan.evaluation import evaluate_text, evaluate_texts
from homeport.runner.actions.model import DockerAction, NativeAction, ResolvedAction
from homeport.runner.frame import StepFrame
from homeport.runner.scripts import render_env

_OF_DEFAULTS = ("github", "strategy", "matrix", "job", "runner")
"""What an input's default may use."""

_OF_CONTAINERS = frozenset({"args", "entrypoint"})
"""What may be given to every container action."""

Inputs = dict[str, str]
"""By name as it is written, `with` first."""


def evaluate_inputs(frame: StepFrame, step: nodes.UsesStep, action: ResolvedAction, *, warn: bool = False) -> Inputs:
    """The inputs, with warnings (if wanted) for those that the action does not know. Raises `EvaluationError`."""
    declared = action.inputs if isinstance(action, NativeAction) else action.action.inputs
    inputs = evaluate_texts(step.inputs, frame.contexts, frame.scope.functions)
    given = {name.lower() for name in inputs}
    if warn and not (isinstance(action, DockerAction) and action.is_image):
        _warn(frame, inputs, declared, _OF_CONTAINERS if isinstance(action, DockerAction) else frozenset())
    contexts = {name: value for name, value in frame.contexts.items() if name in _OF_DEFAULTS}
    for declaration in declared:
        if declaration.name.lower() not in given:
            default = declaration.default
            inputs[declaration.name] = (
                "" if default is None else evaluate_text(default, contexts, frame.scope.functions)
            )
    return inputs


def _warn(
    frame: StepFrame, inputs: Inputs, declared: Sequence[nodes.InputDeclaration], undeclared: Collection[str]
) -> None:
    voice = frame.record.voice
    deprecated = {declaration.name.lower(): declaration.deprecation_message for declaration in declared}
    for name in inputs:
        if message := deprecated.get(name.lower()):
            voice.annotate("warning", f"Input '{name}' has been deprecated with message: {message}")
    unexpected = [name for name in inputs if name.lower() not in deprecated and name.lower() not in undeclared]
    if unexpected:
        names = "', '".join(unexpected)
        valid = "', '".join(declaration.name for declaration in declared)
        voice.annotate("warning", f"Unexpected input(s) '{names}', valid inputs are ['{valid}']")


def to_variables(inputs: Inputs) -> dict[str, str]:
    """`INPUT_<NAME>`: in upper case, blanks as underscores, hyphens kept."""
    return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in inputs.items()}


def render_header(step: nodes.UsesStep, action: ResolvedAction, inputs: Inputs, env: dict[str, str]) -> str:
    """What is printed before an action runs; whose code it is too, where that is not plain from its name."""
    lines = [f"##[group]Run {step.uses.value}", *_describe_origin(action)]
    shown = [f"  {name}: {value}" for name, value in inputs.items() if value]
    if inputs:
        lines += ["with:", *shown]
    return "\n".join([*lines, *render_env(env), "##[endgroup]"])


def _describe_origin(action: ResolvedAction) -> list[str]:
    origin = action.origin
    if isinstance(action, NativeAction):
        return [f"Homeport's own {origin.repository}: {origin.version}"]
    return [f"Published {origin.repository} at {origin.version}"] if origin.ref else []

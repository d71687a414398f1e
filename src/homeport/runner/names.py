"""What a step is called where people see it.

Source: actions/runner `ActionRunner.GenerateDisplayName`: its `name`, else `Run` with the first line of the script or the action.
"""

from homeport.language import nodes
from homeport.language.tokens import Text
from homeport.plan.evaluation import EvaluationError, show_source
from homeport.runner.frame import StepFrame


def find_name(frame: StepFrame) -> str:
    """The name of a step; expressions that cannot be evaluated (yet) are shown as they are written."""
    step = frame.written
    if step.name is not None:
        return _first_line(_evaluate(frame, step.name))
    text = step.script if isinstance(step, nodes.RunStep) else step.uses
    return f"Run {_first_line(_evaluate(frame, text))}".rstrip()


def find_control_name(step: nodes.WaitStep | nodes.CancelStep) -> str:
    """The name of a step that only looks after others."""
    if step.name is not None:
        return _first_line(show_source(step.name))
    if isinstance(step, nodes.CancelStep):
        return f"Cancel {step.target.value}"
    if step.targets is None:
        return "Wait for all background steps"
    return f"Wait for {', '.join(target.value for target in step.targets)}"


def _evaluate(frame: StepFrame, token: Text) -> str:
    try:
        text = frame.text(token)
    except EvaluationError:
        text = show_source(token)
    return frame.session.masker.mask_text(text)


def _first_line(text: str) -> str:
    return text.lstrip(" \t\r\n").replace("\r", "\n").partition("\n")[0]

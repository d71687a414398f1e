"""Does the work of a step and says how it ended: every way to fail is made visible here, in the words of GitHub's runner.

Source: actions/runner `StepsRunner.RunStepAsync` and `ScriptHandler`; ADR 0274 (outcome and conclusion).
"""

from collections.abc import Callable

import msgspec

from homeport.diagnostics.span import Span
from homeport.plan.evaluation import EvaluationError, evaluate_boolean
from homeport.run.facts import Conclusion
from homeport.runner.actions.model import ActionUnavailableError
from homeport.runner.frame import CannotStartError, StepFrame, StepStoppedError
from homeport.runner.host import ActionError
from homeport.runner.matchers import MatcherError
from homeport.runner.shells import ShellError


class Ending(msgspec.Struct, frozen=True):
    """`outcome` is before `continue-on-error`, `conclusion` after."""

    outcome: Conclusion
    conclusion: Conclusion
    exit_code: int | None = None
    reason: str | None = None


SKIPPED = Ending("skipped", "skipped")


class StepFailedError(Exception):
    """The step has failed, and has said why already."""


Work = Callable[[StepFrame], int | None]
"""Gives an exit code, or None where no command decides; raises what `conclude` knows."""


def conclude(frame: StepFrame, work: Work) -> Ending:
    """Do the work, read what it wrote to command files, and decide how the step ended."""
    reason = _attempt(frame, work)
    frame.read_files()
    cause = frame.stop.cause
    if reason is not None:
        _tell_breaches(frame)
    if cause == "cancelled":
        return Ending("cancelled", "cancelled", frame.exit_code, _say_once(frame, "The operation was canceled."))
    if cause == "timed-out":
        kind = "background step" if frame.written.background else "action"
        reason = f"The {kind} '{frame.name}' has timed out after {frame.timeout_minutes:g} minutes."
        if frame.timeout_minutes:
            _say(frame, reason)
    elif reason is None and frame.record.has_failed:
        reason = "a workflow command failed"
    if reason is None:
        return Ending("success", "success", frame.exit_code)
    return Ending("failure", "success" if _may_go_on(frame) else "failure", frame.exit_code, reason)


def fail_evaluation(frame: StepFrame, error: EvaluationError) -> Ending:
    """A step whose condition or environment could not be evaluated."""
    return Ending("failure", "failure", None, _say(frame, error.message, error.span))


def _attempt(frame: StepFrame, work: Work) -> str | None:
    """Why it failed, or None. What makes a step stop is told by `frame.stop`."""
    try:
        code = work(frame)
    except StepStoppedError:
        return None
    except StepFailedError as error:
        return str(error)
    except EvaluationError as error:
        return _say(frame, error.message, error.span)
    except ActionUnavailableError as error:
        frame.session.reason = error.message
        return _say(frame, error.message if error.hint is None else f"{error.message}\n{error.hint}", error.span)
    except (ActionError, CannotStartError, MatcherError, ShellError) as error:
        return _say(frame, str(error))
    except OSError as error:
        return _say(frame, f"{error.strerror}: {error.filename}" if error.filename else str(error))
    return _say(frame, f"Process completed with exit code {code}.") if code else None


def _tell_breaches(frame: StepFrame) -> None:
    """A step that failed for want of memory, processes or disk seldom says so itself."""
    wall = frame.session.wall
    for words in wall.find_breaches() if wall is not None else ():
        message = f"The job reached a limit of its sandbox: {words}."
        frame.record.voice.annotate("error", message)
        frame.session.reason = message


def _may_go_on(frame: StepFrame) -> bool:
    try:
        return evaluate_boolean(frame.written.continue_on_error, frame.contexts, frame.scope.functions)
    except EvaluationError as error:
        _say(frame, error.message, error.span)
        return False


def _say_once(frame: StepFrame, message: str) -> str:
    """What a step inside of an action said last need not be said again by the step outside."""
    return message if frame.record.voice.last_failure == message else _say(frame, message)


def _say(frame: StepFrame, message: str, span: Span | None = None) -> str:
    frame.record.voice.fail(message, span)
    return message

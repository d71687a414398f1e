"""Carries out the steps that only look after background steps: `wait`, `wait-all` and `cancel`.

Source: actions/runner `BackgroundStepCoordinator.RunControlFlowAsync`. They always run.
"""

from collections.abc import Sequence

from homeport.language import nodes
from homeport.plan.evaluation import EvaluationError, evaluate_boolean
from homeport.runner.background import BackgroundStep, BackgroundSteps
from homeport.runner.ending import Ending
from homeport.runner.output import StepLog
from homeport.runner.record import Voice
from homeport.runner.scope import Scope
from homeport.runner.session import JobSession
from homeport.runner.stop import StepStop

_DONE = Ending("success", "success")


class ControlSteps:
    """Of one job. Used by the job's thread."""

    def __init__(self, session: JobSession, scope: Scope, background: BackgroundSteps) -> None:
        self._session = session
        self._scope = scope
        self._background = background
        self._has_failed_target = False
        """a step that was told to end had failed already: that counts, but only when all steps are done, as on GitHub"""

    def run(self, step_id: str, step: nodes.WaitStep | nodes.CancelStep) -> Ending:
        """Wait or cancel; the log says for what."""
        session = self._session
        voice = Voice(session, step_id, StepLog(step_id, session.masker, session.reporter, session.clock))
        ending = self._cancel(step, voice) if isinstance(step, nodes.CancelStep) else self._wait(step, voice)
        voice.log.collect()
        if step.named:
            self._scope.steps[step.id] = {"outputs": {}, "outcome": ending.outcome, "conclusion": ending.conclusion}
        return ending

    def await_rest(self) -> None:
        """Before the post stages nothing runs in the background any more; a failure that nobody waited for fails the job."""
        steps = self._background.unawaited
        if steps:
            self._session.reporter.send()
        self._background.wait(steps, self._make_stop())
        self._session.check_stop()
        if self._settle(steps) or self._has_failed_target:
            self._scope.worsen("failure")

    def _wait(self, step: nodes.WaitStep, voice: Voice) -> Ending:
        background = self._background
        wanted = step.targets
        steps = background.unawaited if wanted is None else background.find([target.value for target in wanted])
        names = ", ".join(each.frame.name for each in steps)
        voice.log.write(
            f"Waiting for background steps: {names}" if steps else "There are no background steps to wait for."
        )
        voice.log.send()
        stop = self._make_stop()
        background.wait(steps, stop)
        has_failed = self._settle(steps)
        for each in steps:
            voice.log.write(f"  {each.frame.name}: {each.ending.conclusion if each.ending is not None else 'unknown'}")
        if stop.cause is not None:
            self._session.check_stop()
            return Ending("cancelled", "cancelled")
        if not has_failed:
            return _DONE
        return Ending(
            "failure", "success" if self._may_go_on(step, voice) else "failure", None, "a background step failed"
        )

    def _cancel(self, step: nodes.CancelStep, voice: Voice) -> Ending:
        steps = self._background.find([step.target.value])
        voice.log.write(
            f"Cancelling background step: {', '.join(each.frame.name for each in steps) or step.target.value}"
        )
        voice.log.send()
        self._background.tell_to_end(steps)
        self._background.wait(steps)
        self._has_failed_target |= self._settle(steps)
        return _DONE

    def _settle(self, steps: Sequence[BackgroundStep]) -> bool:
        """Let what background steps did count, now that they were waited for; whether one of them failed."""
        for step in steps:
            if not step.is_awaited and step.ending is not None:
                step.is_awaited = True
                step.frame.record.effects.apply()
                if step.frame.written.named:
                    ending = step.ending
                    self._scope.steps[step.id] = step.frame.record.describe(ending.outcome, ending.conclusion)
        return any(step.has_failed for step in steps)

    def _may_go_on(self, step: nodes.WaitStep, voice: Voice) -> bool:
        contexts = self._scope.contexts(self._session.env, self._session.github)
        try:
            return evaluate_boolean(step.continue_on_error, contexts, self._scope.functions)
        except EvaluationError as error:
            voice.fail(error.message, error.span)
            return False

    def _make_stop(self) -> StepStop:
        return StepStop(self._session.stop, self._session.clock, lambda: False)

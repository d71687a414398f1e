"""Carries out the steps of a job one after the other, and reports each.

Source: actions/runner `StepsRunner` (environment, condition, run, in this order) and `JobExtension` (post steps in reverse order).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from homeport.language import nodes
from homeport.plan.evaluation import EvaluationError, evaluate_number
from homeport.runner.background import CANCELLED, BackgroundStep, BackgroundSteps
from homeport.runner.control import ControlSteps
from homeport.runner.ending import SKIPPED, Ending, Work, conclude, fail_evaluation
from homeport.runner.entries import Entry
from homeport.runner.failures import Failures
from homeport.runner.frame import StepFrame
from homeport.runner.names import find_control_name, find_name
from homeport.runner.output import StepLog
from homeport.runner.record import Effects, StepRecord, Voice
from homeport.runner.scope import PostStage, Scope
from homeport.runner.session import JobSession
from homeport.runner.step_facts import report_end, report_start
from homeport.runner.stop import StepStop
from homeport.runner.uses import choose_post_work, choose_pre_work, choose_work, get_pre_condition

if TYPE_CHECKING:
    from homeport.runner.continuation import Continuation, Trail

_PREFIXES = {"pre": "Pre ", "main": "", "post": "Post "}


class StepLoop:
    """The steps of one job. Used by the job's thread."""

    def __init__(self, session: JobSession) -> None:
        self._session = session
        self._scope = Scope(session)
        self._background = BackgroundSteps()
        self._control = ControlSteps(session, self._scope, self._background)
        self._failures = Failures(session, self._scope)
        self._last_number = 0
        self._begun: dict[str, str] = {}
        """the names of the steps that have begun and not ended, by id"""
        self._ended: set[str] = set()
        self._trail: Trail | None = None
        """where the job's folders may be kept for a re-run"""

    @property
    def scope(self) -> Scope:
        """Where the job's own steps stand."""
        return self._scope

    @property
    def last_number(self) -> int:
        """The number of the last step that there was."""
        return self._last_number

    def find_continuation(self) -> "Continuation | None":
        """How a re-run can go on from the step that failed, once the job has ended."""
        return None if self._trail is None else self._trail.find()

    def run(self, entries: Sequence[Entry]) -> None:
        """All steps, what is still running in the background, then the post stages."""
        try:
            self._run_all(entries)
            self._control.await_rest()
            self._run_posts()
        finally:
            self._background.tell_to_end(self._background.find([entry.id for entry in entries]))
            self._background.close()

    def skip(self, entries: Sequence[Entry], reason: str) -> None:
        """Report the ends of steps that have none yet: the job does not come to them, or a fault has ended it in their midst."""
        for entry in entries:
            if entry.id in self._ended:
                continue
            if entry.id in self._begun:
                self._report_end(entry, self._begun[entry.id], Ending("failure", "failure", None, reason), {})
                continue
            step = entry.step
            if isinstance(step, nodes.RunStep | nodes.UsesStep):
                name = _PREFIXES[entry.stage] + find_name(self._open(entry, step, None))
            else:
                name = find_control_name(step)
            self._report_end(entry, name, Ending("skipped", "skipped", None, reason), {})

    def _run_all(self, entries: Sequence[Entry]) -> None:
        self._trail = self._make_trail()
        index = 0
        while index < len(entries):
            entry = entries[index]
            self._last_number = max(self._last_number, entry.number)
            if entry.number < self._session.order.start_from_step:
                order = self._session.order
                begun = f"begun at step {order.start_from_step}"
                self.skip(
                    [entry],
                    f"{begun}; this is from attempt {order.resumed_attempt}" if order.resumed_attempt else begun,
                )
                index += 1
                continue
            self._failures.remember(entry)
            if self._trail is not None:
                self._trail.note(entry)
            ending = self._run_entry(entry)
            if self._trail is not None:
                self._trail.note_end(entry, has_failed=ending.conclusion == "failure")
            index = self._failures.pause(entries, index) if ending.conclusion == "failure" else index + 1

    def _make_trail(self) -> "Trail | None":
        session = self._session
        if session.services.kept is None or session.settings.keep_failed_minutes <= 0:
            return None
        from homeport.runner.continuation import Trail  # noqa: PLC0415 - servers only

        return Trail(session, self._scope)

    # --- one step -----------------------------------------------------------------------------------------------------

    def _run_entry(self, entry: Entry) -> Ending:
        self._session.check_stop()
        step = entry.step
        match step:
            case nodes.WaitStep() | nodes.CancelStep():
                return self._run_control(entry, step)
            case nodes.RunStep() | nodes.UsesStep():
                if entry.action is not None and isinstance(step, nodes.UsesStep):
                    condition = get_pre_condition(entry.action)
                    return self._run_step(entry, step, condition, choose_pre_work(step, entry.action))
                if step.background:
                    return self._start_background(entry, step)
                return self._run_step(entry, step, step.condition, choose_work(step))

    def _run_step(
        self, entry: Entry, step: nodes.RunStep | nodes.UsesStep, condition: nodes.Condition | None, work: Work
    ) -> Ending:
        frame = self._open(entry, step, condition)
        try:
            is_wanted = self._prepare(entry, frame, condition)
        except EvaluationError as error:
            self._report_start(entry, frame.name)
            ending = fail_evaluation(frame, error)
        else:
            ending = self._carry_out(entry, frame, work) if is_wanted else SKIPPED
        self._finish(entry, frame, ending)
        self._scope.worsen(ending.conclusion)
        if ending.conclusion == "failure":
            self._failures.show(entry, frame)
        return ending

    def _open(
        self,
        entry: Entry,
        step: nodes.RunStep | nodes.UsesStep,
        condition: nodes.Condition | None,
        *,
        is_background: bool = False,
    ) -> StepFrame:
        session = self._session
        voice = Voice(session, entry.id, StepLog(entry.id, session.masker, session.reporter, session.clock))
        record = StepRecord(voice, Effects(session, is_deferred=is_background), (step.id,))

        def may_go_on() -> bool:
            session.check_stop()
            return not is_background and frame.is_still_wanted(condition)

        frame = StepFrame(self._scope, step, record, StepStop(session.stop, session.clock, may_go_on))
        return frame

    def _prepare(self, entry: Entry, frame: StepFrame, condition: nodes.Condition | None) -> bool:
        """Environment, name, condition, time limit; whether the step is to run. Raises `EvaluationError`."""
        try:
            frame.set_env(frame.written.env)
        finally:
            frame.name = _PREFIXES[entry.stage] + find_name(frame)
        if not frame.is_wanted(condition):
            return False
        timeout = frame.written.timeout_minutes
        if timeout is not None:
            frame.timeout_minutes = evaluate_number(timeout, frame.contexts, frame.scope.functions, default=0)
        return True

    def _carry_out(self, entry: Entry, frame: StepFrame, work: Work) -> Ending:
        if self._session.stop.is_forced:
            return CANCELLED
        self._report_start(entry, frame.name)
        if frame.timeout_minutes > 0:
            frame.stop.limit(frame.timeout_minutes * 60)
        if isinstance(frame.written, nodes.UsesStep):
            # a script's start is reported while its process starts; an action may not start any
            self._session.reporter.send()
        try:
            return conclude(frame, work)
        finally:
            frame.record.voice.log.collect()

    def _finish(self, entry: Entry, frame: StepFrame, ending: Ending) -> None:
        if entry.stage == "main" and frame.written.named and not frame.written.background:
            self._scope.steps[entry.id] = frame.record.describe(ending.outcome, ending.conclusion)
        self._report_end(entry, frame.name, ending, frame.record.outputs)

    # --- background steps ---------------------------------------------------------------------------------------------

    def _start_background(self, entry: Entry, step: nodes.RunStep | nodes.UsesStep) -> Ending:
        frame = self._open(entry, step, step.condition, is_background=True)
        background = BackgroundStep(entry.id, frame)
        try:
            is_wanted = self._prepare(entry, frame, step.condition)
        except EvaluationError as error:
            self._report_start(entry, frame.name)
            ending = fail_evaluation(frame, error)
        else:
            if is_wanted:
                self._background.start(background, lambda each: self._run_beside(entry, each, choose_work(step)))
                return Ending("success", "success")
            ending = SKIPPED
        self._finish(entry, frame, ending)
        self._background.add_ended(background, ending)
        return ending

    def _run_beside(self, entry: Entry, background: BackgroundStep, work: Work) -> Ending:
        """In the background step's own thread."""
        ending = self._carry_out(entry, background.frame, work)
        self._finish(entry, background.frame, ending)
        self._session.reporter.send()
        return ending

    def _run_control(self, entry: Entry, step: nodes.WaitStep | nodes.CancelStep) -> Ending:
        name = self._session.masker.mask_text(find_control_name(step))
        self._report_start(entry, name)
        ending = self._control.run(entry.id, step)
        self._report_end(entry, name, ending, {})
        self._scope.worsen(ending.conclusion)
        return ending

    # --- post stages --------------------------------------------------------------------------------------------------

    def _run_posts(self) -> None:
        for post in reversed(self._scope.posts):
            if post.is_needed:
                self._last_number += 1
                self._run_post(post)

    def _run_post(self, post: PostStage) -> None:
        entry = Entry(number=self._last_number, id=f"__post_{post.step.id}", stage="post", step=post.step)
        self._session.check_stop()
        self._run_step(entry, post.step, post.condition, choose_post_work(post))

    # --- facts --------------------------------------------------------------------------------------------------------

    def _report_start(self, entry: Entry, name: str) -> None:
        self._begun[entry.id] = name
        self._ended.discard(entry.id)
        report_start(self._session, entry, name)

    def _report_end(self, entry: Entry, name: str, ending: Ending, outputs: dict[str, str]) -> None:
        self._begun.pop(entry.id, None)
        self._ended.add(entry.id)
        report_end(self._session, entry, name, ending, outputs)

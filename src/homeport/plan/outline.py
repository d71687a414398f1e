"""What can be told of a plan before it is carried out: every job, with what is known of it already.

What hangs on the results of other jobs stays as it is written: a matrix made from an output is one entry, not its legs. Conditions
are judged as if every job that runs succeeds.
"""

from collections.abc import Iterator

import msgspec

from homeport.language import nodes
from homeport.language.tokens import ExpressionToken, InterpolationToken, SequenceToken, StringToken
from homeport.plan.contexts import RunIdentity, github_context
from homeport.plan.evaluation import EvaluationError, Functions, evaluate_condition, show_source
from homeport.plan.expand import Mistake, expand_job, unexpanded_name
from homeport.plan.explain import explain_values
from homeport.plan.mentions import Contexts, hide_mentions, mentions, strategy_mentions, unknown_inputs
from homeport.plan.model import Leg, Plan, PlannedJob, Values
from homeport.plan.scope import Scope, called_scope, job_contexts, top_scope
from homeport.plan.steps import OutlinedStep, outline_step, show_condition


class OutlinedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One leg, or a job whose legs are not known yet (`expanded` is false: `key` and `name` are then those of the job)."""

    id: str
    key: str
    name: str
    needs: tuple[str, ...] = ()
    """full ids, as `id` is"""
    matrix: Values | None = None
    expanded: bool = True
    runs_on: tuple[str, ...] = ()
    runner_group: str | None = None
    environment: str | None = None
    condition: str | None = None
    """the `if` as it is written"""
    values: dict[str, str] = {}
    """what the references of the `if` are now, as JSON; those of contexts that are not known are left out"""
    skipped: str | None = None
    """why it would not run even if everything before it succeeds"""
    mistake: Mistake | None = None
    """why it cannot be expanded"""
    calls: str | None = None
    """the workflow that it calls; that one's jobs come next"""
    steps: tuple[OutlinedStep, ...] = ()


def outline_plan(plan: Plan) -> tuple[OutlinedJob, ...]:
    """The jobs of a plan in their written order, those of a called workflow after the job that calls it."""
    workflow = plan.workflow
    identity = RunIdentity()
    github = github_context(plan.event, workflow_name=workflow.name, workflow_file=workflow.file, identity=identity)
    return tuple(_Outline(top_scope(plan, github)).jobs())


class _Outline:
    """The jobs of one scope. `unknown` are the contexts of which nothing is known, `skipped` why none of its jobs would run."""

    def __init__(self, scope: Scope, unknown: Contexts = frozenset(), skipped: str | None = None) -> None:
        self._scope = scope
        self._unknown = unknown
        self._skipped = skipped
        self._jobs = {job.written.id.lower(): job for job in scope.workflow.jobs}
        self._verdicts: dict[str, str | None] = {}

    def jobs(self) -> Iterator[OutlinedJob]:
        for job in self._scope.workflow.jobs:
            unknown = self._unknown | {"needs"} if job.written.needs else self._unknown
            legs, mistake = self._expand(job, unknown)
            if not legs:
                yield self._describe(job, None, mistake)
                if job.called is not None and mistake is None:
                    yield from self._describe_called(job, self._stand_in(job), frozenset({"inputs"}))
            for leg in legs:
                yield self._describe(job, leg, None)
                if job.called is not None:
                    yield from self._describe_called(job, leg, unknown_inputs(job, unknown))

    def _expand(self, job: PlannedJob, unknown: Contexts) -> tuple[tuple[Leg, ...], Mistake | None]:
        """The legs; none where they are not known yet, or where there is a mistake."""
        if strategy_mentions(job.written.strategy, unknown):
            return (), None
        expansion = expand_job(hide_mentions(job, unknown) if unknown else job, self._scope, {})
        return expansion.legs, expansion.mistake

    def _describe(self, job: PlannedJob, leg: Leg | None, mistake: Mistake | None) -> OutlinedJob:
        written, scope = job.written, self._scope
        environment = None if leg is None or leg.environment is None else leg.environment.name
        return OutlinedJob(
            id=scope.inner_job_id(written.id),
            key=scope.inner_key(written.id) if leg is None else leg.key,
            name=unexpanded_name(job, scope) if leg is None else leg.name,
            needs=tuple(scope.inner_job_id(self._jobs[need.job_id.lower()].written.id) for need in written.needs),
            matrix=None if leg is None else leg.matrix,
            expanded=leg is not None,
            runs_on=_written_labels(written) if leg is None else leg.runs_on,
            runner_group=None if leg is None else leg.runner_group,
            environment=_written_environment(written) if leg is None else environment,
            condition=show_condition(written.condition),
            values=self._explain(written.condition),
            skipped=self._verdict(written.id),
            mistake=mistake,
            calls=None if isinstance(written, nodes.Job) else job.called.file if job.called else written.uses.value,
            steps=tuple(outline_step(step) for step in written.steps) if isinstance(written, nodes.Job) else (),
        )

    def _describe_called(self, job: PlannedJob, leg: Leg, unknown: Contexts) -> Iterator[OutlinedJob]:
        skipped = None if self._verdict(job.written.id) is None else f"'{leg.job_id}', which calls it, would be skipped"
        yield from _Outline(called_scope(self._scope, leg, job), unknown, skipped).jobs()

    def _stand_in(self, job: PlannedJob) -> Leg:
        """A leg of a call whose matrix is not known: its inner jobs are told once."""
        written, scope = job.written, self._scope
        key, name = scope.inner_key(written.id), unexpanded_name(job, scope)
        return Leg(key=key, job_id=scope.inner_job_id(written.id), name=name, inputs={}, permissions=scope.permissions)

    def _explain(self, condition: nodes.Condition) -> dict[str, str]:
        if show_condition(condition) is None:
            return {}
        unknown = ("needs.", *self._unknown)
        found = explain_values(condition.expression.source, job_contexts(self._scope, {}))
        return {name: value for name, value in found.items() if not name.lower().startswith(unknown)}

    # --- conditions --------------------------------------------------------------------------------------------------

    def _verdict(self, job_id: str) -> str | None:
        """Why a job would be skipped, None where it would run or where that is not known. Needs make no circles."""
        folded = job_id.lower()
        if folded not in self._verdicts:
            self._verdicts[folded] = self._skipped or self._judge(self._jobs[folded])
        return self._verdicts[folded]

    def _judge(self, job: PlannedJob) -> str | None:
        condition = job.written.condition
        blocker = next((name for name in self._ancestors(job) if self._verdict(name) is not None), None)
        unknown = self._unknown | {"needs"} if job.written.needs else self._unknown
        if mentions(condition.expression, unknown):
            holds = not (condition.implicit_success and blocker is not None)
        else:
            try:
                functions = _status_functions(is_blocked=blocker is not None)
                holds = evaluate_condition(condition, job_contexts(self._scope, {}), functions)
            except EvaluationError:
                return None
        if holds:
            return None
        if blocker is not None and (condition.implicit_success or show_condition(condition) is None):
            how = "which it needs" if blocker in _needs(job) else "which it depends on"
            return f"'{self._scope.inner_job_id(self._jobs[blocker].written.id)}', {how}, would be skipped"
        return f"its condition is false: {condition.expression.source}"

    def _ancestors(self, job: PlannedJob) -> list[str]:
        """All jobs that it needs, directly or not, in lower case; the nearest first."""
        found = dict.fromkeys(_needs(job))
        pending = list(found)
        while pending:
            pending = [need for name in pending for need in _needs(self._jobs[name]) if need not in found]
            found.update(dict.fromkeys(pending))
        return list(found)


def _needs(job: PlannedJob) -> list[str]:
    return [need.job_id.lower() for need in job.written.needs]


def _status_functions(*, is_blocked: bool) -> Functions:
    return {
        "success": lambda _: not is_blocked,
        "failure": lambda _: False,
        "cancelled": lambda _: False,
        "always": lambda _: True,
    }


def _written_labels(written: nodes.Job | nodes.CallJob) -> tuple[str, ...]:
    if isinstance(written, nodes.CallJob) or written.runs_on.labels is None:
        return ()
    labels = written.runs_on.labels
    items = labels.items if isinstance(labels, SequenceToken) else (labels,)
    return tuple(
        show_source(item) for item in items if isinstance(item, StringToken | ExpressionToken | InterpolationToken)
    )


def _written_environment(written: nodes.Job | nodes.CallJob) -> str | None:
    return show_source(written.environment.name) if isinstance(written, nodes.Job) and written.environment else None

"""What a job of a run can see before it starts: its scope, its `needs`, the status functions of its `if`, and why it was skipped.

Sources: GitHub docs, "Evaluate expressions: Status check functions" (`failure()` looks at all ancestors, `cancelled()` at the run)
and "Workflow syntax: jobs.<job_id>.needs" (a failure or skip applies to all jobs of the chain from there on); actions/runner#491
and #2205 (the implicit `success()` looks at all ancestors, through jobs that ran in spite of a skip); the runner's workflow schema
(`success(0,MAX)`: the functions of a job may name jobs).
"""

from collections.abc import Sequence

from homeport.language.expr.coercion import to_string
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.values import Value
from homeport.plan.evaluation import Functions, evaluate_condition
from homeport.plan.model import Values
from homeport.plan.scope import Scope, called_scope, job_contexts, top_scope
from homeport.run.facts import Conclusion
from homeport.run.state import FamilyState, RunState, family_key

_ENDINGS: dict[Conclusion, str] = {
    "failure": "failed",
    "cancelled": "was cancelled",
    "skipped": "was skipped",
    "success": "succeeded",
}


def scope_of(run: RunState, key: str) -> Scope:
    """The scope inside the call leg `key`, or the run's own where it is empty."""
    if not key:
        return top_scope(run.plan, run.github)
    call = run.jobs[key]
    assert call.leg is not None
    return called_scope(scope_of(run, call.scope), call.leg, run.family_of(call).planned)


def needs_context(run: RunState, family: FamilyState) -> Values:
    """The `needs` of a job whose needs are done: by id, `result` and `outputs`, for direct needs only."""
    return {run.families[key].id: _result(run.families[key]) for key in family.needs}


def jobs_context(run: RunState, call: str) -> Values:
    """The `jobs` of a called workflow's outputs: by id, `result` and `outputs`, of every job in the call leg `call`."""
    workflow = run.family_of(run.jobs[call]).planned.called
    assert workflow is not None
    keys = (family_key(call, planned.written.id) for planned in workflow.jobs)
    return {run.families[key].id: _result(run.families[key]) for key in keys}


def condition_holds(run: RunState, family: FamilyState, scope: Scope) -> bool:
    """Whether a job's `if` holds as things stand: when its needs are done, and once more when the run is cancelled.

    Raises `plan.evaluation.EvaluationError`.
    """
    contexts = job_contexts(scope, needs_context(run, family))
    return evaluate_condition(family.planned.written.condition, contexts, status_functions(run, family))


def status_functions(run: RunState, family: FamilyState) -> Functions:
    """`success`, `failure`, `always` and `cancelled` as the `if` of this job sees them.

    `failure()` does not ask whether the run is cancelled, `success()` does: that is what makes a cancelled run's jobs stop.
    """
    is_cancelled = run.find_stop(family.scope) is not None

    def success(arguments: Sequence[Value]) -> Value:
        return not is_cancelled and all(one.result == "success" for one in _asked(run, family, arguments))

    def failure(arguments: Sequence[Value]) -> Value:
        return any(one.result == "failure" for one in _asked(run, family, arguments))

    return {"success": success, "failure": failure, "always": lambda _: True, "cancelled": lambda _: is_cancelled}


def explain_skip(run: RunState, family: FamilyState) -> str:
    """Why a job whose `if` does not hold was skipped, in words: the need that is to blame, or the condition."""
    is_default = family.planned.written.condition.implicit_success or condition_text(family).lower() == "success()"
    if is_default and not status_functions(run, family)["success"]([]):
        if run.cancel is not None:
            return f"the run was cancelled: {run.cancel}"
        return _blame(run, family) or "the workflow around it was stopped"
    return f"its condition is false: {condition_text(family)}"


def condition_text(family: FamilyState) -> str:
    """A job's `if` as it is written, on one line."""
    return " ".join(family.planned.written.condition.expression.source.split())


def _blame(run: RunState, family: FamilyState) -> str | None:
    """The nearest ancestor that did not succeed, and how the job depends on it."""
    for ancestor in _ancestors(run, family):
        if ancestor.result is not None and ancestor.result != "success":
            how = "which it needs" if ancestor.key in family.needs else "which it depends on through its needs"
            return f"'{ancestor.id}', {how}, {_ENDINGS[ancestor.result]}"
    return None


def _asked(run: RunState, family: FamilyState, names: Sequence[Value]) -> list[FamilyState]:
    """The jobs that a status function is about: all ancestors, or the named ones among them."""
    ancestors = _ancestors(run, family)
    if not names:
        return ancestors
    by_id = {ancestor.id.lower(): ancestor for ancestor in ancestors}
    return [_find(by_id, to_string(name), family.id) for name in names]


def _find(ancestors: dict[str, FamilyState], name: str, job_id: str) -> FamilyState:
    if name.lower() not in ancestors:
        known = ", ".join(f"'{ancestor.id}'" for ancestor in ancestors.values()) or "none"
        raise ExpressionError("evaluation", f"'{name}' is not a job that '{job_id}' needs (those are: {known})", 0)
    return ancestors[name.lower()]


def _ancestors(run: RunState, family: FamilyState) -> list[FamilyState]:
    """All jobs that this one needs, directly or not; the nearest first."""
    found = dict.fromkeys(family.needs)
    pending = list(family.needs)
    while pending:
        following = [need for key in pending for need in run.families[key].needs if need not in found]
        found.update(dict.fromkeys(following))
        pending = list(dict.fromkeys(following))
    return [run.families[key] for key in found]


def _result(family: FamilyState) -> Values:
    return {"result": family.result, "outputs": family.outputs}

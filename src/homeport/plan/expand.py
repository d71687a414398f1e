"""Turns a job into its legs: strategy, name, runner, environment and the rest evaluated, with what its needs have given.

One function for `homeport plan` and for a run, so that the two cannot differ. Pure; a mistake is a value with its place.
Source: actions/runner `WorkflowTemplateConverter` and `WorkflowTemplateEvaluator` (what each key takes, and when it is evaluated);
docs "Contexts reference: Context availability" (what each may use).
"""

from collections.abc import Mapping
from math import inf, isfinite

import msgspec

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.expr.coercion import to_string
from homeport.language.expr.values import Value, find_property
from homeport.language.tokens import ExpressionToken, InterpolationToken, SequenceToken, StringToken, Token
from homeport.plan.concurrency import evaluate_claim
from homeport.plan.evaluation import (
    Contexts,
    EvaluationError,
    evaluate_boolean,
    evaluate_number,
    evaluate_text,
    evaluate_token,
    show_source,
)
from homeport.plan.inputs import evaluate_call_inputs
from homeport.plan.matrix import Combination, MatrixError, build_combinations, leaf_texts, name_leg
from homeport.plan.model import Leg, PlannedEnvironment, PlannedJob, Values
from homeport.plan.permissions import Grants
from homeport.plan.scope import Scope, grant_within, job_contexts


class Mistake(msgspec.Struct, frozen=True):
    """Why something cannot be evaluated, and the place in the workflow that is to blame."""

    message: str
    span: Span


class Expansion(msgspec.Struct, frozen=True):
    """The legs of a job in the order of its matrix (at least one), or the mistake that keeps it from running."""

    legs: tuple[Leg, ...] = ()
    mistake: Mistake | None = None


class _Strategy(msgspec.Struct, frozen=True):
    """An evaluated strategy. Without a matrix, or with one that excludes everything, there is one combination, None."""

    combinations: tuple[Combination | None, ...] = (None,)
    fail_fast: bool = True
    max_parallel: int | None = None


def expand_job(job: PlannedJob, scope: Scope, needs: Values) -> Expansion:
    """The legs of a job whose needs are done and whose condition holds.

    `needs` is the `needs` context: by job id, an object with `result` and `outputs`. Nothing is remembered: expanding again with
    the same values gives the same legs, with the same keys.
    """
    try:
        return Expansion(_expand(job, scope, needs))
    except EvaluationError as error:
        return Expansion(mistake=Mistake(error.message, error.span))


def unexpanded_name(job: PlannedJob, scope: Scope) -> str:
    """The one name under which a job is reported that was skipped or failed before its matrix was applied.

    A `name` with expressions is shown as it is written, since nothing has been evaluated; otherwise it is the name or the id.
    """
    return scope.inner_name(_written_name(job.written))


def strategy_context(leg: Leg) -> Values:
    """The `strategy` context of a leg. Without a matrix `max-parallel` is 1, without a limit the number of legs."""
    return {
        "fail-fast": leg.fail_fast,
        "job-index": float(leg.index),
        "job-total": float(leg.total),
        "max-parallel": 1.0 if leg.matrix is None else float(leg.max_parallel or leg.total),
    }


def call_outputs(scope: Scope, jobs: Values) -> dict[str, str] | Mistake:
    """The outputs of a called workflow, whose jobs are done. `scope` is the inner one (`called_scope`).

    `jobs` is the `jobs` context: by job id, an object with `result` and `outputs`. An output whose job did not run is empty.
    """
    contexts = {"github": scope.github, "jobs": jobs, "vars": scope.variables, "inputs": scope.inputs}
    try:
        return {
            output.name: "" if output.value is None else evaluate_text(output.value, contexts)
            for output in scope.workflow.outputs
        }
    except EvaluationError as error:
        return Mistake(error.message, error.span)


# --- one job ---------------------------------------------------------------------------------------------------------


def _expand(job: PlannedJob, scope: Scope, needs: Values) -> tuple[Leg, ...]:
    base = job_contexts(scope, needs)
    strategy = _evaluate_strategy(job.written.strategy, base, scope.only_matrix)
    permissions = _permissions(job, scope)
    legs = [_make_leg(job, scope, base, strategy, index, permissions) for index in range(len(strategy.combinations))]
    return tuple(_tell_apart(legs))


def _make_leg(
    job: PlannedJob, scope: Scope, base: Contexts, strategy: _Strategy, index: int, permissions: Grants
) -> Leg:
    combination = strategy.combinations[index]
    values = [] if combination is None else leaf_texts(combination)
    suffix = f" ({', '.join(values)})" if values else ""
    bare = Leg(
        key=scope.inner_key(job.written.id + suffix),
        job_id=scope.inner_job_id(job.written.id),
        name="",
        matrix=combination,
        index=index,
        total=len(strategy.combinations),
        fail_fast=strategy.fail_fast,
        max_parallel=strategy.max_parallel,
        permissions=permissions,
    )
    contexts = {**base, "matrix": combination, "strategy": strategy_context(bare)}
    leg = msgspec.structs.replace(
        bare,
        name=scope.inner_name(_name(job.written, values, contexts)),
        concurrency=evaluate_claim(job.written.concurrency, contexts, scope.groups),
    )
    match job.written:
        case nodes.Job() as written:
            return _add_run(leg, written, contexts)
        case nodes.CallJob() as written:
            return _add_call(leg, written, job, scope, contexts)


def _add_run(leg: Leg, written: nodes.Job, contexts: Contexts) -> Leg:
    labels, group = _runs_on(written.runs_on, contexts)
    return msgspec.structs.replace(
        leg,
        runs_on=labels,
        runner_group=group,
        environment=_environment(written.environment, contexts),
        continue_on_error=evaluate_boolean(written.continue_on_error, contexts),
        timeout_minutes=_minutes(written.timeout_minutes, contexts, 360.0),
        cancel_timeout_minutes=_minutes(written.cancel_timeout_minutes, contexts, 5.0),
    )


def _add_call(leg: Leg, written: nodes.CallJob, job: PlannedJob, scope: Scope, contexts: Contexts) -> Leg:
    if job.called is None:
        message = f"The workflow '{written.uses.value}' of another repository is not here, and cannot be fetched"
        raise EvaluationError(f"{message}: {job.missing}" if job.missing else message, written.uses.span)
    defaults = {"github": scope.github, "vars": scope.variables, "inputs": scope.inputs}
    inputs = evaluate_call_inputs(job.called.inputs, written.inputs, contexts, defaults)
    inner = {"github": scope.github, "vars": scope.variables, "inputs": inputs}
    held = {**scope.groups, leg.concurrency.group.lower(): leg.job_id} if leg.concurrency else scope.groups
    claim = evaluate_claim(job.called.concurrency, inner, held)
    return msgspec.structs.replace(leg, inputs=inputs, called_concurrency=claim)


# --- the parts of a leg ----------------------------------------------------------------------------------------------


def _evaluate_strategy(
    strategy: nodes.Strategy | None, contexts: Contexts, only: Mapping[str, tuple[str, ...]]
) -> _Strategy:
    if strategy is None:
        return _Strategy()
    fail_fast = evaluate_boolean(strategy.fail_fast, contexts, default=True)
    limit = evaluate_number(strategy.max_parallel, contexts, default=0.0)
    max_parallel = int(limit) if 1 <= limit < inf else None
    if strategy.matrix is None:
        return _Strategy(fail_fast=fail_fast, max_parallel=max_parallel)
    matrix = evaluate_token(strategy.matrix, contexts)
    try:
        combinations: tuple[Combination | None, ...] = tuple(build_combinations(matrix))
    except MatrixError as error:
        raise EvaluationError(str(error), strategy.matrix.span) from error
    chosen = tuple(one for one in combinations if one is None or _is_chosen(one, only))
    if combinations and not chosen:
        wanted = ", ".join(f"{key}: {' or '.join(values)}" for key, values in only.items())
        raise EvaluationError(f"The matrix has no leg with {wanted}", strategy.matrix.span)
    return _Strategy(chosen or (None,), fail_fast, max_parallel)


def _is_chosen(combination: Combination, only: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a leg is among those that a person chose; a key that the matrix does not have chooses nothing away."""
    for key, values in only.items():
        is_there, value = find_property(combination, key)
        if is_there and to_string(value) not in values:
            return False
    return True


def _written_name(written: nodes.Job | nodes.CallJob) -> str:
    return written.id if written.name is None else show_source(written.name) or written.id


def _name(written: nodes.Job | nodes.CallJob, values: list[str], contexts: Contexts) -> str:
    """A literal name gets the values of the matrix, one with expressions is used as it comes out (unless that is nothing)."""
    if isinstance(written.name, ExpressionToken | InterpolationToken):
        return evaluate_text(written.name, contexts) or name_leg(written.id, values)
    return name_leg(_written_name(written), values)


def _runs_on(runs_on: nodes.RunsOn, contexts: Contexts) -> tuple[tuple[str, ...], str | None]:
    group = None if runs_on.group is None else evaluate_text(runs_on.group, contexts)
    if runs_on.labels is None:
        return (), group
    if isinstance(runs_on.labels, SequenceToken):
        return tuple(_label(item, contexts) for item in runs_on.labels.items), group
    value = evaluate_token(runs_on.labels, contexts)
    if isinstance(value, dict):
        labels, found = find_property(value, "labels")[1], find_property(value, "group")[1]
        texts = () if labels is None else _labels(labels, runs_on.labels)
        return texts, group if found is None else to_string(found)
    return _labels(value, runs_on.labels), group


def _label(item: Token, contexts: Contexts) -> str:
    text = evaluate_text(item, contexts)
    if not text:
        raise EvaluationError("Unexpected value '': the label of a runner is needed here", item.span)
    return text


def _labels(value: Value, token: Token) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    texts = tuple(to_string(item) for item in items)
    for item, text in zip(items, texts, strict=True):
        if isinstance(item, list | dict) or not text:
            raise EvaluationError(f"Unexpected value '{text}': the label of a runner is needed here", token.span)
    return texts


def _environment(environment: nodes.Environment | None, contexts: Contexts) -> PlannedEnvironment | None:
    if environment is None:
        return None
    name = evaluate_token(environment.name, contexts)
    if isinstance(name, dict):
        return _read_environment(name, environment.span)
    if isinstance(name, list):
        raise EvaluationError("An environment is given by its name", environment.span)
    deployment = evaluate_boolean(environment.deployment, contexts, default=True)
    return PlannedEnvironment(to_string(name), environment.url, deployment) if to_string(name) else None


def _read_environment(value: dict[str, Value], span: Span) -> PlannedEnvironment | None:
    """One expression gave the whole mapping: its URL is final, then."""
    name, url = to_string(find_property(value, "name")[1]), find_property(value, "url")[1]
    deployment = find_property(value, "deployment")[1]
    written = None if url is None else StringToken(to_string(url), span)
    return PlannedEnvironment(name, written, deployment is not False) if name else None


def _minutes(quantity: nodes.Quantity | None, contexts: Contexts, default: float) -> float:
    minutes = evaluate_number(quantity, contexts, default=default)
    if quantity is not None and not (isfinite(minutes) and minutes >= 0):
        raise EvaluationError(f"Unexpected value '{to_string(minutes)}': minutes are needed here", quantity.span)
    return minutes


def _permissions(job: PlannedJob, scope: Scope) -> Grants:
    own = grant_within(job.written.permissions, scope.limit)
    return scope.permissions if own is None else own


def _tell_apart(legs: list[Leg]) -> list[Leg]:
    """Keys are unique: legs whose values read alike are numbered."""
    counts: dict[str, int] = {}
    apart: list[Leg] = []
    for leg in legs:
        count = counts[leg.key] = counts.get(leg.key, 0) + 1
        apart.append(leg if count == 1 else msgspec.structs.replace(leg, key=f"{leg.key} #{count}"))
    return apart

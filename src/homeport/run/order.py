"""Gathers what a runner needs to carry out one leg: its contexts, as they stand when it is offered."""

from collections.abc import Mapping

import msgspec

from homeport.language import nodes
from homeport.plan.evaluation import Contexts, evaluate_texts
from homeport.plan.expand import strategy_context
from homeport.plan.model import Leg, PlannedWorkflow, Values
from homeport.plan.scope import job_contexts
from homeport.plan.secret_names import find_secret_names
from homeport.run.conditions import needs_context, scope_of
from homeport.run.state import JobState, RunState

ALWAYS_PASSED = "GITHUB_TOKEN"
"""The one secret that a called workflow has without being given it."""

ALWAYS_NEEDED = frozenset({ALWAYS_PASSED, "ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG"})
"""What a job has without naming it: its token, and what makes its log say more (docs: "Enabling debug logging")."""


class CallContexts(msgspec.Struct, frozen=True):
    """A call around a job, with the contexts that its `secrets` may use besides `secrets` itself."""

    job: nodes.CallJob
    contexts: Contexts


class JobContexts(msgspec.Struct, frozen=True, kw_only=True):
    """One leg with its contexts: the pieces of a `ports.peer.JobOrder`, but the lease and what only a coordinator knows.

    `github` is the run's; what belongs to the job alone (`job`, `token`, paths) is added by those who know it.
    """

    leg: Leg
    job: nodes.Job
    workflow: PlannedWorkflow
    """the workflow, top-level or called, that the job is written in: its file, `env` and `defaults`"""
    calls: tuple[CallContexts, ...]
    """the calls around the job, from the outermost inwards"""
    github: Values
    needs: Values
    inputs: Values
    variables: dict[str, str]
    matrix: Values | None
    strategy: Values


def gather_contexts(run: RunState, key: str) -> JobContexts:
    """The contexts of an expanded leg, which is no call. KeyError where the run has no such job."""
    state = run.jobs[key]
    leg, family = state.leg, run.family_of(state)
    written = family.planned.written
    if leg is None or not isinstance(written, nodes.Job):
        raise KeyError(f"{key} is not a leg that a runner can take")
    scope = scope_of(run, state.scope)
    return JobContexts(
        leg=leg,
        job=written,
        workflow=scope.workflow,
        calls=tuple(_gather_calls(run, state.scope)),
        github=scope.github,
        needs=needs_context(run, family),
        inputs=scope.inputs,
        variables=scope.variables,
        matrix=leg.matrix,
        strategy=strategy_context(leg),
    )


def name_secrets(contexts: JobContexts) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """The secrets that a job needs, in upper case: as they are called where it is written, and as they are called in the run's own
    workflow, from which the calls around it pass them on. None: it may name any.
    """
    workflow = contexts.workflow
    named = find_secret_names(contexts.job, workflow.env, workflow.defaults)
    own = None if named is None else named | ALWAYS_NEEDED
    wanted = own
    for call in reversed(contexts.calls):
        if not call.job.inherit_secrets:
            passed = find_secret_names(call.job.secrets)
            wanted = None if passed is None else passed | {ALWAYS_PASSED}
    return own, wanted


def pass_secrets(calls: tuple[CallContexts, ...], secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets that reach a job through the calls around it, each passing on what it has: all, the named ones, or none.

    Source: GitHub docs, "Reuse workflows: Passing secrets to nested workflows" (one hop at a time). Raises
    `plan.evaluation.EvaluationError`.
    """
    passed = dict(secrets)
    for call in calls:
        if not call.job.inherit_secrets:
            token = {ALWAYS_PASSED: passed[ALWAYS_PASSED]} if ALWAYS_PASSED in passed else {}
            passed = token | evaluate_texts(call.job.secrets, {**call.contexts, "secrets": {**passed}})
    return passed


def _gather_calls(run: RunState, scope: str) -> list[CallContexts]:
    if not scope:
        return []
    call = run.jobs[scope]
    return [*_gather_calls(run, call.scope), _gather_call(run, call)]


def _gather_call(run: RunState, call: JobState) -> CallContexts:
    family = run.family_of(call)
    written = family.planned.written
    assert isinstance(written, nodes.CallJob)
    assert call.leg is not None
    base = job_contexts(scope_of(run, call.scope), needs_context(run, family))
    return CallContexts(written, {**base, "matrix": call.leg.matrix, "strategy": strategy_context(call.leg)})

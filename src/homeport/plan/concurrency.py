"""Evaluates a written `concurrency` into a claim, and refuses one that could never be granted.

Source: docs "Control the concurrency of workflows and jobs"; actions/runner `ConvertToConcurrency` for the limits.
"""

from collections.abc import Mapping

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.expr.coercion import to_string
from homeport.language.expr.values import Value, find_property
from homeport.plan.evaluation import Contexts, EvaluationError, evaluate_boolean, evaluate_text, evaluate_token
from homeport.plan.model import ConcurrencyClaim

MAX_GROUP_LENGTH = 400


def evaluate_claim(
    concurrency: nodes.Concurrency | None, contexts: Contexts, held: Mapping[str, str]
) -> ConcurrencyClaim | None:
    """An evaluated `concurrency`, written as a text, a mapping, or one expression that gives either; None where there is none.

    `held` are the groups (in lower case) that something around the claimant holds as long as it waits: claiming one of them again is
    a deadlock, and refused as GitHub does. Raises `EvaluationError`.
    """
    if concurrency is None:
        return None
    claim = _check(_evaluate(concurrency, contexts), concurrency.span)
    holder = held.get(claim.group.lower())
    if holder is not None:
        message = f"A deadlock for concurrency group '{claim.group}' was detected: '{holder}' holds it already"
        raise EvaluationError(message, concurrency.span)
    return claim


def _evaluate(concurrency: nodes.Concurrency, contexts: Contexts) -> ConcurrencyClaim:
    group = evaluate_token(concurrency.group, contexts)
    if isinstance(group, dict):
        return _read_mapping(group, concurrency.span)
    if isinstance(group, list):
        raise EvaluationError("Concurrency is a list: the name of a group is needed here", concurrency.span)
    cancel = evaluate_boolean(concurrency.cancel_in_progress, contexts)
    queue = "single" if concurrency.queue is None else evaluate_text(concurrency.queue, contexts)
    return ConcurrencyClaim(to_string(group), cancel, queue)


def _read_mapping(value: Mapping[str, Value], span: Span) -> ConcurrencyClaim:
    unknown = next((key for key in value if key not in {"group", "cancel-in-progress", "queue"}), None)
    if unknown is not None:
        raise EvaluationError(f"Unexpected value '{unknown}'", span)
    cancel = find_property(value, "cancel-in-progress")[1]
    if not isinstance(cancel, bool | None):
        raise EvaluationError(f"Unexpected value '{to_string(cancel)}': true or false is needed here", span)
    return ConcurrencyClaim(to_string(value.get("group")), bool(cancel), to_string(value.get("queue")) or "single")


def _check(claim: ConcurrencyClaim, span: Span) -> ConcurrencyClaim:
    if not claim.group:
        raise EvaluationError("Concurrency group name cannot be empty", span)
    if len(claim.group) > MAX_GROUP_LENGTH:
        raise EvaluationError(f"Concurrency group name must be less than {MAX_GROUP_LENGTH} characters", span)
    if claim.queue not in {"single", "max"}:
        raise EvaluationError(f"Unexpected value '{claim.queue}': the queue is 'single' or 'max'", span)
    if claim.queue == "max" and claim.cancel_in_progress:
        raise EvaluationError("'queue: max' cannot be combined with 'cancel-in-progress: true'", span)
    return claim

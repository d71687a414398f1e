"""Jobs and steps that can never run: their condition waits for an event that does not start the workflow, or they need such a job."""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic, Related
from homeport.language.expr.coercion import is_truthy
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.signatures import WELL_KNOWN
from homeport.language.expr.syntax import Call, Index, Literal, Name, Node, Operation, children
from homeport.language.names import list_names, quote
from homeport.language.nodes import CallJob, Condition, Job, Need, Workflow
from homeport.language.scopes import parse_at
from homeport.language.subject import Subject

_CODE = "unreachable"
_PURE = frozenset(name.lower() for name in WELL_KNOWN)


def check_reachable(subject: Subject) -> Iterator[Diagnostic]:
    """Report such jobs and steps. A job whose condition is a constant is left to `if-cond`, but not those that need it."""
    workflow = subject.root
    if not isinstance(workflow, Workflow):
        return
    events = _find_events(workflow)
    for condition, at in subject.conditions():
        if events and _is_waiting_for_other_events(condition, at, events):
            message = f"this never runs: its condition is false for every event that starts the workflow ({list_names(events)})"
            hint = "add the event under 'on', or correct the condition"
            yield Diagnostic(code=_CODE, message=message, span=condition.expression.span, hint=hint, severity="warning")
    yield from _check_needs(workflow, events)


def _find_events(workflow: Workflow) -> frozenset[str]:
    """The events that start a workflow; none where that is for its caller to say."""
    events = frozenset(trigger.event for trigger in workflow.triggers)
    return frozenset() if "workflow_call" in events else events


def _is_waiting_for_other_events(condition: Condition, at: str, events: frozenset[str]) -> bool:
    node = parse_at(condition.expression, at)
    return node is not None and _names_event(node) and all(_truth(node, event) is False for event in events)


def _check_needs(workflow: Workflow, events: frozenset[str]) -> Iterator[Diagnostic]:
    dependants: dict[str, list[tuple[Job | CallJob, Need]]] = {}
    for job in workflow.jobs:
        for need in job.needs if _asks_for_success(job.condition) else ():
            dependants.setdefault(need.job_id.lower(), []).append((job, need))
    never = [job for job in workflow.jobs if _is_never_true(job, events)]
    seen = {job.id.lower() for job in never}
    for cause in never:  # which grows
        for job, need in dependants.get(cause.id.lower(), ()):
            if job.id.lower() in seen:
                continue
            seen.add(job.id.lower())
            never.append(job)
            message = f"the job {quote(job.id)} never runs: it needs {quote(cause.id)}, which never does"
            related = (Related("that job is here", cause.id_span),)
            hint = "remove the need, or give the job a condition with always()"
            yield Diagnostic(
                code=_CODE, message=message, span=need.span, hint=hint, related=related, severity="warning"
            )


def _is_never_true(job: Job | CallJob, events: frozenset[str]) -> bool:
    node = parse_at(job.condition.expression, "jobs.if")
    if node is None or (not events and _names_event(node)):
        return False
    return all(_truth(node, event) is False for event in events or {""})


def _asks_for_success(condition: Condition) -> bool:
    return condition.implicit_success or condition.expression.source == "success()"


# --- what is known of a condition, given the event -------------------------------------------------------------------


def _truth(node: Node, event: str) -> bool | None:
    """Whether a condition is true when this event has happened; None where that depends on something else."""
    if _is_known(node):
        try:
            return is_truthy(evaluate(node, {"github": {"event_name": event}}))
        except ExpressionError:
            return None
    match node:
        case Operation(operator="!"):
            inner = _truth(node.operands[0], event)
            return None if inner is None else not inner
        case Operation(operator="&&" | "||" as operator):
            decisive = operator == "||"
            truths = [_truth(operand, event) for operand in node.operands]
            if decisive in truths:
                return decisive
            return None if None in truths else not decisive
        case _:
            return None


def _is_known(node: Node) -> bool:
    """Whether nothing but the event's name decides what an expression gives."""
    if _is_event_name(node):
        return True
    if isinstance(node, Name) or (isinstance(node, Call) and node.function.lower() not in _PURE):
        return False
    return all(_is_known(child) for child in children(node))


def _names_event(node: Node) -> bool:
    return _is_event_name(node) or any(_names_event(child) for child in children(node))


def _is_event_name(node: Node) -> bool:
    match node:
        case Index(receiver=Name(name=name), key=Literal(value=str() as key)):
            return (name.lower(), key.lower()) == ("github", "event_name")
        case _:
            return False

"""Status functions that do something else than it seems.

Source: docs "Evaluate expressions in workflows and actions: Status check functions".
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.expr.syntax import Call, Node, Operation, walk
from homeport.language.names import quote
from homeport.language.scopes import parse_at
from homeport.language.subject import Subject, place_in

_CODE = "status-function"


def check_status_functions(subject: Subject) -> Iterator[Diagnostic]:
    """Report `always()` where it makes the rest of a condition pointless, or only keeps a job from being cancelled."""
    for condition, at in subject.conditions():
        node = parse_at(condition.expression, at)
        if condition.interpolated or node is None or isinstance(node, Call):
            continue
        truth = _truth(node)
        if truth is not None:
            offset = next(part.offset for part in walk(node) if _is_always(part))
            message = f"with always(), the condition {quote(condition.expression.source)} is always {'true' if truth else 'false'}"
            hint = "for a further condition write '&&'" if truth else "failure() and cancelled() may be true or false"
            span = place_in(condition.expression, offset)
            yield Diagnostic(code=_CODE, message=message, span=span, hint=hint, severity="warning")
    for job in subject.jobs:
        node = parse_at(job.condition.expression, "jobs.if")
        if not job.needs and node is not None and _is_always(node):
            message = f"the job {quote(job.id)} needs no other, so that always() only keeps it from being cancelled"
            span = job.condition.expression.span
            yield Diagnostic(code=_CODE, message=message, span=span, hint="remove 'if'", severity="warning")


def _truth(node: Node) -> bool | None:
    """What a condition gives because of always(), None where that depends on something else."""
    match node:
        case Call():
            return True if _is_always(node) else None
        case Operation(operator="!"):
            inner = _truth(node.operands[0])
            return None if inner is None else not inner
        case Operation(operator="&&" | "||" as operator):
            decisive = operator == "||"
            truths = [_truth(operand) for operand in node.operands]
            if decisive in truths:
                return decisive
            return None if None in truths else not decisive
        case _:
            return None


def _is_always(node: Node) -> bool:
    return isinstance(node, Call) and node.function.lower() == "always"

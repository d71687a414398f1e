"""Conditions that are always true or always false, whatever happens.

Source: docs "Using conditions to control job execution" (text outside `${{ }}` makes a condition a text, which is true); actions/runner
issue 1483 (`github.event.inputs` and the inputs of actions are texts, and the text `false` is true).
"""

from collections.abc import Iterator

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.language.expr.coercion import is_truthy
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.signatures import WELL_KNOWN
from homeport.language.expr.syntax import (
    Index,
    Literal,
    Name,
    Node,
    Operation,
    find_calls,
    find_names,
    render_expression,
)
from homeport.language.names import quote
from homeport.language.nodes import Action, Condition, Workflow
from homeport.language.scopes import parse_at
from homeport.language.subject import Subject, place_in
from homeport.language.tokens import StringToken

_CODE = "if-cond"
_PURE = frozenset(name.lower() for name in WELL_KNOWN)


def check_conditions(subject: Subject) -> Iterator[Diagnostic]:
    """Report such conditions of jobs and steps."""
    flags = _find_text_flags(subject.root)
    for condition, at in subject.conditions():
        if condition.interpolated:
            message = "this condition is always true: text stands outside '${{ }}', so that the whole is a text, and a text is true"
            hint = "write the condition without '${{ }}', or put all of it inside one, with no space or line after it"
            yield Diagnostic(code=_CODE, message=message, span=condition.expression.span, hint=hint)
            continue
        node = parse_at(condition.expression, at)
        if node is None:
            continue
        constant = find_constant(node)
        if constant is not None:
            yield _report_constant(condition, constant=constant)
        for offset, name in _find_flags_as_text(node, flags):
            message = f"{quote(name)} is a text here, and the text 'false' is true"
            span = place_in(condition.expression, offset)
            hint = f"write {name} == 'true'"
            yield Diagnostic(code=_CODE, message=message, span=span, hint=hint, severity="warning")


def find_constant(node: Node) -> bool | None:
    """Whether a condition in which nothing is named is true; None where something is."""
    if find_names(node) or not find_calls(node) <= _PURE:
        return None
    try:
        return is_truthy(evaluate(node, {}))
    except ExpressionError:
        return None


def _report_constant(condition: Condition, *, constant: bool) -> Diagnostic:
    source = condition.expression.source
    message = f"the condition {quote(source)} is always {'true' if constant else 'false'}"
    hint = "remove 'if'" if constant else "remove 'if' with what it guards, or name what it depends on"
    return Diagnostic(code=_CODE, message=message, span=condition.expression.span, hint=hint, severity="warning")


# --- texts that say true or false ------------------------------------------------------------------------------------


def _find_text_flags(root: Workflow | Action) -> frozenset[str]:
    """The lookups, in lower case, that give `true` or `false` as text."""
    if isinstance(root, Action):
        flags = (
            declared.name
            for declared in root.inputs
            if isinstance(declared.default, StringToken) and declared.default.value in {"true", "false"}
        )
        return frozenset(f"inputs.{name.lower()}" for name in flags)
    dispatch = root.find_trigger("workflow_dispatch")
    inputs = () if dispatch is None else dispatch.inputs
    return frozenset(f"github.event.inputs.{known.name.lower()}" for known in inputs if known.kind == "boolean")


def _find_flags_as_text(node: Node, flags: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Where such a lookup is asked for its truth: alone, negated, or combined by `&&` and `||`."""
    match node:
        case Operation(operator="&&" | "||" | "!"):
            for operand in node.operands:
                yield from _find_flags_as_text(operand, flags)
        case Index(key=Literal(value=str())) if flags and _begins_with_name(node):
            name = render_expression(node)
            if name.lower() in flags:
                yield node.offset, name
        case _:
            return


def _begins_with_name(node: Node) -> bool:
    while isinstance(node, Index):
        node = node.receiver
    return isinstance(node, Name)

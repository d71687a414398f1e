"""Gives declared inputs their typed values: those of `workflow_dispatch`, and those of a called workflow.

Source: docs "Workflow syntax: on.workflow_dispatch.inputs" and "on.workflow_call.inputs"; actions/runner
`ConvertToWorkflowJobInputs` (text takes any scalar; a boolean or a number takes nothing but its own kind).
"""

from collections.abc import Mapping, Sequence
from math import isnan

from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.expr.coercion import parse_number, to_string
from homeport.language.expr.text import fold_case
from homeport.language.expr.values import Value
from homeport.language.tokens import ExpressionToken, NumberToken, Token
from homeport.plan.evaluation import Contexts, EvaluationError, evaluate_text, evaluate_token
from homeport.plan.model import Values

_EMPTY: Mapping[str, Value] = {"string": "", "boolean": False, "number": 0.0, "choice": "", "environment": ""}
_NO_CONTEXTS: Contexts = {}


def read_dispatch_inputs(
    trigger: nodes.Trigger, given: Mapping[str, str]
) -> tuple[Values, dict[str, str], list[Diagnostic]]:
    """The typed `inputs` and the texts of `github.event.inputs` of a manual run, and what is wrong with the values given.

    Names ignore case. Every declared input has a value afterwards: the one given, its default, or the empty one of its type.
    """
    by_name = {fold_case(name): value for name, value in given.items()}
    typed: Values = {}
    mistakes = _find_unknown(trigger, given)
    for declaration in trigger.inputs:
        text = by_name.get(fold_case(declaration.name))
        if text is None and declaration.default is not None:
            text = evaluate_text(declaration.default, _NO_CONTEXTS)
        if text is None:
            if declaration.required:
                mistakes.append(_mistake(f"Required input '{declaration.name}' not provided", declaration.span))
            typed[declaration.name] = _EMPTY[declaration.kind]
            continue
        try:
            typed[declaration.name] = _read_text(declaration, text)
        except ValueError as error:
            mistakes.append(_mistake(str(error), declaration.span))
    return typed, {name: to_string(value) for name, value in typed.items()}, mistakes


def evaluate_call_inputs(
    declarations: Sequence[nodes.InputDeclaration], given: nodes.Pairs | None, contexts: Contexts, defaults: Contexts
) -> Values:
    """The `inputs` of a called workflow. `contexts` are those of the calling job's `with`, `defaults` those of a default.

    Raises `EvaluationError`: an expression failed, a value has the wrong type, an input is missing or unknown.
    """
    values = _evaluate_given(given, contexts)
    typed: Values = {}
    for declaration in declarations:
        found = values.pop(fold_case(declaration.name), None)
        if found is not None:
            _, token, value = found
            typed[declaration.name] = _check_kind(declaration.kind, token, value)
        elif declaration.default is not None:
            value = evaluate_token(declaration.default, defaults)
            typed[declaration.name] = _check_kind(declaration.kind, declaration.default, value)
        elif declaration.required:
            span = given.span if given is not None else declaration.span
            raise EvaluationError(f"Input {declaration.name} is required, but not provided while calling.", span)
        else:
            typed[declaration.name] = _EMPTY[declaration.kind]
    for name, token, _ in values.values():
        raise EvaluationError(f"Invalid input, {name} is not defined in the referenced workflow.", token.span)
    return typed


def _evaluate_given(given: nodes.Pairs | None, contexts: Contexts) -> dict[str, tuple[str, Token, Value]]:
    """By folded name: the name as written, where the value comes from, and the value."""
    if given is None:
        return {}
    if isinstance(given, ExpressionToken):
        value = evaluate_token(given, contexts)
        if not isinstance(value, dict):
            raise EvaluationError(f"Unexpected value '{to_string(value)}': a mapping is needed here", given.span)
        return {fold_case(name): (name, given, item) for name, item in value.items()}
    found: dict[str, tuple[str, Token, Value]] = {}
    for entry in given.entries:
        name = evaluate_text(entry.key, contexts)
        found[fold_case(name)] = (name, entry.value, evaluate_token(entry.value, contexts))
    return found


def _check_kind(kind: str, token: Token, value: Value) -> Value:
    match kind, value:
        case ("boolean", bool()) | ("number", float()):
            return value
        case "string", None | bool() | float() | str():
            return token.text if isinstance(token, NumberToken) else to_string(value)
        case _:
            article = {"string": "text"}.get(kind, f"a {kind}")
            raise EvaluationError(f"Unexpected value '{to_string(value)}': {article} is needed here", token.span)


def _read_text(declaration: nodes.InputDeclaration, text: str) -> Value:
    """Raises `ValueError` with what is wrong."""
    match declaration.kind:
        case "boolean":
            if text.lower() not in {"true", "false"}:
                raise ValueError(f"Input '{declaration.name}' is '{text}', expected true or false")
            return text.lower() == "true"
        case "number":
            number = parse_number(text)
            if isnan(number) or not text.strip():
                raise ValueError(f"Input '{declaration.name}' is '{text}', expected a number")
            return number
        case "choice" if text not in declaration.options:
            expected = ", ".join(declaration.options)
            raise ValueError(f"Input '{declaration.name}' is '{text}', expected one of: {expected}")
        case _:
            return text


def _find_unknown(trigger: nodes.Trigger, given: Mapping[str, str]) -> list[Diagnostic]:
    known = {fold_case(declaration.name) for declaration in trigger.inputs}
    names = ", ".join(declaration.name for declaration in trigger.inputs) or "none"
    return [
        _mistake(f"Unexpected input '{name}' provided; the workflow declares: {names}", trigger.span)
        for name in given
        if fold_case(name) not in known
    ]


def _mistake(message: str, span: Span) -> Diagnostic:
    return Diagnostic(code="dispatch-inputs", message=message, span=span, invalid=True)

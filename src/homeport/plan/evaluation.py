"""Turns written tokens into values, with the contexts of their stage: used for jobs, steps and actions alike.

Source of the rules: actions/runner `TemplateEvaluator` (each expression of a text becomes a string; a lone one keeps its kind;
`${{ insert }}` puts a mapping's pairs in place) and `TemplateUnraveler.Validate` (an expression's result is never converted to the
boolean or number that a key wants: the text `'true'` is refused where a boolean is expected).
"""

from collections.abc import Mapping
from typing import assert_never

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.expr.coercion import is_truthy, to_string
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import Function, evaluate
from homeport.language.expr.memory import TEMPLATE_LIMIT
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.signatures import ANY_NUMBER
from homeport.language.expr.values import Value
from homeport.language.tokens import (
    BooleanToken,
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    NullToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Text,
    Token,
)

Contexts = Mapping[str, Value]
"""The named values that an expression may use; a name that is not a key here is a mistake of the expression."""
Functions = Mapping[str, Function]
"""Functions that the caller provides besides the well-known ones: `success`, `always`, `hashFiles`, …"""

NO_FUNCTIONS: Functions = {}
_ANY_COUNT = (0, ANY_NUMBER)
"""The grammar has counted the arguments of every written call already."""


class EvaluationError(Exception):
    """An expression failed, or gave something that its key cannot take. `span` is where in the file: the very symbol, if known."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


def evaluate_token(token: Token, contexts: Contexts, functions: Functions = NO_FUNCTIONS) -> Value:
    """The value of a token: scalars as they are (numbers as floats), expressions evaluated, collections all the way down.

    Raises `EvaluationError`.
    """
    match token:
        case StringToken() | BooleanToken() | NumberToken():
            return token.value
        case NullToken():
            return None
        case ExpressionToken():
            return _evaluate_expression(token, contexts, functions)
        case InterpolationToken():
            return _interpolate(token, contexts, functions)
        case SequenceToken():
            return [evaluate_token(item, contexts, functions) for item in token.items]
        case MappingToken():
            return _evaluate_mapping(token, contexts, functions)
        case _:
            assert_never(token)


def evaluate_text(token: Token, contexts: Contexts, functions: Functions = NO_FUNCTIONS) -> str:
    """The token as text, as a string slot takes it: null is empty, numbers and booleans are written out.

    Raises `EvaluationError`, for a collection too.
    """
    if isinstance(token, StringToken):
        return token.value
    if isinstance(token, NumberToken):
        return token.text
    value = evaluate_token(token, contexts, functions)
    if isinstance(value, (list, dict)):
        raise EvaluationError(f"{_describe(value)} was not expected: text is needed here", token.span)
    return to_string(value)


def evaluate_texts(token: Token | None, contexts: Contexts, functions: Functions = NO_FUNCTIONS) -> dict[str, str]:
    """A mapping whose values are all text, such as `env` and `with`; empty where the key is absent. Raises `EvaluationError`."""
    if token is None:
        return {}
    value = evaluate_token(token, contexts, functions)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EvaluationError(f"{_describe(value)} was not expected: a mapping is needed here", token.span)
    texts: dict[str, str] = {}
    for key, item in value.items():
        if isinstance(item, (list, dict)):
            raise EvaluationError(f"'{key}' is {_describe(item)}, and text is needed", token.span)
        texts[key] = to_string(item)
    return texts if isinstance(token, ExpressionToken) else _keep_number_texts(token, texts)


def evaluate_boolean(
    token: nodes.Flag | None, contexts: Contexts, functions: Functions = NO_FUNCTIONS, *, default: bool = False
) -> bool:
    """A flag such as `continue-on-error`; `default` where the key is absent. Text is not taken for a boolean, as on GitHub.

    Raises `EvaluationError`.
    """
    if token is None:
        return default
    value = evaluate_token(token, contexts, functions)
    if isinstance(value, bool):
        return value
    raise EvaluationError(f"Unexpected value '{to_string(value)}': true or false is needed here", token.span)


def evaluate_number(
    token: nodes.Quantity | None, contexts: Contexts, functions: Functions = NO_FUNCTIONS, *, default: float
) -> float:
    """A number such as `timeout-minutes`; `default` where the key is absent. Text is not taken for a number, as on GitHub.

    Raises `EvaluationError`.
    """
    if token is None:
        return default
    value = evaluate_token(token, contexts, functions)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise EvaluationError(f"Unexpected value '{to_string(value)}': a number is needed here", token.span)


def show_source(token: Text) -> str:
    """A text as its author wrote it: what is shown where it cannot be evaluated (yet)."""
    match token:
        case StringToken():
            return token.value
        case ExpressionToken():
            return f"${{{{ {token.source} }}}}"
        case InterpolationToken():
            return "".join(show_source(part) for part in token.parts)


def evaluate_condition(condition: nodes.Condition, contexts: Contexts, functions: Functions) -> bool:
    """Whether an `if` holds. `functions` has the status functions that its place allows, `success` among them.

    Where no status function is written, `success()` is asked first, and the expression is evaluated only if it holds: so GitHub's
    `success() && (…)`. Raises `EvaluationError`.
    """
    if condition.implicit_success and not is_truthy(functions["success"]([])):
        return False
    return is_truthy(_evaluate_expression(condition.expression, contexts, functions))


def _evaluate_expression(token: ExpressionToken, contexts: Contexts, functions: Functions) -> Value:
    try:
        tree = parse_expression(token.source, names=contexts.keys(), functions=dict.fromkeys(functions, _ANY_COUNT))
        return evaluate(tree, contexts, functions, memory_limit=TEMPLATE_LIMIT)
    except ExpressionError as error:
        raise EvaluationError(error.message, _locate(token, error.offset)) from error


def _locate(token: ExpressionToken, offset: int | None) -> Span:
    span = token.span
    if not token.exact or offset is None:
        return span
    column = min(span.column + offset, max(span.column, span.end_column - 1))
    return Span(span.file, span.line, column, span.end_line, span.end_column)


def _interpolate(token: InterpolationToken, contexts: Contexts, functions: Functions) -> str:
    return "".join(
        part.value if isinstance(part, StringToken) else to_string(_evaluate_expression(part, contexts, functions))
        for part in token.parts
    )


def _evaluate_mapping(token: MappingToken, contexts: Contexts, functions: Functions) -> dict[str, Value]:
    result: dict[str, Value] = {}
    seen: set[str] = set()
    for entry in token.entries:
        if isinstance(entry.key, ExpressionToken) and entry.key.source == "insert":
            pairs = _evaluate_inserted(entry.value, contexts, functions)
        else:
            pairs = {evaluate_text(entry.key, contexts, functions): evaluate_token(entry.value, contexts, functions)}
        for key, value in pairs.items():
            folded = key.upper()
            if folded in seen:
                raise EvaluationError(f"'{key}' is already defined", entry.key.span)
            seen.add(folded)
            result[key] = value
    return result


def _evaluate_inserted(token: Token, contexts: Contexts, functions: Functions) -> dict[str, Value]:
    value = evaluate_token(token, contexts, functions)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EvaluationError(f"{_describe(value)} was not expected: insert needs a mapping", token.span)
    return value


def _keep_number_texts(token: Token, texts: dict[str, str]) -> dict[str, str]:
    """A written number keeps its own canonical text, which may have more digits than an expression's would."""
    if isinstance(token, MappingToken):
        for entry in token.entries:
            if isinstance(entry.value, NumberToken) and isinstance(entry.key, StringToken):
                texts[entry.key.value] = entry.value.text
    return texts


def _describe(value: Value) -> str:
    match value:
        case list():
            return "a sequence"
        case dict():
            return "a mapping"
        case _:
            return f"'{to_string(value)}'"

"""Narrows tokens to what a field of the nodes may hold. What does not fit was reported before, and counts as absent."""

from homeport.diagnostics.span import Span
from homeport.language.availability import AVAILABILITY
from homeport.language.embedded import fold
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.syntax import contains_status_function
from homeport.language.nodes import Condition, Flag, Pairs, Quantity
from homeport.language.tokens import (
    BooleanToken,
    Entry,
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Text,
    Token,
)


def literal_entries(token: Token | None) -> list[tuple[StringToken, Token]]:
    """The pairs of a mapping whose keys are plain text, in order."""
    if not isinstance(token, MappingToken):
        return []
    return [(entry.key, entry.value) for entry in token.entries if isinstance(entry.key, StringToken)]


def fields(token: Token | None) -> dict[str, Token]:
    """The values of a mapping by their plain keys; none where it is no mapping."""
    return {key.value: value for key, value in literal_entries(token)}


def find_entry(token: Token | None, key: str) -> Entry | None:
    """The pair with a plain key."""
    if isinstance(token, MappingToken):
        for entry in token.entries:
            if isinstance(entry.key, StringToken) and entry.key.value == key:
                return entry
    return None


def as_text(token: Token | None) -> Text | None:
    """Text, with expressions or without."""
    return token if isinstance(token, StringToken | ExpressionToken | InterpolationToken) else None


def as_filled_text(token: Token | None) -> Text | None:
    """Text; an empty one counts as absent, as GitHub does for names."""
    return None if isinstance(token, StringToken) and not token.value else as_text(token)


def as_string(token: Token | None) -> StringToken | None:
    """Text without expressions."""
    return token if isinstance(token, StringToken) else None


def as_plain(token: Token | None) -> str:
    """The characters of a text without expressions; empty where it is absent."""
    return token.value if isinstance(token, StringToken) else ""


def as_flag(token: Token | None) -> Flag | None:
    """A boolean or an expression."""
    return token if isinstance(token, BooleanToken | ExpressionToken) else None


def as_true(token: Token | None) -> bool:
    """Whether a constant `true` is written."""
    return isinstance(token, BooleanToken) and token.value


def as_quantity(token: Token | None) -> Quantity | None:
    """A number or an expression."""
    return token if isinstance(token, NumberToken | ExpressionToken) else None


def as_pairs(token: Token | None) -> Pairs | None:
    """A mapping or an expression."""
    return token if isinstance(token, MappingToken | ExpressionToken) else None


def as_list(token: Token | None) -> SequenceToken | ExpressionToken | None:
    """A list or an expression."""
    return token if isinstance(token, SequenceToken | ExpressionToken) else None


def strings_of(token: Token | None) -> tuple[StringToken, ...]:
    """One text or the texts of a list."""
    if isinstance(token, StringToken):
        return (token,)
    if isinstance(token, SequenceToken):
        return tuple(item for item in token.items if isinstance(item, StringToken))
    return ()


def condition_of(token: Token | None, at: str, span: Span) -> Condition:
    """The condition of an `if`; `success()` at `span` where there is none.

    Source: actions/runner `WorkflowTemplateConverter.ConvertToIfCondition`.
    """
    match token:
        case ExpressionToken():
            return Condition(token, implicit_success=not _asks_for_status(token.source, at))
        case InterpolationToken():
            source = fold(token)
            expression = ExpressionToken(source, token.span, exact=False)
            return Condition(expression, implicit_success=not _asks_for_status(source, at), interpolated=True)
        case _:
            return Condition(ExpressionToken("success()", span, exact=False), implicit_success=False)


def _asks_for_status(source: str, at: str) -> bool:
    available = AVAILABILITY[at]
    try:
        return contains_status_function(parse_expression(source, names=available.contexts, functions=available.arities))
    except ExpressionError:  # it was reported when the text was read
        return False

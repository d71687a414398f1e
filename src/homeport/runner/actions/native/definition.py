"""What a native action says about itself: its inputs, how each is honoured, and whether it has a post stage."""

from typing import Literal

import msgspec

from homeport.diagnostics.span import Span, point
from homeport.language import nodes
from homeport.language.tokens import ExpressionToken, InterpolationToken, StringToken

Support = Literal["honoured", "accepted", "refused"]
"""`honoured`: as the original does it · `accepted`: has nothing to change here, whatever it says · `refused`: fails the step where it
asks for something
"""


class Input(msgspec.Struct, frozen=True):
    """A row of the table at the head of a native action. `default` is written as in an `action.yml`."""

    name: str
    default: str = ""
    support: Support = "honoured"
    note: str = ""
    deprecation: str = ""


class NativeDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """`post_if` is None where the action has no post stage."""

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    post_if: str | None = None


def declare_inputs(definition: NativeDefinition) -> tuple[nodes.InputDeclaration, ...]:
    """The inputs as an action file would declare them."""
    place = point(f"native:{definition.name}")
    return tuple(_declare(row, place) for row in definition.inputs)


def post_condition(definition: NativeDefinition) -> nodes.Condition | None:
    """The action's `post-if`."""
    if definition.post_if is None:
        return None
    return nodes.Condition(ExpressionToken(definition.post_if, point(f"native:{definition.name}")), False)


def _declare(row: Input, place: Span) -> nodes.InputDeclaration:
    default = _parse(row.default, place) if row.default else None
    return nodes.InputDeclaration(
        name=row.name,
        default=default,
        description=row.note,
        deprecation_message=row.deprecation or None,
        span=place,
    )


def _parse(text: str, place: Span) -> StringToken | ExpressionToken | InterpolationToken:
    """A default with at most one expression, which is all that these tables need."""
    if text.startswith("${{") and text.endswith("}}"):
        return ExpressionToken(text[3:-2].strip(), place)
    return StringToken(text, place)

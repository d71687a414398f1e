"""An expression after it was read: a small tree, each node with its 0-based place in the source.

A tree is at most 50 levels deep (the parser sees to it), so that recursion over it is safe.
"""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from homeport.language.expr.coercion import format_number

STATUS_NAMES = frozenset({"success", "failure", "cancelled", "always"})


class Literal(msgspec.Struct, frozen=True, tag="literal"):
    """A constant; also the name after a dot."""

    value: bool | float | str | None
    offset: int


class Name(msgspec.Struct, frozen=True, tag="name"):
    """A context, as it is written."""

    name: str
    offset: int


class Wildcard(msgspec.Struct, frozen=True, tag="wildcard"):
    """The `*` of `.*` or `[*]`."""

    offset: int


class Index(msgspec.Struct, frozen=True, tag="index"):
    """`receiver.key`, `receiver[key]` or `receiver.*`. Its place is where the receiver starts."""

    receiver: "Node"
    key: "Node"
    offset: int


class Call(msgspec.Struct, frozen=True, tag="call"):
    """A function with its arguments; the name is as it is written."""

    function: str
    arguments: "tuple[Node, ...]"
    offset: int


class Operation(msgspec.Struct, frozen=True, tag="operation"):
    """`!` with one operand, a comparison with two, `&&` or `||` with two or more (`a && b && c` is one operation).

    Its place is where the first operand starts; for `!`, the `!`.
    """

    operator: str
    operands: "tuple[Node, ...]"
    offset: int


Node = Literal | Name | Wildcard | Index | Call | Operation


def children(node: Node) -> "tuple[Node, ...]":
    """The nodes directly below a node, in the order of the source."""
    match node:
        case Literal() | Name() | Wildcard():
            return ()
        case Index():
            return (node.receiver, node.key)
        case Call():
            return node.arguments
        case Operation():
            return node.operands
        case _:
            assert_never(node)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the source."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


def find_calls(node: Node) -> set[str]:
    """The functions that are called anywhere, in lower case."""
    return {part.function.lower() for part in walk(node) if isinstance(part, Call)}


def find_names(node: Node) -> set[str]:
    """The contexts that are named anywhere, in lower case."""
    return {part.name.lower() for part in walk(node) if isinstance(part, Name)}


def contains_status_function(node: Node) -> bool:
    """Whether `success`, `failure`, `cancelled` or `always` is called anywhere: then no `success() &&` goes before a condition."""
    return any(isinstance(part, Call) and part.function.lower() in STATUS_NAMES for part in walk(node))


def render_expression(node: Node) -> str:
    """The expression again as text, in one canonical form (actions/runner `ExpressionNode.ConvertToExpression`)."""
    match node:
        case Literal():
            return _render_literal(node.value)
        case Name():
            return node.name
        case Wildcard():
            return "*"
        case Index():
            return _render_index(node)
        case Call():
            return f"{node.function}({', '.join(render_expression(argument) for argument in node.arguments)})"
        case Operation(operator="!"):
            return f"!{render_expression(node.operands[0])}"
        case Operation():
            return f"({f' {node.operator} '.join(render_expression(operand) for operand in node.operands)})"
        case _:
            assert_never(node)


def is_identifier(text: str) -> bool:
    """Whether the text may be written bare: after a dot, or as a name (letters, digits, `_` and `-`, no digit or `-` first)."""
    bare = text.replace("-", "_")
    return text.isascii() and bare.isidentifier() and text[0] != "-"


def _render_literal(value: bool | float | str | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return format_number(value)


def _render_index(node: Index) -> str:
    receiver = render_expression(node.receiver)
    match node.key:
        case Wildcard():
            return f"{receiver}.*"
        case Literal(value=str() as name) if is_identifier(name):
            return f"{receiver}.{name}"
        case key:
            return f"{receiver}[{render_expression(key)}]"

"""Says what an expression was made of: the values that its references have."""

from collections.abc import Iterator

from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.functions import to_json
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.signatures import HASH_FILES, STATUS_FUNCTIONS
from homeport.language.expr.syntax import Index, Name, Node, children, render_expression
from homeport.plan.evaluation import Contexts

_FUNCTIONS = {**STATUS_FUNCTIONS, **HASH_FILES}
_LONGEST = 80


def explain_values(source: str, contexts: Contexts) -> dict[str, str]:
    """The references of an expression (`github.ref`), as they are written, with their values as JSON, cut to one short line."""
    try:
        tree = parse_expression(source, functions=_FUNCTIONS)
        values = {render_expression(node): evaluate(node, contexts) for node in _references(tree)}
    except ExpressionError:
        return {}
    return {name: _shorten(to_json(value)) for name, value in values.items()}


def _references(node: Node) -> Iterator[Node]:
    if isinstance(node, Index) and _is_reference(node):
        yield node
        return
    for child in children(node):
        yield from _references(child)


def _is_reference(node: Node) -> bool:
    """Whether it is a chain of dots and brackets that begins at a context."""
    while isinstance(node, Index):
        node = node.receiver
    return isinstance(node, Name)


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"

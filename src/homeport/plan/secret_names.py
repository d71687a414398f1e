"""Tells which secrets a job names, so that it is given these and no others."""

from collections.abc import Iterator

import msgspec

from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.signatures import HASH_FILES, STATUS_FUNCTIONS
from homeport.language.expr.syntax import Index, Literal, Name, Node, children
from homeport.language.tokens import ExpressionToken

_FUNCTIONS = {**STATUS_FUNCTIONS, **HASH_FILES}
_CONTEXT = "secrets"


def find_secret_names(*written: object) -> frozenset[str] | None:
    """The names in upper case of the secrets that expressions anywhere in these nodes name; None where one may name any: by the whole
    context (`toJSON(secrets)`) or a name that is computed.
    """
    found: set[str] = set()
    for source in _list_sources(written):
        if _CONTEXT not in source.lower():
            continue
        try:
            names = list(_list_names(parse_expression(source, functions=_FUNCTIONS)))
        except ExpressionError:
            return None  # it fails when it is evaluated, if ever: not here
        if None in names:
            return None
        found.update(name.upper() for name in names if name is not None)
    return frozenset(found)


def _list_sources(value: object) -> Iterator[str]:
    """Of all expressions in a node, whatever it is made of."""
    pending = [value]
    while pending:
        current = pending.pop()
        match current:
            case ExpressionToken():
                yield current.source
            case msgspec.Struct():
                pending.extend(getattr(current, name) for name in current.__struct_fields__)
            case tuple() | list():
                pending.extend(current)
            case dict():
                pending.extend(current.values())


def _list_names(node: Node) -> Iterator[str | None]:
    match node:
        case Index(receiver=Name(name=context), key=Literal(value=str(name))) if context.lower() == _CONTEXT:
            yield name
        case Name(name=context) if context.lower() == _CONTEXT:
            yield None
        case _:
            for child in children(node):
                yield from _list_names(child)

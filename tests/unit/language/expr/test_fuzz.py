"""Any text and any values: an answer or an `ExpressionError`, never a crash."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from homeport.language.expr.checker import check
from homeport.language.expr.coercion import kind_of
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.parser import HASH_FILES, STATUS_FUNCTIONS, parse_expression
from homeport.language.expr.syntax import render_expression
from homeport.language.expr.types import CONTEXTS
from homeport.language.expr.values import Value, from_json

FUNCTIONS = {**STATUS_FUNCTIONS, **HASH_FILES}
PIECES = [
    "github",
    "a.b",
    "matrix.*",
    "[0]",
    "['x']",
    "[*]",
    ".*",
    ".",
    "(",
    ")",
    ",",
    "!",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "1",
    "-0",
    ".5",
    "0xff",
    "NaN",
    "'text'",
    "''",
    "'{0}'",
    "'[1,{\"a\":2}]'",
    "null",
    "true",
    "false",
    "contains(",
    "startsWith(",
    "endsWith(",
    "format(",
    "join(",
    "toJSON(",
    "fromJSON(",
    "case(",
    "success(",
    "hashFiles(",
    "'",
    '"',
    "$",
    "-",
    "+",
    "&",
    "|",
]
json_like: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "A", "b", "x"]), inner, max_size=4)
    ),
    max_leaves=15,
)


def evaluate_anyhow(source: str, contexts: Value) -> tuple[str, int]:
    """The kind of the value or of the error, and the place of the error."""
    assert isinstance(contexts, dict)
    try:
        tree = parse_expression(source, functions=FUNCTIONS)
        check(tree, CONTEXTS)
        found = evaluate(tree, contexts, {name: lambda _: True for name in FUNCTIONS})
    except ExpressionError as error:
        return error.kind, error.offset
    return kind_of(found), 0


ANSWERS = {"lexing", "parsing", "evaluation", "Null", "Boolean", "Number", "String", "Array", "Object"}


@given(st.text(), json_like)
def test_any_text_is_answered(source: str, value: Any) -> None:
    kind, offset = evaluate_anyhow(source, from_json({"a": value}))
    assert kind in ANSWERS
    assert 0 <= offset <= len(source)


@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join), json_like)
def test_any_pieces_of_expressions_are_answered(source: str, value: Any) -> None:
    kind, offset = evaluate_anyhow(source, from_json({"a": value, "github": value, "matrix": value}))
    assert kind in ANSWERS
    assert 0 <= offset <= len(source)


names = st.sampled_from(["a", "github", "matrix"])
literals = st.sampled_from(["1", "-1.5", "''", "'x'", "'b'", "null", "true", "'{0}'", "'[]'"])
expressions: st.SearchStrategy[str] = st.recursive(
    names | literals,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["==", "!=", "<", ">=", "&&", "||"]), inner).map(
            lambda part: f"({' '.join(part)})"
        )
        | inner.map(lambda part: f"!{part}")
        | st.tuples(names, inner).map(lambda part: f"{part[0]}[{part[1]}].*.b")
        | st.tuples(st.sampled_from(["contains", "startsWith", "join", "format"]), inner, inner).map(
            lambda part: f"{part[0]}({part[1]}, {part[2]})"
        )
        | inner.map(lambda part: f"fromJSON(toJSON({part}))")
        | st.tuples(inner, inner, inner).map(lambda part: f"case({', '.join(part)})")
    ),
    max_leaves=12,
)


@given(expressions, json_like)
def test_well_formed_expressions_are_evaluated_and_keep_their_value_when_written_anew(source: str, value: Any) -> None:
    contexts = from_json({"a": value, "github": {"b": value}, "matrix": [value]})
    assert isinstance(contexts, dict)
    tree = parse_expression(source)
    again = parse_expression(render_expression(tree))
    assert render_expression(again) == render_expression(tree)
    assert outcome(tree, contexts) == outcome(again, contexts)


def outcome(tree: Any, contexts: dict[str, Value]) -> str:
    try:
        return repr(evaluate(tree, contexts))
    except ExpressionError as error:
        return error.message

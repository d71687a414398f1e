"""Tokens and conditions, evaluated."""

import pytest

from homeport.diagnostics.span import Span
from homeport.language import nodes
from homeport.language.tokens import (
    BooleanToken,
    Entry,
    ExpressionToken,
    InterpolationToken,
    MappingToken,
    NullToken,
    NumberToken,
    SequenceToken,
    StringToken,
    Token,
)
from homeport.plan.evaluation import (
    Contexts,
    EvaluationError,
    evaluate_boolean,
    evaluate_condition,
    evaluate_number,
    evaluate_text,
    evaluate_texts,
    evaluate_token,
    show_source,
)

SPAN = Span("ci.yml", 7, 12, 7, 60)
CONTEXTS: Contexts = {
    "matrix": {"n": 3.0, "s": "text", "yes": True, "none": None, "list": ["a", 1.0], "map": {"k": "v"}},
    "github": {"ref": "refs/heads/main"},
}


def expression(source: str) -> ExpressionToken:
    return ExpressionToken(source, SPAN)


def text(value: str) -> StringToken:
    return StringToken(value, SPAN)


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (NullToken(SPAN), None),
        (BooleanToken(True, SPAN), True),
        (NumberToken(16.0, "16", SPAN), 16.0),
        (text("${{ not read again }}"), "${{ not read again }}"),
        (expression("matrix.map"), {"k": "v"}),
        (InterpolationToken((text("a-"), expression("matrix.n"), expression("matrix.none")), SPAN), "a-3"),
        (SequenceToken((text("x"), expression("matrix.yes")), SPAN), ["x", True]),
        (MappingToken((Entry(expression("matrix.s"), expression("matrix.n")),), SPAN), {"text": 3.0}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_token_has_the_value_of_its_kind(token: Token, value: object) -> None:
    assert evaluate_token(token, CONTEXTS) == value


def test_inserted_pairs_stand_where_insert_stands() -> None:
    entries = (
        Entry(text("first"), text("1")),
        Entry(expression("insert"), expression("matrix.map")),
        Entry(text("last"), text("3")),
    )
    value = evaluate_token(MappingToken(entries, SPAN), CONTEXTS)
    assert isinstance(value, dict)
    assert list(value.items()) == [
        ("first", "1"),
        ("k", "v"),
        ("last", "3"),
    ]


def test_nothing_can_be_inserted() -> None:
    token = MappingToken((Entry(expression("insert"), expression("matrix.none")),), SPAN)
    assert evaluate_token(token, CONTEXTS) == {}


@pytest.mark.parametrize("value", ["matrix.s", "matrix.list"])
def test_only_a_mapping_can_be_inserted(value: str) -> None:
    with pytest.raises(EvaluationError, match="insert needs a mapping"):
        evaluate_token(MappingToken((Entry(expression("insert"), expression(value)),), SPAN), CONTEXTS)


def test_a_computed_key_may_not_be_there_already() -> None:
    token = MappingToken((Entry(text("TEXT"), text("1")), Entry(expression("matrix.s"), text("2"))), SPAN)
    with pytest.raises(EvaluationError, match="'text' is already defined"):
        evaluate_token(token, CONTEXTS)


def test_text_is_what_a_string_slot_takes() -> None:
    assert evaluate_text(NumberToken(3.1, "3.10", SPAN), CONTEXTS) == "3.10"
    assert evaluate_text(expression("matrix.yes"), CONTEXTS) == "true"
    assert evaluate_text(NullToken(SPAN), CONTEXTS) == ""
    with pytest.raises(EvaluationError, match="a mapping was not expected"):
        evaluate_text(expression("matrix.map"), CONTEXTS)


def test_env_is_all_text() -> None:
    entries = (
        Entry(text("A"), NumberToken(1e20, "100000000000000000000", SPAN)),
        Entry(text("B"), BooleanToken(False, SPAN)),
        Entry(text("C"), expression("matrix.none")),
    )
    assert evaluate_texts(MappingToken(entries, SPAN), CONTEXTS) == {
        "A": "100000000000000000000",
        "B": "false",
        "C": "",
    }
    assert evaluate_texts(expression("matrix.map"), CONTEXTS) == {"k": "v"}
    assert evaluate_texts(None, CONTEXTS) == evaluate_texts(expression("matrix.none"), CONTEXTS) == {}


@pytest.mark.parametrize("source", ["matrix.s", "fromJSON('{\"a\":[1]}')", "matrix.list"])
def test_env_takes_nothing_else(source: str) -> None:
    with pytest.raises(EvaluationError):
        evaluate_texts(expression(source), CONTEXTS)


def test_text_is_never_taken_for_a_boolean_or_a_number() -> None:
    assert evaluate_boolean(expression("matrix.yes"), CONTEXTS) is True
    assert evaluate_boolean(None, CONTEXTS, default=True) is True
    assert evaluate_number(expression("matrix.n"), CONTEXTS, default=1) == 3.0
    assert evaluate_number(None, CONTEXTS, default=360) == 360
    for source in ("'true'", "matrix.none", "matrix.n"):
        with pytest.raises(EvaluationError, match="true or false is needed"):
            evaluate_boolean(expression(source), CONTEXTS)
    for source in ("'3'", "matrix.none", "matrix.yes"):
        with pytest.raises(EvaluationError, match="a number is needed"):
            evaluate_number(expression(source), CONTEXTS, default=1)


def test_a_failure_points_at_its_symbol() -> None:
    source = "github.ref || fromJSON('{') || x.y"
    with pytest.raises(EvaluationError) as caught:
        evaluate_token(expression(source), CONTEXTS)
    assert caught.value.span == Span("ci.yml", 7, 12 + source.index("x.y"), 7, 60)
    assert "Unrecognized named-value: 'x'" in caught.value.message


def test_a_failure_in_a_block_of_text_points_at_the_block() -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate_token(ExpressionToken("fromJSON('{')", SPAN, exact=False), CONTEXTS)
    assert caught.value.span == SPAN


@pytest.mark.parametrize(("succeeds", "asked"), [(True, ["success"]), (False, ["success"])])
def test_the_implicit_success_is_asked_first(succeeds: bool, asked: list[str]) -> None:
    calls: list[str] = []

    def success(_: object) -> bool:
        calls.append("success")
        return succeeds

    condition = nodes.Condition(expression("matrix.yes"), implicit_success=True)
    assert evaluate_condition(condition, CONTEXTS, {"success": success}) is succeeds
    assert calls == asked


def test_what_follows_a_failed_success_is_not_evaluated() -> None:
    condition = nodes.Condition(expression("fromJSON('{')"), implicit_success=True)
    assert evaluate_condition(condition, CONTEXTS, {"success": lambda _: False}) is False


def test_a_condition_with_a_status_function_is_evaluated_as_it_is() -> None:
    condition = nodes.Condition(expression("always() && matrix.s"), implicit_success=False)
    assert evaluate_condition(condition, CONTEXTS, {"always": lambda _: True, "success": lambda _: False}) is True


def test_source_is_shown_as_it_was_written() -> None:
    assert show_source(InterpolationToken((text("a "), expression("b.c"), text("!")), SPAN)) == "a ${{ b.c }}!"

"""Which expressions can be read, where they cannot, and what tree they give."""

from typing import Any

import pytest

from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.parser import (
    HASH_FILES,
    MAX_LENGTH,
    STATUS_FUNCTIONS,
    STEP_STATUS_FUNCTIONS,
    parse_expression,
)
from homeport.language.expr.syntax import Call, Index, Literal, Name, Operation, Wildcard
from tests.support.cases import read_rows


@pytest.mark.parametrize("row", read_rows("expr/parsing.jsonl"), ids=lambda row: row["expr"])
def test_an_expression_that_cannot_be_read_is_refused_in_githubs_words(row: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_expression(row["expr"], names={"a", "b", "c"})
    error = raised.value
    assert (error.kind, error.offset) == (row["kind"], row["offset"])
    assert row["error"] in error.message


def test_a_tree_knows_where_its_parts_stand() -> None:
    assert parse_expression("a.b[ 0 ].* == 'x'") == Operation(
        "==",
        (
            Index(
                Index(Index(Name("a", 0), Literal("b", 2), 0), Literal(0.0, 5), 0),
                Wildcard(9),
                0,
            ),
            Literal("x", 14),
        ),
        0,
    )


def test_a_call_stands_where_its_name_does_and_a_negation_where_its_mark_does() -> None:
    assert parse_expression(" !join( a )") == Operation("!", (Call("join", (Name("a", 8),), 2),), 1)


def test_operands_of_one_chain_share_one_node_with_or_without_parentheses() -> None:
    tree = parse_expression("(a && b) && (c && d)")
    assert isinstance(tree, Operation)
    assert [operand.offset for operand in tree.operands] == [1, 6, 13, 18]


def test_and_binds_more_tightly_than_or() -> None:
    assert parse_expression("a || b && c") == Operation(
        "||", (Name("a", 0), Operation("&&", (Name("b", 5), Name("c", 10)), 5)), 0
    )


def test_without_a_list_of_names_any_may_stand() -> None:
    assert parse_expression("whatever") == Name("whatever", 0)


def test_names_and_functions_are_known_ignoring_case() -> None:
    parse_expression("GITHUB.ref && HASHFILES('x')", names=["github"], functions=HASH_FILES)


def test_status_functions_take_job_names_in_a_job_and_none_in_a_step() -> None:
    parse_expression("success('build') && always()", functions=STATUS_FUNCTIONS)
    with pytest.raises(ExpressionError, match="Too many parameters supplied: 'success'"):
        parse_expression("success('build')", functions=STEP_STATUS_FUNCTIONS)


def test_the_same_source_is_read_differently_where_other_names_are_known() -> None:
    parse_expression("env.A", names={"env"})
    with pytest.raises(ExpressionError):
        parse_expression("env.A", names={"github"})
    parse_expression("env.A", names={"env"})


def test_an_expression_may_have_21000_characters_and_no_more() -> None:
    source = "'" + "x" * (MAX_LENGTH - 2) + "'"
    assert parse_expression(source) == Literal("x" * (MAX_LENGTH - 2), 0)
    with pytest.raises(ExpressionError, match="Exceeded max expression length 21000"):
        parse_expression(source + " ")


def test_length_counts_as_dotnet_counts_it() -> None:
    with pytest.raises(ExpressionError, match="Exceeded max expression length"):
        parse_expression("'" + "😀" * 10_500 + "'")


@pytest.mark.parametrize(
    "source",
    [
        "!" * 20_000 + "1",
        "(" * 10_000 + "1" + ")" * 10_000,
        "a" + ".b" * 10_000,
        "a" + "[0" * 5_000 + "]" * 5_000,
        "a" + "[0]" * 6_000,
        "join(" * 3_000 + "1" + ")" * 3_000,
        " && ".join("a" * 4_000),
        " == ".join("a" * 4_000),
        "'" * 20_001,
        "[" * 20_000,
        "." * 20_000,
        "&" * 20_000,
    ],
    ids=lambda source: f"{source[:6]}…",
)
def test_a_monster_is_read_or_refused_without_ado(source: str) -> None:
    problem = ""
    try:
        parse_expression(source)
    except ExpressionError as error:
        problem = error.message
    assert not problem or problem.startswith(("Exceeded max expression depth 50", "Unexpected"))


def test_parentheses_add_no_depth() -> None:
    assert parse_expression("(" * 500 + "1" + ")" * 500) == Literal(1.0, 500)

"""Looking at a tree: what it names, what it calls, and its text."""

import pytest

from homeport.language.expr.parser import HASH_FILES, STATUS_FUNCTIONS, parse_expression
from homeport.language.expr.syntax import (
    Node,
    contains_status_function,
    find_calls,
    find_names,
    is_identifier,
    render_expression,
    walk,
)


def parse(source: str) -> Node:
    return parse_expression(source, functions={**STATUS_FUNCTIONS, **HASH_FILES})


def test_a_walk_meets_every_part_in_the_order_of_the_source() -> None:
    offsets = [part.offset for part in walk(parse("a.b == join(c, 'd') || !e[*]"))]
    assert offsets == [0, 0, 0, 0, 2, 7, 12, 15, 23, 24, 24, 26]


def test_names_and_calls_are_found_at_any_depth_in_lower_case() -> None:
    tree = parse("GitHub.ref && contains(toJSON(Needs.*.result), matrix[env.KEY])")
    assert find_names(tree) == {"github", "needs", "matrix", "env"}
    assert find_calls(tree) == {"contains", "tojson"}


@pytest.mark.parametrize(
    ("source", "contained"),
    [
        ("success()", True),
        ("github.ref && (1 || FAILURE())", True),
        ("format('{0}', always())", True),
        ("cancelled()", True),
        ("github.success", False),
        ("'always()'", False),
        ("hashFiles('failure')", False),
    ],
)
def test_a_status_function_is_found_wherever_it_is_called(source: str, contained: bool) -> None:
    assert contains_status_function(parse(source)) is contained


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a  &&b&& ! c", "(a && b && !c)"),
        ("(a||b) == null", "((a || b) == null)"),
        ("a['b'].c[ 'd e' ][0].*", "a.b.c['d e'][0].*"),
        ("JOIN( a , 'it''s' )", "JOIN(a, 'it''s')"),
        ("0xff < 1e20", "(255 < 1E+20)"),
        ("true != false", "(true != false)"),
    ],
)
def test_a_tree_is_written_in_one_canonical_form(source: str, text: str) -> None:
    assert render_expression(parse(source)) == text
    assert render_expression(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "bare"),
    [("a", True), ("_x-9", True), ("-a", False), ("9a", False), ("", False), ("é", False), ("a b", False)],
)
def test_an_identifier_may_stand_bare(text: str, bare: bool) -> None:
    assert is_identifier(text) is bare

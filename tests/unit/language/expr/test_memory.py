"""The memory of one evaluation: 1 MiB as the runner counts it (`EvaluationMemory`, `MemoryCounter`)."""

import pytest

from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.memory import LIMIT, TEMPLATE_LIMIT
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.values import Value

MESSAGE = "The maximum allowed memory size was exceeded while evaluating the following expression: "


def length_of(source: str, text: str) -> int:
    value = evaluate(parse_expression(source), {"a": text})
    assert isinstance(value, str)
    return len(value)


def refuse(source: str, a: Value) -> ExpressionError:
    with pytest.raises(ExpressionError) as raised:
        evaluate(parse_expression(source), {"a": a})
    assert raised.value.kind == "evaluation"
    assert raised.value.message.startswith(MESSAGE)
    return raised.value


def test_a_text_from_a_context_may_fill_the_memory_and_not_one_character_more() -> None:
    # the wrapper of the value counts 24, the text 26 and two a character
    most = (LIMIT - 24 - 26) // 2
    assert length_of("a", "x" * most) == most
    assert refuse("a", "x" * (most + 1)).message == MESSAGE + "a"


def test_characters_beyond_the_first_plane_count_twice() -> None:
    most = (LIMIT - 24 - 26) // 4
    assert length_of("a", "😀" * most) == most
    refuse("a", "😀" * (most + 1))


def test_what_a_text_was_made_from_is_let_go() -> None:
    third = "x" * (LIMIT // 2 // 3)
    assert length_of("format('{0}', format('{0}', format('{0}', format('{0}', a))))", third) == len(third)


def test_what_is_held_side_by_side_adds_up() -> None:
    third = "x" * (LIMIT // 2 // 3)
    assert evaluate(parse_expression("a == a"), {"a": third}) is True
    refuse("contains(join(a.*), format('{0}{0}', a.b))", {"b": third})


def test_a_format_that_grows_too_far_is_blamed_itself() -> None:
    error = refuse("'x' == format('{0}{0}{0}{0}', a)", "x" * (LIMIT // 7))
    assert error.offset == 7
    assert error.message == MESSAGE + "format('{0}{0}{0}{0}', a)"


def test_a_join_and_a_printout_that_grow_too_far_are_refused() -> None:
    wide: Value = ["x" * 1000] * 600
    refuse("join(a, '')", wide)
    refuse("toJSON(a)", wide)


def test_a_printout_of_deep_nesting_is_refused_before_it_is_made() -> None:
    deep: Value = []
    for _ in range(100_000):
        deep = [deep]
    refuse("toJSON(a)", deep)


def test_a_filter_counts_its_items() -> None:
    most = (LIMIT - 24) // 8
    refuse("a.*", [None] * (most + 1))
    assert evaluate(parse_expression("a[0]"), {"a": [None] * (most + 1)}) is None


def test_a_place_that_allows_more_may_use_more_and_no_more_than_that() -> None:
    text = "x" * LIMIT
    for source in ("a", "format('{0}', a)", "join(b, '')", "toJSON(a)"):
        tree = parse_expression(source)
        value = evaluate(tree, {"a": text, "b": [text, "y"]}, memory_limit=TEMPLATE_LIMIT)
        assert len(str(value)) >= len(text)
        with pytest.raises(ExpressionError):
            evaluate(tree, {"a": text * 5, "b": [text * 5, "y"]}, memory_limit=TEMPLATE_LIMIT)

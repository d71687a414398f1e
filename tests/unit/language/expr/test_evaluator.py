"""What expressions come to. Each row of the table says why, from the C# runner's classes."""

from collections.abc import Mapping
from typing import Any

import pytest

from homeport.language.expr.coercion import kind_of
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.parser import HASH_FILES, STATUS_FUNCTIONS, parse_expression
from homeport.language.expr.values import CaseSensitiveObject, FilteredArray, Value, from_json
from tests.support.cases import read_rows


def value_of(source: str, contexts: Mapping[str, Value] | None = None) -> Value:
    return evaluate(parse_expression(source), contexts or {})


@pytest.mark.parametrize("row", read_rows("expr/evaluation.jsonl"), ids=lambda row: f"{row['expr']}: {row['why']}")
def test_an_expression_comes_to_what_the_runner_makes_of_it(row: dict[str, Any]) -> None:
    contexts = from_json(row.get("contexts", {}))
    assert isinstance(contexts, dict)
    if "error" in row:
        with pytest.raises(ExpressionError) as raised:
            evaluate(parse_expression(row["expr"], names=contexts), contexts)
        error = raised.value
        assert row["error"] in error.message
        assert (error.kind, error.offset) == (row["kind"], row["offset"])
        return
    found = evaluate(parse_expression(row["expr"], names=contexts), contexts)
    expected = from_json(row["value"])
    assert (kind_of(found), found) == (kind_of(expected), expected)


def test_a_name_that_has_no_value_is_null() -> None:
    assert value_of("github.ref") is None


def test_values_are_handed_out_as_they_are() -> None:
    event: Value = {"a": [1.0]}
    assert value_of("github.event", {"github": {"event": event}}) is event


def test_the_environment_of_linux_is_looked_up_with_its_case() -> None:
    contexts: dict[str, Value] = {"env": CaseSensitiveObject({"Path": "x"})}
    assert value_of("env.Path", contexts) == "x"
    assert value_of("env.PATH", contexts) is None


def test_a_filter_gives_an_array_that_remembers_it() -> None:
    assert isinstance(value_of("a.*", {"a": {"b": 1.0}}), FilteredArray)


def test_large_objects_are_looked_up_ignoring_case_and_the_first_spelling_wins() -> None:
    large: dict[str, Value] = {f"Key{number}": float(number) for number in range(100)}
    contexts: dict[str, Value] = {"a": {**large, "KEY7": "later"}}
    assert value_of("a.kEY7", contexts) == 7.0
    assert value_of("a.KEY7", contexts) == "later"
    assert value_of("a.kEY8 == a.key8 && a.nothing == null", contexts) is True


def test_large_objects_that_come_and_go_are_not_mistaken_for_one_another() -> None:
    def large(name: str) -> str:
        return "{" + ",".join(f"'key{number}': '{name}'" for number in range(50)) + "}"

    contexts: dict[str, Value] = {name: large(name) for name in "abcd"}
    source = "format('{0}{1}{2}{3}', " + ", ".join(f"fromJSON({name}).KEY7" for name in "abcd") + ")"
    assert value_of(source, contexts) == "abcd"


def test_functions_of_the_caller_are_found_ignoring_case() -> None:
    seen: list[list[Value]] = []

    def succeed(arguments: list[Value]) -> Value:
        seen.append(arguments)
        return True

    tree = parse_expression("SUCCESS('a', 'b') && success()", functions=STATUS_FUNCTIONS)
    assert evaluate(tree, {}, {"success": succeed}) is True
    assert seen == [["a", "b"], []]


def test_an_error_in_a_function_of_the_caller_is_blamed_on_the_call() -> None:
    def fail(arguments: list[Value]) -> Value:
        raise ExpressionError("evaluation", f"no folder {arguments[0]}", 0)

    tree = parse_expression("1 == hashFiles('x')", functions=HASH_FILES)
    with pytest.raises(ExpressionError, match="no folder x") as raised:
        evaluate(tree, {}, {"hashFiles": fail})
    assert raised.value.offset == 5


def test_a_function_that_the_caller_does_not_give_is_an_error_and_not_a_crash() -> None:
    with pytest.raises(ExpressionError, match="Unrecognized function: 'always'"):
        evaluate(parse_expression("always()", functions=STATUS_FUNCTIONS), {})


def test_a_function_of_the_caller_that_is_not_reached_is_not_called() -> None:
    tree = parse_expression("false && always()", functions=STATUS_FUNCTIONS)
    assert evaluate(tree, {}, {"always": lambda _: pytest.fail("called")}) is False

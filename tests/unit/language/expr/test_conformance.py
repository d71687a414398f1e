"""GitHub's own test data for expressions (actions/languageservices `expressions/testdata`)."""

from math import isnan
from typing import Any

import pytest

from homeport.language.expr.coercion import kind_of
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.values import Value, from_json
from tests.support.conformance import load_cases, require_cases

FILE = "expressions.jsonl"


def evaluate_row(row: dict[str, Any]) -> Value:
    contexts = from_json(row["contexts"])
    assert isinstance(contexts, dict)
    return evaluate(parse_expression(row["expr"], names=contexts.keys()), contexts)


def is_same(found: Value, expected: Value) -> bool:
    if isinstance(found, float) and isinstance(expected, float) and isnan(expected):
        return isnan(found)
    return found == expected


def test_the_published_cases_are_all_here() -> None:
    require_cases(FILE)
    assert len(load_cases(FILE)) == 1020


@pytest.mark.parametrize(
    "row", load_cases(FILE), ids=lambda row: f"{row['source'].rpartition('/')[2]}-{row['group']}-{row['n']}"
)
def test_a_published_case_comes_out_as_on_github(row: dict[str, Any]) -> None:
    if "error" in row:
        with pytest.raises(ExpressionError) as raised:
            evaluate_row(row)
        assert raised.value.kind == row["error"]["kind"]
        assert row["error"]["message"] in raised.value.message
        return
    found = evaluate_row(row)
    kind, expected = row["result"]["kind"], row["result"]["value"]
    assert kind_of(found) == kind
    assert is_same(found, float(expected) if kind == "Number" else from_json(expected)), found

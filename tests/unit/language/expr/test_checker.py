"""Mistakes that types show, with their places; the table's model is actionlint's `expression` rule."""

from typing import Any

import pytest

from homeport.language.availability import AVAILABILITY
from homeport.language.expr.checker import check, examine
from homeport.language.expr.parser import HASH_FILES, STATUS_FUNCTIONS, parse_expression
from homeport.language.expr.types import (
    ANY,
    BOOLEAN,
    CONTEXTS,
    NULL,
    NUMBER,
    STRING,
    ArrayType,
    ObjectType,
    Type,
    job_result_type,
    merge_types,
    render_type,
    step_type,
    type_of,
)
from tests.support.cases import read_rows

FUNCTIONS = {**STATUS_FUNCTIONS, **HASH_FILES}


def mistakes_of(source: str, scope: dict[str, Type], key: str | None = None) -> list[tuple[int, str]]:
    tree = parse_expression(source, functions=FUNCTIONS)
    return [
        (mistake.offset, mistake.message) for mistake in check(tree, scope, None if key is None else AVAILABILITY[key])
    ]


@pytest.mark.parametrize("row", read_rows("expr/types.jsonl"), ids=lambda row: row["expr"])
def test_types_and_mistakes_are_found_without_running(row: dict[str, Any]) -> None:
    found_type, found = examine(parse_expression(row["expr"], functions=FUNCTIONS), CONTEXTS)
    expected = row.get("mistakes", [])
    assert [mistake.offset for mistake in found] == [place for place, *_ in expected]
    for mistake, (_, text, *hint) in zip(found, expected, strict=True):
        assert text in mistake.message
        assert hint in ([], [mistake.hint])
    if "type" in row:
        assert render_type(found_type) == row["type"]


def test_a_context_that_the_key_does_not_have_is_named_with_those_that_it_has() -> None:
    scope = dict(CONTEXTS)
    assert mistakes_of("runner.temp", scope, "jobs.strategy") == [
        (0, "context 'runner' is not allowed here; available: github, inputs, needs, vars")
    ]
    assert mistakes_of("runner.temp", scope, "steps.run") == []


def test_a_function_that_the_key_does_not_have_is_refused_with_the_place_where_it_may_be() -> None:
    tree = parse_expression("github.ref && success()", functions=FUNCTIONS)
    (mistake,) = check(tree, CONTEXTS, AVAILABILITY["steps.run"])
    assert (mistake.offset, mistake.message) == (14, "function 'success' is not allowed here")
    assert mistake.hint == "status functions are called in the 'if' of a job or a step"
    assert check(tree, CONTEXTS, AVAILABILITY["steps.if"]) == []
    (mistake,) = check(parse_expression("hashFiles('x')", functions=FUNCTIONS), CONTEXTS, AVAILABILITY["jobs.if"])
    assert mistake.hint == "it is called in the keys of a step, which the runner evaluates"


def test_steps_needs_and_inputs_are_as_the_workflow_says() -> None:
    scope: dict[str, Type] = {
        "steps": ObjectType({"cache": step_type(ObjectType({"cache-hit": STRING}))}),
        "needs": ObjectType({"install": job_result_type(ObjectType({"installed": STRING}))}),
        "inputs": ObjectType({"Verbose": BOOLEAN, "age": NUMBER}),
        "matrix": ObjectType(),
    }
    assert (
        mistakes_of("steps.cache.outputs.cache-hit && needs.install.outputs.installed && inputs.verbose", scope) == []
    )
    assert mistakes_of("steps.cache.outputs.cache_hit", scope) == [
        (0, "property 'cache_hit' is not defined in 'steps.cache.outputs', which is {cache-hit: string}")
    ]
    assert mistakes_of("needs.other.result", scope)[0][0] == 0
    assert mistakes_of("matrix.os", scope) == [(0, "property 'os' is not defined: 'matrix' has no properties here")]
    assert mistakes_of("inputs.verbose > 60", scope)[0][0] == 0


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (STRING, NUMBER, STRING),
        (BOOLEAN, STRING, STRING),
        (BOOLEAN, NUMBER, ANY),
        (NULL, STRING, ANY),
        (STRING, ArrayType(STRING), ANY),
        (ArrayType(NUMBER), ArrayType(STRING), ArrayType(STRING)),
        (ObjectType({"a": NUMBER}), ObjectType({"b": STRING}), ObjectType({"a": NUMBER, "b": STRING})),
        (ObjectType({"a": NUMBER}), ObjectType({"a": NULL}), ObjectType({"a": ANY})),
        (ObjectType({}, STRING), ObjectType({"a": NUMBER}), ObjectType({"a": NUMBER}, STRING)),
        (ObjectType({}, STRING), ObjectType({}, NUMBER), ObjectType({}, STRING)),
    ],
)
def test_types_are_merged_either_way_round(one: Type, other: Type, merged: Type) -> None:
    assert merge_types(one, other) == merged
    assert merge_types(other, one) == merged


def test_the_type_of_a_constant_is_the_merger_of_its_parts() -> None:
    assert type_of([{"a": 1}, {"a": "x", "b": None}]) == ArrayType(ObjectType({"a": STRING, "b": NULL}))
    assert type_of([]) == ArrayType(ANY)


def test_a_wide_object_is_shown_by_its_names_and_a_very_wide_one_in_part() -> None:
    wide = ObjectType({f"property_{number:02}": STRING for number in range(6)})
    assert render_type(wide) == "{" + ", ".join(f"property_{number:02}" for number in range(6)) + "}"
    assert render_type(CONTEXTS["github"]).endswith("…}")


def test_every_context_of_every_key_has_a_type() -> None:
    for availability in AVAILABILITY.values():
        assert availability.contexts <= set(CONTEXTS)

"""Strategies and the legs they make."""

import json
from typing import Any

import pytest

from homeport.plan.codec import to_plain
from homeport.plan.expand import Expansion, expand_job, strategy_context
from homeport.plan.matrix import leaf_texts, name_leg
from tests.support.planning import plan_of_text, read_cases, scope_of

CASES = read_cases("matrix.toml")


def expand(strategy: str, needs: dict[str, Any]) -> Expansion:
    indented = "\n".join(f"      {line}" for line in strategy.strip().splitlines())
    ids = "".join(f"  {name}: {{runs-on: x, steps: [{{run: a}}]}}\n" for name in needs or {"x": None})
    wanted = ", ".join(needs or ["x"])
    plan = plan_of_text(
        f"jobs:\n{ids}  job:\n    needs: [{wanted}]\n    runs-on: x\n    steps: [{{run: a}}]\n    strategy:\n{indented}\n"
    )
    return expand_job(plan.workflow.get_job("job"), scope_of(plan), needs)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_strategy_makes_the_legs_that_github_makes(case: dict[str, Any]) -> None:
    needs = json.loads(case.get("needs", "{}"))
    if "needs_range" in case:
        needs = {"x": {"outputs": {"big": json.dumps(list(range(case["needs_range"])))}}}
    expansion = expand(case["strategy"], needs)
    if "error" in case:
        assert expansion.mistake is not None
        assert case["error"] in expansion.mistake.message
        assert expansion.legs == ()
        return
    assert expansion.mistake is None
    legs = expansion.legs
    if "legs" in case:
        assert [leg.key for leg in legs] == [f"job ({values})" for values in case["legs"]]
        assert [leg.name for leg in legs] == [f"job ({values})" for values in case["legs"]]
    if "keys" in case:
        assert [leg.key for leg in legs] == case["keys"]
    if "matrices" in case:
        assert [to_plain(leg.matrix) for leg in legs] == [json.loads(matrix) for matrix in case["matrices"]]
    if "count" in case:
        assert len(legs) == case["count"]
    assert [(leg.index, leg.total) for leg in legs] == [(index, len(legs)) for index in range(len(legs))]


def test_the_strategy_context_knows_its_legs() -> None:
    legs = expand("{fail-fast: false, max-parallel: 2, matrix: {a: [1, 2, 3]}}", {}).legs
    assert [strategy_context(leg) for leg in legs] == [
        {"fail-fast": False, "job-index": float(index), "job-total": 3.0, "max-parallel": 2.0} for index in range(3)
    ]
    (unlimited, _) = expand("{matrix: {a: [1, 2]}}", {}).legs
    assert strategy_context(unlimited)["max-parallel"] == 2.0
    (single,) = expand("{max-parallel: 3}", {}).legs
    assert strategy_context(single) == {"fail-fast": True, "job-index": 0.0, "job-total": 1.0, "max-parallel": 1.0}


@pytest.mark.parametrize("limit", ["0", "-1", ".inf", ".nan"])
def test_a_limit_that_is_none_limits_nothing(limit: str) -> None:
    assert expand(f"{{max-parallel: {limit}, matrix: {{a: [1, 2]}}}}", {}).legs[0].max_parallel is None


def test_a_fraction_of_a_leg_is_cut_off() -> None:
    assert expand("{max-parallel: 2.9, matrix: {a: [1, 2]}}", {}).legs[0].max_parallel == 2


def test_a_long_name_is_cut_to_a_hundred_characters() -> None:
    """The name of a check: actions/runner `JobNameBuilder`."""
    assert name_leg("test", ["x" * 93]) == f"test ({'x' * 93})"
    cut = name_leg("test", ["x" * 94])
    assert (len(cut), cut[-4:]) == (100, "x...")


def test_a_key_is_never_cut() -> None:
    (leg,) = expand(f"{{matrix: {{a: [{'x' * 120}]}}}}", {}).legs
    assert leg.key == f"job ({'x' * 120})"
    assert len(leg.name) == 100


def test_leaves_are_found_however_deep() -> None:
    assert leaf_texts({"a": {"b": [1.0, {"c": "x"}], "d": None}, "e": False}) == ["1", "x", "false"]

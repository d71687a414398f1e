"""Random workflows for the run machine: graphs of needs, matrices, conditions, calls, concurrency and continue-on-error.

They are written as JSON, which is YAML, and read by the real parser.
"""

import json
from typing import Any

from hypothesis import strategies as st

from homeport.plan.model import Plan
from tests.support.workflows import plan_of_text

CONDITIONS = (
    None,
    None,
    None,
    "always()",
    "failure()",
    "cancelled()",
    "!cancelled()",
    "success() || failure()",
    "github.ref == 'refs/heads/main'",
    "false",
    "fromJSON('{')",
    "contains(needs.*.result, 'failure')",
    "always() && !contains(needs.*.result, 'cancelled')",
)
LISTS = ('["a", "b"]', '["a"]', "[]", "not JSON", "")
"""What jobs set as their output: what a dynamic matrix is made of."""
GROUPS = ("one", "One", "two")


@st.composite
def plans(draw: st.DrawFn, least: int = 1) -> Plan:
    """A plan of up to six jobs, some of them calls of workflows that may call others."""
    called: dict[str, str] = {}
    for level in range(draw(st.integers(0, 2))):
        called[f"w{level}.yml"] = json.dumps(
            {
                "on": {"workflow_call": {"outputs": {"list": {"value": "${{ jobs.j0.outputs.list }}"}}}},
                **draw(_top(f"call{level}")),
                "jobs": draw(_jobs(1, 3, list(called))),
            }
        )
    return plan_of_text(
        json.dumps({"on": "push", **draw(_top("run")), "jobs": draw(_jobs(least, 6, list(called)))}), called
    )


@st.composite
def _top(draw: st.DrawFn, group: str) -> dict[str, Any]:
    return {"concurrency": group} if draw(st.integers(0, 3)) == 0 else {}


@st.composite
def _jobs(draw: st.DrawFn, least: int, most: int, called: list[str]) -> dict[str, Any]:
    count = draw(st.integers(least, most))
    ids = [f"j{number}" for number in range(count)]
    return {job_id: draw(_job(ids[:number], called)) for number, job_id in enumerate(ids)}


@st.composite
def _job(draw: st.DrawFn, before: list[str], called: list[str]) -> dict[str, Any]:
    needs = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
    job: dict[str, Any] = {"needs": needs} if needs else {}
    condition = draw(st.sampled_from(CONDITIONS))
    if condition is not None:
        job["if"] = condition
    if draw(st.booleans()):
        job["strategy"] = draw(_strategy(needs))
    if draw(st.integers(0, 3)) == 0:
        job["concurrency"] = draw(_concurrency())
    if bool(called) and draw(st.booleans()):
        return {**job, "uses": f"./.github/workflows/{draw(st.sampled_from(called))}"}
    job |= {"runs-on": "x", "outputs": {"list": "x"}, "steps": [{"run": "true"}]}
    if draw(st.integers(0, 3)) == 0:
        job["continue-on-error"] = True
    return job


@st.composite
def _strategy(draw: st.DrawFn, needs: list[str]) -> dict[str, Any]:
    vector: Any = list(range(draw(st.integers(1, 4))))
    if bool(needs) and draw(st.booleans()):
        vector = f"${{{{ fromJSON(needs.{draw(st.sampled_from(needs))}.outputs.list) }}}}"
    strategy: dict[str, Any] = {"matrix": {"n": vector}, "fail-fast": draw(st.booleans())}
    if draw(st.booleans()):
        strategy["max-parallel"] = draw(st.integers(1, 3))
    return strategy


@st.composite
def _concurrency(draw: st.DrawFn) -> Any:
    group = draw(st.sampled_from((*GROUPS, "${{ matrix.n }}-own")))
    match draw(st.integers(0, 2)):
        case 0:
            return group
        case 1:
            return {"group": group, "queue": "max"}
        case _:
            return {"group": group, "cancel-in-progress": True}

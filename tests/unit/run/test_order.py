"""What a runner is told about one leg, and which secrets reach it."""

import pytest

from homeport.plan.evaluation import EvaluationError
from homeport.run.order import gather_contexts, pass_secrets
from homeport.run.state import RunState
from tests.support.simulation import Act, World
from tests.support.workflows import GITHUB, plan_of_text

CALLED = {
    "middle.yml": """
        on: {workflow_call: {inputs: {level: {type: number}}, secrets: {A: {}, MINE: {}}}}
        env: {IN: middle}
        jobs:
          named:
            strategy: {max-parallel: 1, matrix: {n: [1, 2]}}
            runs-on: x
            steps: [run: "true"]
          inner:
            needs: named
            uses: ./.github/workflows/inner.yml
            secrets: inherit
    """,
    "inner.yml": """
        on: workflow_call
        jobs:
          work: {runs-on: x, steps: [run: "true"]}
    """,
}
PLAN = plan_of_text(
    """
    env: {IN: top}
    jobs:
      first: {runs-on: x, outputs: {o: "x"}, steps: [run: "true"]}
      call:
        needs: first
        uses: ./.github/workflows/middle.yml
        with: {level: 3}
        secrets: {A: "${{ secrets.ONE }}", MINE: "${{ needs.first.outputs.o }}-${{ secrets.absent }}"}
      bare: {uses: ./.github/workflows/inner.yml}
    """,
    CALLED,
)


def _run() -> RunState:
    world = World()
    world.start(PLAN, {"first": Act(outputs={"o": "out"})}, github=GITHUB)
    world.run()
    return world.runs["1"].state


def test_a_leg_has_the_contexts_of_its_own_scope() -> None:
    contexts = gather_contexts(_run(), "call/named (2)")
    assert contexts.leg.name == "call / named (2)"
    assert contexts.inputs == {"level": 3.0}
    assert contexts.matrix == {"n": 2.0}
    assert contexts.strategy == {"fail-fast": True, "job-index": 1.0, "job-total": 2.0, "max-parallel": 1.0}
    assert contexts.needs == {}
    assert contexts.workflow.file == ".github/workflows/middle.yml"
    assert contexts.github["ref"] == "refs/heads/main"
    assert contexts.job.id == "named"


def test_needs_have_results_and_outputs() -> None:
    run = _run()
    assert gather_contexts(run, "first").needs == {}
    assert gather_contexts(run, "first").calls == ()
    call = gather_contexts(run, "call/inner/work").calls[0]
    assert call.contexts["needs"] == {"first": {"result": "success", "outputs": {"o": "out"}}}


def test_a_call_is_no_order_for_a_runner() -> None:
    with pytest.raises(KeyError):
        gather_contexts(_run(), "call")


def test_secrets_pass_one_hop_at_a_time() -> None:
    run, secrets = _run(), {"ONE": "1", "TWO": "2", "GITHUB_TOKEN": "t"}
    assert pass_secrets(gather_contexts(run, "first").calls, secrets) == secrets
    named = {"A": "1", "MINE": "out-", "GITHUB_TOKEN": "t"}
    assert pass_secrets(gather_contexts(run, "call/named (1)").calls, secrets) == named
    assert pass_secrets(gather_contexts(run, "call/inner/work").calls, secrets) == named
    assert pass_secrets(gather_contexts(run, "bare/work").calls, secrets) == {"GITHUB_TOKEN": "t"}
    assert pass_secrets(gather_contexts(run, "bare/work").calls, {}) == {}


def test_a_secret_that_cannot_be_evaluated_is_an_error_at_its_place() -> None:
    plan = plan_of_text(
        """
        jobs:
          call:
            uses: ./.github/workflows/middle.yml
            secrets:
              A: ${{ fromJSON('{') }}
        """,
        CALLED,
    )
    world = World()
    world.start(plan, github=GITHUB)
    world.run()
    calls = gather_contexts(world.runs["1"].state, "call/named (1)").calls
    with pytest.raises(EvaluationError) as caught:
        pass_secrets(calls, {})
    assert caught.value.span.line == 7

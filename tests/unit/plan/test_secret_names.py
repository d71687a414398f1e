"""Which secrets a job is given: those that it names."""

import pytest

from homeport.language import nodes
from homeport.plan.model import Plan
from homeport.plan.secret_names import find_secret_names
from tests.support.planning import outcome_of


def job(steps: str, more: str = "") -> nodes.Job | nodes.CallJob:
    plan = outcome_of(f"""
        jobs:
          build:
            runs-on: ubuntu-latest
            {more}
            steps: {steps}
    """)
    assert isinstance(plan, Plan)
    return plan.workflow.jobs[0].written


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        ('[{run: "echo"}]', set()),
        ('[{run: "echo ${{ secrets.One }}"}]', {"ONE"}),
        ('[{run: "x", env: {A: "${{ secrets.a }}-${{ secrets[\'b\'] }}"}}]', {"A", "B"}),
        ("[{run: \"x\", env: {A: \"${{ github.actor == 'me' && Secrets.C || '' }}\"}}]", {"C"}),
        ('[{uses: "actions/checkout@v4", with: {token: "${{ secrets.PAT }}"}}]', {"PAT"}),
        ('[{run: "echo secrets.NOT"}]', set()),
        ("[{run: \"echo ${{ format('secrets.{0}', github.actor) }}\"}]", set()),
    ],
)
def test_named_secrets_are_found(steps: str, names: set[str]) -> None:
    assert find_secret_names(job(steps)) == frozenset(names)


@pytest.mark.parametrize("expression", ["toJSON(secrets)", "secrets[github.actor]", "secrets.*"])
def test_what_may_be_any_is_told(expression: str) -> None:
    assert find_secret_names(job('[{run: "echo ${{ ' + expression + ' }}"}]')) is None


def test_secrets_of_services_and_of_the_workflows_env_count_too() -> None:
    services = 'services: {db: {image: postgres, env: {P: "${{ secrets.DB }}"}}}'
    written = job('[{run: "x"}]', services)
    env = job('[{run: "x", env: {A: "${{ secrets.WIDE }}"}}]')
    assert find_secret_names(written) == frozenset({"DB"})
    assert find_secret_names(written, env) == frozenset({"DB", "WIDE"})

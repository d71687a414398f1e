"""Shadow mode leaves out what deploys or publishes, also in called workflows, and nothing else."""

from typing import Any

import msgspec

from homeport.language.parser.workflow import parse_workflow
from homeport.plan.model import Plan, PlannedWorkflow
from homeport.plan.planner import plan_workflow
from homeport.server.default_build import DEFAULT_FILE, write_default_build
from homeport.server.shadow import shade
from tests.support.plans import plan_of

JOB = "    runs-on: ubuntu-latest\n    steps: [{run: echo}]\n"
WORKFLOW = (
    "on: push\njobs:\n"
    f"  plain:\n{JOB}"
    f"  deploy:\n    environment: live\n{JOB}"
    f"  token:\n    permissions: {{id-token: write, contents: read}}\n{JOB}"
    f"  packages:\n    permissions: {{packages: write}}\n{JOB}"
    f"  reading:\n    permissions: {{packages: read}}\n{JOB}"
    "  called:\n    uses: ./.github/workflows/called.yml\n"
)
CALLED = f"on: workflow_call\npermissions: {{id-token: write}}\njobs:\n  inner:\n{JOB}"


def plan_text() -> Plan:
    workflow, mistakes = parse_workflow(WORKFLOW, "ci.yml")
    assert workflow is not None, mistakes
    called = parse_workflow(CALLED, ".github/workflows/called.yml")
    outcome = plan_workflow(workflow, plan_of().event, load_called=lambda _: called)
    assert isinstance(outcome, Plan), outcome
    return outcome


def left_out(workflow: PlannedWorkflow) -> dict[str, Any]:
    return {
        job.written.id: left_out(job.called)
        if job.called is not None
        else "shadow" in job.written.condition.expression.source
        for job in workflow.jobs
    }


def test_what_deploys_or_publishes_is_left_out() -> None:
    assert left_out(shade(plan_text()).workflow) == {
        "plain": False,
        "deploy": True,
        "token": True,
        "packages": True,
        "reading": False,
        "called": {"inner": True},
    }


def test_a_shaded_plan_can_be_kept_and_read_again() -> None:
    shaded = shade(plan_text())
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(shaded), type=Plan) == shaded


def test_a_default_build_is_a_workflow_without_mistakes() -> None:
    for paths in (["a.py"], ["a.py", "requirements.txt", "setup.py"], ["src/a.py", "dev-requirements.txt"]):
        text = write_default_build(paths)
        assert text is not None
        workflow, mistakes = parse_workflow(text, DEFAULT_FILE)
        assert workflow is not None
        assert not mistakes
        assert ("Install requirements" in text) == (len(paths) > 1)


def test_where_there_is_no_python_nothing_is_built() -> None:
    assert write_default_build(["README.md", "main.go"]) is None
